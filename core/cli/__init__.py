"""What each command of `python -m core` does; `core.__main__` reads the flags.

Everything heavy is imported where it is used, so that `--help` never waits for torch.
"""
