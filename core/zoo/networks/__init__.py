"""The networks as PyTorch modules, one family a file; `core.zoo.families` has their tables."""
