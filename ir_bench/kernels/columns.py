"""Inner products of sparse queries with dense documents that are stored column by column."""

from __future__ import annotations

import numpy as np
from numba import njit

TOGETHER = 4  # columns added up in one pass
DOCUMENTS = 4096  # scored at once: their sums and a few of their columns stay in a core's cache


@njit(cache=True, nogil=True, fastmath={"contract"})
def add_products(columns, groups, queries, weights, first, scores):
    """Adds to `scores` [queries, documents] inner products with the documents from `first` on of `columns`
    [groups, TOGETHER, all documents], float32 or int8.

    Entry i: query `queries[i]` has `weights[i]` [TOGETHER] for the columns of `groups[i]`; ascending groups, so that
    queries which read the same columns find them in the cache. A group that no entry names is not touched.
    """
    documents = scores.shape[1]
    for a in range(0, documents, DOCUMENTS):
        b = min(a + DOCUMENTS, documents)
        for i in range(len(groups)):
            block = columns[groups[i]]
            _add(
                scores[queries[i], a:b],
                weights[i],
                block[0, first + a : first + b],
                block[1, first + a : first + b],
                block[2, first + a : first + b],
                block[3, first + a : first + b],
            )


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add(scores, weights, c0, c1, c2, c3):
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for i in range(len(scores)):
        some = w0 * np.float32(c0[i]) + w1 * np.float32(c1[i])
        scores[i] += some + w2 * np.float32(c2[i]) + w3 * np.float32(c3[i])
