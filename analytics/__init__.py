"""What the platform concludes: pure agronomy and remote sensing, and the desk that uses them."""
