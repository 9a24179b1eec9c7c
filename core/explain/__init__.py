"""Teaching on top of an Analysis: formulas, hand counts, other counters, calculators."""
