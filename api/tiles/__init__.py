"""Map tiles as palette PNG: read or computed, coloured, encoded, cached."""
