"""The CNN Architecture Lab without its pages: networks, their costs, data, training, runs."""
