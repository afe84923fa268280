"""OGC SensorThings 1.1: how it is asked, and how it answers."""
