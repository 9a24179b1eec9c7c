"""Runs that belong together, what they can tell, and the published figures beside them."""
