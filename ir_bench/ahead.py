"""Reading ahead: parts of a memory-mapped array are asked for before they are needed."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096  # bytes that are counted as one read


def ask_for(values: NDArray, start: int, stop: int) -> int:
    """Asks the operating system to read rows [start, stop) of an array; the blocks they lie in, counted from its first
    row. Nothing is asked for, and the same is counted, where it is not memory-mapped."""
    if start >= stop:
        return 0
    width = values.itemsize * int(np.prod(values.shape[1:]))
    first, last = start * width, stop * width
    mapped = getattr(values, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise") and values.flags.c_contiguous:
        base = place(values)
        at = (base + first) // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_WILLNEED, at, base + last - at)
    return (last - 1) // BLOCK - first // BLOCK + 1


def place(values: NDArray) -> int:
    """Where an array begins in the file that is mapped, as far as it is."""
    return values.ctypes.data - np.frombuffer(values._mmap, np.uint8).ctypes.data  # type: ignore[attr-defined]
