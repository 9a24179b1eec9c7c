"""Records to sentences."""
