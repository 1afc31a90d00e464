"""Scores of documents by the centroids of their tokens, and by decompressed tokens: PLAID's stages."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ir_bench.kernels.residual import decode


@njit(cache=True, nogil=True)
def by_centroids(
    products: NDArray[np.float32],
    kept: NDArray[np.bool_],
    rows: NDArray[np.int64],
    codes: NDArray[np.int32],
    offsets: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Sums over query tokens of the largest product [centroids, query tokens] with a centroid of each document [rows];
    only centroids that are `kept` count, and a query token that none is left for adds nothing."""
    scores = np.zeros(len(rows), np.float32)
    largest = np.empty(products.shape[1], np.float32)
    for n in range(len(rows)):
        largest[:] = -np.inf
        for j in range(offsets[rows[n]], offsets[rows[n] + 1]):
            if kept[codes[j]]:
                of_code = products[codes[j]]
                for i in range(len(largest)):
                    largest[i] = max(largest[i], of_code[i])
        total = np.float32(0)
        for i in range(len(largest)):
            if largest[i] > -np.inf:
                total += largest[i]
        scores[n] = total
    return scores


@njit(cache=True, nogil=True)
def by_tokens(
    query: NDArray[np.float32],
    rows: NDArray[np.int64],
    codes: NDArray[np.int32],
    packed: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    centroids: NDArray[np.float32],
    weights: NDArray[np.float32],
    bits: int,
) -> NDArray[np.float32]:
    """MaxSim of a query [dims, tokens] with decompressed documents [rows]."""
    scores = np.empty(len(rows), np.float32)
    longest = 0
    for row in rows:
        longest = max(longest, offsets[row + 1] - offsets[row])
    buffer = np.empty((longest, len(query)), np.float32)
    for n in range(len(rows)):
        start, stop = offsets[rows[n]], offsets[rows[n] + 1]
        vectors = buffer[: stop - start]
        decode(codes[start:stop], packed[start:stop], centroids, weights, bits, True, vectors)
        products = np.dot(vectors, query)
        largest = products[0].copy()
        for j in range(1, len(products)):
            for i in range(len(largest)):
                largest[i] = max(largest[i], products[j, i])
        scores[n] = largest.sum()
    return scores
