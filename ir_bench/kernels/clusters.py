"""Clusters of a few hundred vectors, as many documents have tokens, by rules that do not depend on chance."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FAR = 1e300  # beyond every distance, and finite: what is compiled with `FAST` may not meet infinity
FAST = {"nnan", "ninf", "nsz", "reassoc", "contract"}


@njit(cache=True, nogil=True)
def cosine_distances(products: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 - cosine [n, n], between 0 and 2, from the inner products of n vectors; a vector of zeros is 1 from all."""
    n = len(products)
    by = np.empty(n, np.float32)
    for i in range(n):
        by[i] = 1 / np.sqrt(products[i, i]) if products[i, i] > 0 else 0
    distances = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            distance = min(max(np.float32(1) - products[i, j] * by[i] * by[j], np.float32(0)), np.float32(2))
            distances[i, j] = distance
            distances[j, i] = distance
    return distances


@njit(cache=True, nogil=True)
def ward(squared: NDArray[np.float64], clusters: int) -> NDArray[np.int64]:
    """Ward's hierarchical clustering: the cluster of each of n items [n], numbered by first appearance.

    `squared` [n, n] holds squared distances and is overwritten. The merges are those of scipy's `linkage(…, "ward")`,
    and the cut that of `fcluster(…, "maxclust")`: at most `clusters`, fewer where heights tie. By nearest-neighbour
    chains in O(n²) steps, over whole rows (a condensed matrix is read in strides); rows and columns of items that are
    merged are squeezed out once they are a quarter.
    Source: Müllner 2011, Modern hierarchical, agglomerative clustering algorithms (arXiv 1109.2378), section 3.2.
    """
    n = len(squared)
    merges = max(n - 1, 0)
    heights, left, right = np.empty(merges), np.empty(merges, np.int64), np.empty(merges, np.int64)
    size, highest, gone, name = np.ones(n), np.zeros(n), np.zeros(n), np.arange(n)
    chain = np.empty(n, np.int64)
    length, slots = 0, n
    for i in range(n):
        squared[i, i] = FAR
    for merge in range(merges):
        if (n - merge) * 4 <= slots * 3 and slots > 8:
            slots = _squeeze(squared, slots, size, highest, gone, name, chain, length)
        if length == 0:
            first = 0
            while size[first] == 0:
                first += 1
            chain[0] = first
            length = 1
        while True:
            x = chain[length - 1]
            row = squared[x]
            least = _least(row, gone, slots)
            if length > 1 and row[chain[length - 2]] == least:
                break
            y = 0
            while row[y] + gone[y] != least and y < slots - 1:
                y += 1
            chain[length] = y
            length += 1
        y = chain[length - 2]
        length -= 2
        if x > y:
            x, y = y, x
        highest[y] = max(least, highest[x], highest[y])  # rounding can put a merge below those it is made of
        left[merge], right[merge], heights[merge] = name[x], name[y], highest[y]
        kept = squared[y]
        _update(squared[x], kept, size, size[x], size[y], least, slots)
        size[y] += size[x]
        size[x], gone[x], kept[y] = 0, FAR, FAR
        for i in range(slots):
            squared[i, y] = kept[i]
    owner = np.arange(n)
    if clusters < n:
        cut = np.sort(heights)[n - clusters - 1]
        for merge in range(merges):
            if heights[merge] <= cut:
                owner[_root(owner, left[merge])] = _root(owner, right[merge])
        for i in range(n):
            owner[i] = _root(owner, i)
    return _numbered(owner)


@njit(cache=True, nogil=True, fastmath=FAST)
def _least(row: NDArray[np.float64], gone: NDArray[np.float64], slots: int) -> float:
    least = FAR
    for i in range(slots):
        least = min(least, row[i] + gone[i])
    return least


@njit(cache=True, nogil=True, fastmath=FAST)
def _update(
    x: NDArray[np.float64], y: NDArray[np.float64], size: NDArray[np.float64], nx: float, ny: float, xy: float, n: int
) -> None:
    """The squared distances of the merged cluster to all others, in place of `y`: the Lance-Williams formula."""
    for i in range(n):
        y[i] = ((nx + size[i]) * x[i] + (ny + size[i]) * y[i] - size[i] * xy) / (nx + ny + size[i])


@njit(cache=True, nogil=True)
def _squeeze(
    squared: NDArray[np.float64],
    slots: int,
    size: NDArray[np.float64],
    highest: NDArray[np.float64],
    gone: NDArray[np.float64],
    name: NDArray[np.int64],
    chain: NDArray[np.int64],
    length: int,
) -> int:
    """Move what is left to the front, in order; how much that is."""
    place, kept, left = np.full(slots, -1, np.int64), np.empty(slots, np.int64), 0
    for i in range(slots):
        if size[i] > 0:
            place[i], kept[left] = left, i
            left += 1
    for to in range(left):
        i = kept[to]
        old, new = squared[i], squared[to]
        for j in range(left):
            new[j] = old[kept[j]]
        size[to], highest[to], name[to] = size[i], highest[i], name[i]
    gone[:left] = 0
    for c in range(length):
        chain[c] = place[chain[c]]
    return left


@njit(cache=True, nogil=True)
def spherical(vectors: NDArray[np.float32], clusters: int, iterations: int) -> NDArray[np.int64]:
    """k-means by inner product with centroids of length 1: the cluster of each vector [n], numbered by appearance.

    Begins with vectors at equal steps, so that nothing is drawn; an empty cluster keeps its centroid.
    """
    n = len(vectors)
    centroids = np.empty((clusters, vectors.shape[1]), np.float32)
    for c in range(clusters):
        centroids[c] = vectors[c * n // clusters]
    owner = np.full(n, -1, np.int64)
    for _ in range(iterations):
        products = np.dot(vectors, centroids.T)
        moved = False
        for i in range(n):
            nearest = np.argmax(products[i])
            moved |= nearest != owner[i]
            owner[i] = nearest
        if not moved:
            break
        sums = np.zeros_like(centroids)
        for i in range(n):
            total, vector = sums[owner[i]], vectors[i]
            for d in range(len(vector)):
                total[d] += vector[d]
        for c in range(clusters):
            norm = np.sqrt(np.dot(sums[c], sums[c]))
            if norm > 0:
                centroids[c] = sums[c] / norm
    return _numbered(owner)


@njit(cache=True, nogil=True)
def _root(owner: NDArray[np.int64], i: int) -> int:
    while owner[i] != i:
        owner[i] = owner[owner[i]]
        i = owner[i]
    return i


@njit(cache=True, nogil=True)
def _numbered(owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same clusters, numbered in the order of their first members; `owner` numbers them by anything below n."""
    numbers, labels, found = np.full(len(owner), -1, np.int64), np.empty(len(owner), np.int64), 0
    for i in range(len(owner)):
        if numbers[owner[i]] < 0:
            numbers[owner[i]] = found
            found += 1
        labels[i] = numbers[owner[i]]
    return labels


@njit(cache=True, nogil=True)
def means(vectors: NDArray[np.float32], labels: NDArray[np.int64], unit: bool) -> NDArray[np.float32]:
    """The mean [clusters, dims] of the vectors of each cluster; `unit`: those of several vectors at length 1."""
    clusters = labels.max() + 1
    sums, sizes = np.zeros((clusters, vectors.shape[1]), np.float32), np.zeros(clusters, np.float32)
    for i in range(len(vectors)):
        total, vector = sums[labels[i]], vectors[i]
        for d in range(len(vector)):
            total[d] += vector[d]
        sizes[labels[i]] += 1
    for c in range(clusters):
        if sizes[c] > 1:
            by = sizes[c]
            if unit:
                norm = np.sqrt(np.dot(sums[c], sums[c]))
                by = norm if norm > 0 else np.float32(1)
            sums[c] /= by
    return sums
