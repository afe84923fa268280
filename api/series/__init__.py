"""Observations as they are asked for, read and written."""
