"""The watch over alarms: from what has arrived, and from time, to alarms and their letters."""
