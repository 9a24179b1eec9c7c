"""A reader's hand count, checked term by term against the exact layers."""
