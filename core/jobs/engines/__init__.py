"""Who executes the queue: worker processes on this machine."""
