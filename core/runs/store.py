"""The store under the name that it had before, for scripts that were kept."""

from core.jobs.store import JobState as RunState
from core.jobs.store import Run, Store, Study, open_store

__all__ = ["Run", "RunState", "Store", "Study", "open_store"]
