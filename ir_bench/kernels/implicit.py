"""Inner products with coded token vectors without decoding them, and their maxima by document: WARP's two steps."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def of_lists(
    query: NDArray[np.float32],
    cells: NDArray[np.int64],
    products: NDArray[np.float32],
    missing: NDArray[np.float32],
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    packed: NDArray[np.uint8],
    weights: NDArray[np.float32],
    bits: int,
    documents: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Documents with a token in a visited list, ascending, their scores, and how many tokens were read.

    Of each query token [tokens, dims] the lists `cells` [tokens, lists] are visited, whose centroids it has the
    `products` [tokens, lists] with; a list's tokens, `starts[c]` to `starts[c + 1]`, belong to `owners` and are
    `packed`. A document scores the sum over query tokens of its largest product, or of `missing` [tokens] where no
    token of it was read.
    """
    total, largest = np.zeros(documents, np.float32), np.empty(documents, np.float32)
    seen, met = np.full(documents, -1, np.int32), np.zeros(documents, np.bool_)
    of_byte = np.empty((packed.shape[1], 256), np.float32)
    rows, read = np.empty(documents, np.int64), 0
    for i in range(len(query)):
        _tabulate(query[i], weights, bits, of_byte)
        count = 0
        for n in range(cells.shape[1]):
            for j in range(starts[cells[i, n]], starts[cells[i, n] + 1]):
                product = products[i, n]
                for b in range(packed.shape[1]):
                    product += of_byte[b, packed[j, b]]
                row = owners[j]
                if seen[row] != i:
                    seen[row], largest[row], rows[count] = i, product, row
                    count += 1
                elif product > largest[row]:
                    largest[row] = product
            read += starts[cells[i, n] + 1] - starts[cells[i, n]]
        for n in range(count):
            met[rows[n]] = True
            total[rows[n]] += largest[rows[n]] - missing[i]
    found = np.flatnonzero(met)
    return found, total[found] + missing.sum(), read


@njit(cache=True, nogil=True)
def _tabulate(
    token: NDArray[np.float32], weights: NDArray[np.float32], bits: int, of_byte: NDArray[np.float32]
) -> None:
    """Fills what each value of each byte of a code adds to a product [bytes, 256]."""
    each, mask = 8 // bits, (1 << bits) - 1
    for b in range(len(of_byte)):
        for value in range(256):
            total = np.float32(0)
            for e in range(min(each, len(token) - b * each)):
                total += token[b * each + e] * weights[(value >> (e * bits)) & mask]
            of_byte[b, value] = total
