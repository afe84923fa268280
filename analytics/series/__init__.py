"""Time series as such, whatever they measure."""
