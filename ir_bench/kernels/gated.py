"""Compiled gated inner products."""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def add(scores, values, gates, weight, gate, gated):
    """Add `weight` times the values [documents] of one slice to `scores` [documents], where its gates are `gate`."""
    for row in range(len(scores)):
        if not gated or gates[row] == gate:
            scores[row] += weight * values[row]
