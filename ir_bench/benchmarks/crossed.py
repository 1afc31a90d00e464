"""A large collection of sparse vectors crossed from the real ones of a small collection, for measuring speed."""

from __future__ import annotations

import numpy as np
from numba import njit

from ir_bench.types import Sparse


def crossed(source: Sparse, size: int, seed: int = 0) -> Sparse:
    """`size` vectors, each of two random ones of `source`: for every term of the vocabulary a coin says which of the
    two decides whether, and with what weight, the new vector has it.

    Terms are therefore as frequent as in the source, with the same weights, texts as long on average, and terms that
    occur together often still do. One parent decides half to all of a vector's terms. Equal for an equal seed.
    """
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, len(source), (2, size))
    shares = generator.uniform(0.5, 1, size)
    seeds = generator.integers(0, 1 << 62, size)
    offsets = np.zeros(size + 1, np.int64)
    arrays = (np.asarray(source.terms), np.asarray(source.weights), np.asarray(source.offsets))
    _cross(*arrays, first, second, shares, seeds, offsets, np.zeros(0, np.int32), np.zeros(0, np.float32))
    np.cumsum(offsets, out=offsets)
    terms, weights = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.float32)
    _cross(*arrays, first, second, shares, seeds, offsets, terms, weights)
    return Sparse(terms, weights, offsets, source.vocabulary)


@njit(cache=True, nogil=True)
def _cross(terms, weights, offsets, first, second, shares, seeds, ends, out_terms, out_weights):
    """Count the terms of each vector into `ends`, or fill the vectors where there is room for them."""
    fill = len(out_terms) > 0
    for i in range(len(first)):
        place = ends[i]
        for parent in range(2):
            row = second[i] if parent else first[i]
            for j in range(offsets[row], offsets[row + 1]):
                if (_uniform(seeds[i], terms[j]) < shares[i]) == (parent == 0):
                    if fill:
                        out_terms[place], out_weights[place] = terms[j], weights[j]
                    place += 1
        if not fill:
            ends[i + 1] = place - ends[i]


@njit(cache=True, nogil=True)
def _uniform(seed, term):
    """A number in [0, 1) that depends on both (splitmix64)."""
    x = np.uint64(seed) + np.uint64(term + 1) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((x ^ (x >> np.uint64(31))) >> np.uint64(11)) / 9007199254740992.0
