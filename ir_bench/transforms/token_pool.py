"""Fewer vectors a document: clusters of similar token vectors, each replaced by its mean."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels import clusters
from ir_bench.kernels.half import single
from ir_bench.kernels.maxsim import one_thread_of_blas
from ir_bench.scoring import require_finite
from ir_bench.types import MultiVector


@dataclass
class TokenPool:
    """Document vectors [tokens, dims] pooled to about 1 in `factor`: n to max(n // factor, 1) means, queries untouched.

    The first `protected` vectors of a document ([CLS]) stay as they are, and so does everything where `factor` is 1.
    `method`: `ward` (hierarchical), `kmeans` (by inner product, begun at equal steps) or `sequential` (neighbours in
    the text). `distances` of Ward's rule: `cosine` is 1 - cosine; `rows` compares tokens by their rows of that matrix,
    as ColBERT's own code does. `renormalise`: means of several vectors get length 1. Documents longer than `window`
    are pooled in equal windows, which bounds the memory (8 · window² bytes a thread). Pooled vectors stand for no
    token: `tokens` is dropped. Notes `tokens_read` and `tokens_kept`.

    Source: Clavié, Chaffin and Adams 2024, Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance
    Impact via Token Pooling (arXiv 2409.14683).
    Raises InputError for a factor below 1, an unknown method, and NaN or infinite vectors.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    factor: float = 2
    method: Literal["ward", "kmeans", "sequential"] = "ward"
    protected: int = 1
    distances: Literal["cosine", "rows"] = "cosine"
    renormalise: bool = True
    iterations: int = 10
    window: int = 2048
    threads: int = field(default=1, metadata={"changes_results": False})

    def __post_init__(self) -> None:
        if not self.factor >= 1 or self.protected < 0 or self.window < 2 or self.iterations < 1:
            raise InputError(
                f"token pooling by a factor of {self.factor}, {self.protected} protected tokens, windows of "
                f"{self.window} and {self.iterations} iterations",
                "a factor and iterations of at least 1, protected tokens of at least 0, windows of at least 2",
            )
        if self.method not in ("ward", "kmeans", "sequential") or self.distances not in ("cosine", "rows"):
            raise InputError(
                f"token pooling by {self.method!r} with distances {self.distances!r}",
                "method=ward, kmeans or sequential; distances=cosine or rows",
            )

    def fit(self, documents: MultiVector) -> None:
        pass

    def documents(self, vectors: MultiVector) -> MultiVector:
        if self.factor == 1:
            return vectors
        if not np.isfinite(vectors.values.max(initial=0)) or not np.isfinite(vectors.values.min(initial=0)):
            require_finite(vectors.values, "a vector of document", vectors.offsets)
        rows = [vectors.row(i) for i in range(len(vectors))]
        with one_thread_of_blas():  # products of one document are small
            if self.threads > 1:
                with ThreadPoolExecutor(self.threads) as pool:
                    pooled = list(pool.map(self._document, rows))
            else:
                pooled = [self._document(row) for row in rows]
        cost.note("tokens_read", len(vectors.values))
        cost.note("tokens_kept", sum(map(len, pooled)))
        offsets = np.cumsum([0, *map(len, pooled)])
        return MultiVector(np.concatenate([vectors.values[:0], *pooled]), offsets)

    def queries(self, vectors: MultiVector) -> MultiVector:
        return vectors

    def _document(self, row: NDArray[np.floating]) -> NDArray[np.floating]:
        rest = len(row) - self.protected
        if rest < 2:
            return row
        windows = -(-rest // self.window)
        bounds = [self.protected + i * rest // windows for i in range(windows + 1)]
        parts = [self._pooled(single(row[a:b])).astype(row.dtype) for a, b in pairwise(bounds)]
        return np.concatenate([row[: self.protected], *parts])

    def _pooled(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        kept = max(int(len(tokens) // self.factor), 1)
        if kept == len(tokens):
            return tokens
        return clusters.means(tokens, self._labels(np.ascontiguousarray(tokens), kept), self.renormalise)

    def _labels(self, tokens: NDArray[np.float32], kept: int) -> NDArray[np.int64]:
        if self.method == "sequential":
            return np.arange(len(tokens)) * kept // len(tokens)
        if self.method == "kmeans":
            lengths = np.linalg.norm(tokens, axis=1, keepdims=True)
            return clusters.spherical(tokens / np.where(lengths > 0, lengths, 1), kept, self.iterations)
        distances = clusters.cosine_distances(tokens @ tokens.T)
        if self.distances == "rows":
            products = distances @ distances.T
            norms = np.diag(products)
            return clusters.ward(np.maximum(norms[:, None] + norms - 2 * products, 0), kept)
        return clusters.ward(np.square(distances, out=distances), kept)
