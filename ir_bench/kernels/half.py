"""Half-precision numbers in single precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def single(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same numbers in float32, shape kept.

    By torch, whose conversion uses the processor's own instruction: numpy's takes twice as long as multiplying the
    numbers by ten query vectors.
    """
    if values.dtype != np.float16:
        return values.astype(np.float32, copy=False)
    import torch

    return torch.from_numpy(np.array(values)).float().numpy()  # a copy: torch warns of a read-only memory map
