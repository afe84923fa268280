"""Advice as rules: evidence in, an action with its reasons out. Pure."""
