"""Compiled loops that turn weighted bags of terms into postings lists."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def invert(terms, weights, offsets, vocabulary, order=None):
    """Documents by terms -> terms by documents, by counting sort; weights of zero are left out.

    With an `order` [documents] rows are places in it: order[0] becomes row 0.
    Returns (starts [terms + 1], rows [postings], weights [postings], the first row that names a term twice or -1).
    """
    documents = len(offsets) - 1
    starts = np.zeros(vocabulary + 1, np.int64)
    for i in range(len(terms)):
        if weights[i] != 0:
            starts[np.uint64(terms[i]) + np.uint64(1)] += 1
    for term in range(vocabulary):
        starts[term + 1] += starts[term]
    rows = np.empty(starts[vocabulary], np.int32)
    values = np.empty(starts[vocabulary], np.float32)
    heads = starts[:-1].copy()
    repeated = -1
    for row in range(documents):
        document = row if order is None else order[row]
        for i in range(offsets[document], offsets[document + 1]):
            if weights[i] != 0:
                place = np.uint64(terms[i])
                head = np.uint64(heads[place])
                if heads[place] > starts[place] and rows[head - np.uint64(1)] == row and repeated < 0:
                    repeated = document
                rows[head] = row
                values[head] = weights[i]
                heads[place] += 1
    return starts, rows, values, repeated


@njit(cache=True, nogil=True)
def totals(weights, offsets):
    """The sum of each document's weights, in double precision [documents]."""
    sums = np.zeros(len(offsets) - 1, np.float64)
    for row in range(len(sums)):
        for i in range(offsets[row], offsets[row + 1]):
            sums[row] += weights[i]
    return sums


@njit(cache=True, nogil=True)
def best_impacts(starts, impacts, depths):
    """The impact at each of the ascending `depths` in each term's list, best first; 0 where the list is shorter."""
    best = np.zeros((len(starts) - 1, len(depths)), np.float32)
    longest = 0
    for term in range(len(starts) - 1):
        longest = max(longest, starts[term + 1] - starts[term])
    some = np.empty(longest, np.float32)
    for term in range(len(starts) - 1):
        count = starts[term + 1] - starts[term]
        if count >= depths[0]:
            some[:count] = impacts[starts[term] : starts[term + 1]]
            for level in range(len(depths) - 1, -1, -1):
                if count >= depths[level]:
                    count = depths[level]
                    best[term, level] = _select_largest(some, starts[term + 1] - starts[term], count)
    return best


@njit(cache=True, nogil=True)
def _select_largest(values, count, k):
    """Bring the k largest of the first `count` values to the front in any order; returns the k-th (Hoare)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    return values[k - 1]


@njit(cache=True, nogil=True)
def least_impacts(starts, impacts):
    """The lowest impact in each term's list [terms]; 0 where the list is empty."""
    least = np.zeros(len(starts) - 1, np.float32)
    for term in range(len(starts) - 1):
        if starts[term + 1] > starts[term]:
            least[term] = impacts[starts[term] : starts[term + 1]].min()
    return least
