"""Quality checks on single values and series: numbers in, flags out."""
