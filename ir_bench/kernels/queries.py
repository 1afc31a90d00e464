"""Queries brought into an index's term numbers, and cut into batches."""

from __future__ import annotations

import itertools

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ir_bench.types import Strings


@njit(cache=True, nogil=True)
def renumber(terms, weights, offsets, table, mapped, starts):
    """Terms, weights and offsets of queries in an index's numbers, ascending and each once.

    `table` gives the index's number of a term or -1, if `mapped`; else the numbers are the index's own. Weights of a
    term named twice are added; zero weights and terms without a document (`starts` [terms + 1]) are left out.
    """
    new_terms = np.empty(len(terms), np.int64)
    new_weights = np.empty(len(terms), np.float64)
    new_offsets = np.zeros(len(offsets), np.int64)
    end = 0
    for query in range(len(offsets) - 1):
        begin = end
        for i in range(offsets[query], offsets[query + 1]):
            term = np.int64(table[terms[i]] if mapped else terms[i])
            if term < 0 or starts[term + 1] == starts[term] or weights[i] == 0:
                continue
            place = end
            while place > begin and new_terms[place - 1] > term:
                place -= 1
            if place > begin and new_terms[place - 1] == term:
                new_weights[place - 1] += weights[i]
                continue
            for j in range(end, place, -1):
                new_terms[j] = new_terms[j - 1]
                new_weights[j] = new_weights[j - 1]
            new_terms[place] = term
            new_weights[place] = weights[i]
            end += 1
        new_offsets[query + 1] = end
    return new_terms[:end], new_weights[:end], new_offsets


def numbers_in(own: Strings, other: Strings, known: dict[str, int]) -> NDArray[np.int64]:
    """The number that `own` gives each term of `other`, -1 if it has none; empty if the two are the same.

    `known` keeps the numbers of `own` from one call to the next.
    """
    if np.array_equal(other.bounds, own.bounds) and np.array_equal(other.data, own.data):
        return np.zeros(0, np.int64)
    if not known:
        known.update((term, number) for number, term in enumerate(own))
    return np.array([known.get(term, -1) for term in other], np.int64)


def batches(costs: NDArray[np.int64], size: int, most: int) -> list[tuple[int, int]]:
    """Consecutive spans of at most `size` items, ended early where their costs pass a multiple of `most`."""
    passed = np.cumsum(costs) // most
    changes = (np.flatnonzero(passed[1:] != passed[:-1]) + 1).tolist()
    cuts = sorted({*range(0, len(costs), size), *changes, len(costs)})
    return list(itertools.pairwise(cuts))
