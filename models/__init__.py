"""What the platform knows: the nouns of the province and the store that keeps them."""
