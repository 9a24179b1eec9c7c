"""Runs: the store that is also their queue, the worker that executes them, starting workers."""
