"""Records to tables and CSV."""
