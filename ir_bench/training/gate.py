"""Where the gate of a `GatedChange` opens: near to the train queries, and not for random words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError

if TYPE_CHECKING:
    from ir_bench.modules.gated_change import GatedChange

RANDOM, ITERATIONS = 2048, 10  # texts of random words; rounds of k-means
APART = 0.1  # share of the train queries that the gate's upper end is measured on
LEAST = 0.05  # width of the ramp


def place_gate(
    change: GatedChange,
    queries: NDArray[np.float32],
    words: NDArray[np.float32],
    closed: float,
    opened: float,
    later: float = 0.0,
) -> None:
    """Set centres and ramp from vectors of length 1 of train queries [queries, dims] and random words [texts, dims].

    The centres are spherical k-means of most queries; the gate is closed up to the `closed` percentile of what random
    words are near to a centre, and open from the `opened` percentile of the queries that k-means has not seen;
    `later` moves both up by so many times the distance between them.
    Raises InputError for no more queries than centres.
    """
    import torch

    drawn = np.random.default_rng(0).permutation(len(queries))
    apart, rest = np.split(drawn, [round(APART * len(queries))])
    if len(rest) <= change.count or not len(apart):
        raise InputError(
            f"{len(queries)} train queries for {change.count} centres of the gate",
            "more queries than centres, a tenth of them left for measuring",
            "set fewer architecture.centres",
        )
    centres = spherical(queries[rest], change.count)
    change.low = float(np.percentile((words @ centres.T).max(1), closed))
    seen = float(np.percentile((queries[apart] @ centres.T).max(1), opened))
    change.high = max(seen, change.low + LEAST)
    by = later * (change.high - change.low)
    change.low, change.high = change.low + by, change.high + by
    change.centres.copy_(torch.from_numpy(centres))


def spherical(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The centres [count, dims], of length 1, of unit vectors; those that begin first are the first vectors."""
    centres = vectors[:count].copy()
    for _ in range(ITERATIONS):
        nearest = (vectors @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres
