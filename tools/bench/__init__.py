"""The figures that the lab promises, measured on this machine; `python -m tools.bench`."""
