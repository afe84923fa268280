"""The scene catalogue as a STAC API: questions, filters, items."""
