"""Recipes, devices, the training loop, what a run will cost before it starts."""
