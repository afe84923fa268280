"""Readings over MQTT: the client, the topics, and one decoder for each payload format."""
