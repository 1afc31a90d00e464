"""Score arithmetic shared by indexes and rerankers: dot products, the best k, ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.types import Hits


def require_depth(k: int) -> None:
    """Raises InputError unless k is a whole number of at least 1."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"the number of hits is {k!r}", "a whole number of at least 1", "set k=1000, say")


def require_finite(values: NDArray[np.floating], what: str) -> None:
    """Raises InputError naming the first row of `values` [rows, dims] that holds NaN or infinity."""
    sums = values.sum(axis=-1, dtype=np.float64)  # one pass; NaN and infinity survive a sum
    if not np.isfinite(sums).all():
        row = int(np.flatnonzero(~np.isfinite(np.atleast_1d(sums)))[0])
        raise InputError(
            f"{what} {row} has NaN or infinite values",
            "finite numbers",
            "check the model and its number format (float16 overflows)",
        )


def best(scores: NDArray[np.floating], k: int) -> Hits:
    """The k largest of each row of `scores` [queries, documents]; equal scores by ascending document row."""
    require_depth(k)
    k = min(k, scores.shape[1])
    rows = np.empty((len(scores), k), np.int64)
    for i, row in enumerate(scores):
        threshold = np.partition(row, len(row) - k)[len(row) - k] if k else 0
        candidates = np.flatnonzero(row >= threshold)  # ties at the cut-off included, in row order
        rows[i] = candidates[np.argsort(-row[candidates], kind="stable")[:k]]
    return Hits(rows, np.take_along_axis(scores, rows, 1).astype(np.float32))


def merge(first: Hits, second: Hits, k: int) -> Hits:
    """The best k of two lists of hits over different rows; equal scores by ascending row, padding (-1) last."""
    rows = np.concatenate([first.rows, second.rows], axis=1)
    scores = np.concatenate([first.scores, second.scores], axis=1)
    missing = rows < 0
    order = np.lexsort((rows, -scores, missing), axis=1)[:, :k]
    return Hits(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))
