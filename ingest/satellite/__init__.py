"""Satellite scenes: open, check, mask, index, COG, catalogue, zonal means per field."""
