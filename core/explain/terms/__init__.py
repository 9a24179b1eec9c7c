"""The words of the field, a table a group."""
