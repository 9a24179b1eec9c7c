"""What a network, trained or as it begins, makes of one image."""
