"""The exit codes of `python -m core`."""

FAILED = 1  # a run failed, or not all of them finished
BAD_INPUT = 2
INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT
CLOSED_PIPE = 141  # nobody reads the output any more: 128 + SIGPIPE
