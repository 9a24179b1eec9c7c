"""The queue: jobs in a store, the files they write, the workers that execute them."""
