"""Remote sensing as pure numpy: indices, masks and zonal verdicts; no file, no store."""
