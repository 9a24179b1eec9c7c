"""The package of the store before there were jobs; `core.jobs` is its name now."""
