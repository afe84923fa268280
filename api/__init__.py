"""What goes out: the HTTP API, the tiles, the page and the delivery of advisories."""
