"""Alarm rules judged over time: pure, so that a back-test and the live watch run the same code."""
