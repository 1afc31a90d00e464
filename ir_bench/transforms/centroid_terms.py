"""Token vectors as weights of unlearned terms: the centroids that they are near to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.kernels.residual import kmeans
from ir_bench.scoring import require_dims, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import MultiVector, Sparse, Strings

TOKENS = 8192


@dataclass
class CentroidTerms:
    """A text's terms are the `terms` centroids of largest inner product with each of its token vectors [tokens, dims],
    weighed log(1 + max(0, product - threshold)); the largest over the tokens of a document, the sum over a query's.

    It stands for a masked-language-model head where none was trained, which has the vocabulary in the place of
    `centroids`. At most `training_tokens` document tokens, sampled with `seed`, make the centroids.
    Source: Li, Lin, Ma and Lin 2023, SLIM (arXiv 2302.06587), for the weights and the two foldings.
    Differs: centroids of the token vectors and no learned projection.
    Raises InputError for documents without a single token, NaN and infinite values, and other dims than those fitted.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = Sparse

    centroids: int = 2048
    terms: int = 20
    threshold: float = 0.0
    iterations: int = 4
    training_tokens: int = 1 << 17
    seed: int = 0
    _centroids: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: MultiVector) -> None:
        total = len(documents.values)
        if total == 0 or self.centroids < 1 or self.terms < 1:
            raise InputError(
                f"{self.terms} of {self.centroids} centroids are to be terms of {total} token vectors",
                "at least one of each",
            )
        rows = np.arange(total)
        if total > self.training_tokens:
            rows = np.sort(np.random.default_rng(self.seed).choice(total, self.training_tokens, replace=False))
        seen = single(documents.values[rows])
        require_finite(seen, "a vector among those sampled from the documents, number")
        self._centroids = kmeans(seen, min(self.centroids, len(seen)), self.iterations, self.seed)

    def save(self, folder: Path) -> None:
        assert self._centroids is not None, "fit comes first"
        write_arrays(folder, {"centroids": self._centroids})

    def load(self, folder: Path) -> None:
        self._centroids = np.load(folder / "centroids.npy", allow_pickle=False)

    def documents(self, vectors: MultiVector) -> Sparse:
        return self._folded(vectors, np.maximum)

    def queries(self, vectors: MultiVector) -> Sparse:
        return self._folded(vectors, np.add)

    def _folded(self, vectors: MultiVector, fold: np.ufunc) -> Sparse:
        assert self._centroids is not None, "fit or load comes first"
        require_dims(vectors, self._centroids.shape[1], "vectors", "the centroids")
        require_finite(vectors.values, "a vector of text", vectors.offsets)
        size, kept = len(self._centroids), min(self.terms, len(self._centroids))
        vocabulary = Strings.of(f"centroid {n}" for n in range(size))
        owners = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
        keys, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for start in range(0, len(vectors.values), TOKENS):
            products = single(vectors.values[start : start + TOKENS]) @ self._centroids.T
            nearest = np.argpartition(-products, kept - 1, axis=1)[:, :kept]
            found = np.log1p(np.maximum(np.take_along_axis(products, nearest, 1) - np.float32(self.threshold), 0))
            keys.append((owners[start : start + TOKENS, None] * size + nearest).ravel())
            weights.append(found.ravel())
        key, weight = np.concatenate(keys), np.concatenate(weights)
        order = np.argsort(key[weight > 0], kind="stable")
        key, weight = key[weight > 0][order], weight[weight > 0][order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        folded = fold.reduceat(weight, starts) if len(starts) else weight
        offsets = np.searchsorted(key[starts], np.arange(len(vectors) + 1) * size)
        return Sparse((key[starts] % size).astype(np.int32), folded.astype(np.float32), offsets, vocabulary)
