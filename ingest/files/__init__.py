"""Backfill from files: CSV and Parquet by a mapping that declares every unit and the zone."""
