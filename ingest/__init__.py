"""What comes in: readings over MQTT, scenes and weather from files."""
