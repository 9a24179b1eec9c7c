"""Who executes the queue: worker processes on this machine, or a Ray cluster."""
