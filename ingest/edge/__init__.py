"""The edge station of a village: takes messages in, keeps them on disk, forwards them."""
