"""The store seen through the data model of OGC SensorThings 1.1."""
