"""What browsers run to draw figures, in pages and in handouts."""
