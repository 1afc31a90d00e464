"""Inner products of sparse queries with product-quantised documents that are stored code by code."""

from __future__ import annotations

import numpy as np
from numba import njit

CODED, CENTROIDS = 8, 256  # columns of a code, and its values
DOCUMENTS = 8192  # scored at once: their sums and a few of their codes stay in a core's cache


@njit(cache=True, nogil=True, fastmath={"contract"})
def add_looked_up(codes, centroids, starts, groups, weights, first, scores):
    """Adds to `scores` [queries, documents] inner products with the documents from `first` on of `codes` [groups, all
    documents], whose values number the `centroids` [groups, CODED, CENTROIDS].

    Query q has the entries `starts[q]` to `starts[q + 1]`: `weights` [entries, CODED] for the columns of `groups`
    [entries]. Groups without an entry are not read.
    """
    documents, most = scores.shape[1], 0
    for q in range(len(starts) - 1):
        most = max(most, starts[q + 1] - starts[q])
    tables = np.empty((most, CENTROIDS), np.float32)
    for q in range(len(starts) - 1):
        start, count = starts[q], starts[q + 1] - starts[q]
        for i in range(count):
            _multiply(centroids[groups[start + i]], weights[start + i], tables[i])
        for a in range(0, documents, DOCUMENTS):
            b = min(a + DOCUMENTS, documents)
            some, i = scores[q, a:b], 0
            while i + 4 <= count:
                _look_up(
                    some, tables[i], tables[i + 1], tables[i + 2], tables[i + 3],
                    codes[groups[start + i], first + a : first + b],
                    codes[groups[start + i + 1], first + a : first + b],
                    codes[groups[start + i + 2], first + a : first + b],
                    codes[groups[start + i + 3], first + a : first + b],
                )  # fmt: skip
                i += 4
            while i < count:
                table, own = tables[i], codes[groups[start + i], first + a : first + b]
                for j in range(len(some)):
                    some[j] += table[own[j]]
                i += 1


@njit(cache=True, nogil=True, fastmath={"contract"})
def _multiply(centroids, weights, table):
    table[:] = 0
    for j in range(CODED):
        weight, row = weights[j], centroids[j]
        for c in range(CENTROIDS):
            table[c] += weight * row[c]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _look_up(scores, t0, t1, t2, t3, c0, c1, c2, c3):
    for i in range(len(scores)):
        scores[i] += (t0[c0[i]] + t1[c1[i]]) + (t2[c2[i]] + t3[c3[i]])
