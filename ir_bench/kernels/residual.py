"""Token vectors as the number of a centroid and a few bits for each dimension of what is left: ColBERTv2's codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import require_dims, require_finite
from ir_bench.types import MultiVector

TOKENS = 65_536  # converted at once


@dataclass(frozen=True)
class Codec:
    """Centroids [centroids, dims] of length 1; `cutoffs` [2^bits - 1] tell the bucket of a residual, `weights`
    [2^bits] the value that stands for a bucket, the same for all dims.

    Source: Santhanam et al. 2022, ColBERTv2 (arXiv 2112.01488), section 3.3; cutoffs and weights at the quantiles
    j / 2^bits and (j + 0.5) / 2^bits of the residuals, as in the authors' code.
    """

    centroids: NDArray[np.float32]
    cutoffs: NDArray[np.float32]
    weights: NDArray[np.float32]

    @property
    def bits(self) -> int:
        return (len(self.weights) - 1).bit_length()

    @classmethod
    def trained(
        cls, documents: MultiVector, centroids: int | None, bits: int, iterations: int, sample: int, seed: int
    ) -> Codec:
        """Learned from at most `sample` token vectors. `centroids`: how many; None: 16 times the square root of the
        number of all vectors, rounded down to a power of 2, and no more than vectors are looked at.
        Raises InputError for documents without a single token."""
        total = len(documents.values)
        if total == 0:
            raise InputError("no document has a token vector", "at least one", "look at the corpus and the encoder")
        number = 1 << int(np.log2(16 * np.sqrt(total))) if centroids is None else centroids
        rows = np.arange(total)
        if total > sample:
            rows = np.sort(np.random.default_rng(seed).choice(total, sample, replace=False))
        seen = single(documents.values[rows])
        require_finite(seen, "a vector among those sampled from the documents, number")
        made = kmeans(seen, min(number, len(seen)), iterations, seed)
        held_out = seen[:: max(len(seen) // 50_000, 1)]
        left = np.sort((held_out - made[nearest(made, held_out)]).ravel())
        buckets = 1 << bits
        return cls(
            made,
            np.quantile(left, np.arange(1, buckets) / buckets).astype(np.float32),
            np.quantile(left, (np.arange(buckets) + 0.5) / buckets).astype(np.float32),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"centroids": self.centroids, "cutoffs": self.cutoffs, "weights": self.weights}

    def encoded(self, documents: MultiVector) -> Iterator[tuple[NDArray[np.int32], NDArray[np.uint8]]]:
        """Blocks of tokens: the centroid of each [tokens] and its packed residual [tokens, bytes].
        Raises InputError for other dims than the centroids', and NaN or infinite values."""
        require_dims(documents, self.centroids.shape[1], "documents", "the centroids")
        for start in range(0, len(documents.values), TOKENS):
            block = single(documents.values[start : start + TOKENS])
            if not np.isfinite(block.sum()):
                require_finite(documents.values, "a vector of document", documents.offsets)
            codes = nearest(self.centroids, block)
            buckets = np.searchsorted(self.cutoffs, block - self.centroids[codes], side="right").astype(np.uint8)
            yield codes.astype(np.int32), pack(buckets, self.bits)

    def decoded(self, codes: NDArray[np.int32], packed: NDArray[np.uint8], unit: bool = True) -> NDArray[np.float32]:
        """Vectors [tokens, dims]; `unit`: of length 1."""
        vectors = np.empty((len(codes), self.centroids.shape[1]), np.float32)
        decode(codes, packed, self.centroids, self.weights, self.bits, unit, vectors)
        return vectors


def require_bits(bits: int) -> None:
    if bits not in (1, 2, 4, 8):
        raise InputError(f"residuals of {bits!r} bits", "1, 2, 4 or 8 bits a dimension")


def nearest(centroids: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """The centroid of the largest inner product with each vector; of equal ones any."""
    import faiss

    index = faiss.IndexFlatIP(centroids.shape[1])
    index.add(centroids)
    return index.search(np.ascontiguousarray(vectors), 1)[1][:, 0]


def kmeans(vectors: NDArray[np.float32], number: int, iterations: int, seed: int) -> NDArray[np.float32]:
    """Centroids [number, dims] of length 1, by inner product."""
    import faiss

    settings = {"niter": iterations, "seed": seed, "spherical": True, "min_points_per_centroid": 1}
    clustering = faiss.Kmeans(vectors.shape[1], number, max_points_per_centroid=len(vectors), **settings)
    clustering.train(np.ascontiguousarray(vectors))
    return np.asarray(clustering.centroids)


@njit(cache=True, nogil=True)
def pack(buckets: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Numbers below 2^bits [tokens, dims] in bytes [tokens, dims * bits / 8 rounded up], the first in the low bits."""
    each = 8 // bits
    packed = np.zeros((buckets.shape[0], (buckets.shape[1] + each - 1) // each), np.uint8)
    for i in range(buckets.shape[0]):
        for d in range(buckets.shape[1]):
            packed[i, d // each] |= buckets[i, d] << ((d % each) * bits)
    return packed


@njit(cache=True, nogil=True)
def decode(
    codes: NDArray[np.int32],
    packed: NDArray[np.uint8],
    centroids: NDArray[np.float32],
    weights: NDArray[np.float32],
    bits: int,
    unit: bool,
    vectors: NDArray[np.float32],
) -> None:
    """Fills `vectors` [tokens, dims] with centroid + residual."""
    each, mask = 8 // bits, (1 << bits) - 1
    for i in range(len(codes)):
        vector, centroid, bytes_ = vectors[i], centroids[codes[i]], packed[i]
        total = np.float32(0)
        for d in range(len(vector)):
            value = centroid[d] + weights[(bytes_[d // each] >> ((d % each) * bits)) & mask]
            vector[d] = value
            total += value * value
        if unit and total > 0:
            by = np.float32(1) / np.sqrt(total)
            for d in range(len(vector)):
                vector[d] *= by
