"""What a file of weights holds, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.weights_file import StoredModule, StoredTensor


def tensor_frame(tensors: Sequence[StoredTensor]) -> pd.DataFrame:
    """A row for each tensor."""
    return pd.DataFrame(
        {
            "tensor": [tensor.name for tensor in tensors],
            "shape": ["×".join(map(str, tensor.shape)) for tensor in tensors],
            "dtype": [tensor.dtype for tensor in tensors],
            "numbers": [tensor.numbers for tensor in tensors],
            "bytes": [tensor.bytes for tensor in tensors],
        }
    )


def module_frame(modules: Sequence[StoredModule]) -> pd.DataFrame:
    """A row for each module; the name of the network itself is empty."""
    return pd.DataFrame(
        {
            "module": [module.name for module in modules],
            "tensors": [module.tensors for module in modules],
            "dtype": [" ".join(module.dtypes) for module in modules],
            "numbers": [module.numbers for module in modules],
            "bytes": [module.bytes for module in modules],
        }
    )
