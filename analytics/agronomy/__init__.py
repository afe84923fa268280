"""Agronomy as arithmetic: pure functions over numpy arrays, one equation each."""
