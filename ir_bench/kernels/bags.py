"""Bags of terms made of a stream of weighted terms: equal ones pooled, only the largest kept."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bags = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]  # terms, weights, offsets of texts


def pooled(
    owners: NDArray[np.integer],
    terms: NDArray[np.integer],
    weights: NDArray[np.float32],
    texts: int,
    rule: Literal["max", "sum"] = "max",
) -> Bags:
    """Each text's distinct terms, ascending, with the largest weight or the sum of their weights; `owners` [weights]
    says which text each weight is of, in any order."""
    keys = owners.astype(np.int64) << 32 | terms.astype(np.int64)
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)
    if len(starts):
        weights = (np.maximum if rule == "max" else np.add).reduceat(weights, starts)
    keys = keys[starts]
    offsets = np.searchsorted(keys, np.arange(texts + 1, dtype=np.int64) << 32)
    return (keys & 0xFFFFFFFF).astype(np.int32), weights.astype(np.float32, copy=False), offsets


def largest(terms: NDArray[np.int32], weights: NDArray[np.float32], offsets: NDArray[np.int64], keep: int) -> Bags:
    """Only `keep` terms of largest weight of each text, of equal ones the lower numbers; their order stays."""
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((terms, -weights, owners))  # by text, then weight, then term
    kept = np.zeros(len(terms), bool)
    kept[order] = np.arange(len(terms)) - offsets[owners] < keep
    return terms[kept], weights[kept], np.searchsorted(owners[kept], np.arange(len(offsets)))


def unit(weights: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """The weights with each text's divided by the length of its vector; those of an empty vector stay."""
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    squares = np.bincount(owners, weights.astype(np.float64) ** 2, len(offsets) - 1)
    return (weights / np.sqrt(np.where(squares > 0, squares, 1))[owners]).astype(np.float32)
