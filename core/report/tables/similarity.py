"""How alike the layers of two networks are, as a table. Imports no torch."""

from __future__ import annotations

import pandas as pd

from core.inside.similarity_records import Similarity


def similarity_frame(result: Similarity, first: str, second: str) -> pd.DataFrame:
    """One row a pair of layers; `first` and `second` say which networks they are of."""
    rows = [(one.first, one.second, one.cka) for one in result.layers]
    frame = pd.DataFrame(rows, columns=["layer", "layer_of_second", "cka"])
    return frame.assign(images=result.images, network=first, second_network=second)
