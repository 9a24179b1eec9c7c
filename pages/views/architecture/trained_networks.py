"""Of which networks the lab ships runs that the Trained view shows. Imports no statistics."""

from __future__ import annotations

BRANCHED = "course-inception"  # whose weights are told by branch
TRAINED = frozenset(("vgg11", "vgg16-forum", BRANCHED, "custom-vgg"))
