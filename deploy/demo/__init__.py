"""The demonstration province: who, where, and logs played back as devices."""
