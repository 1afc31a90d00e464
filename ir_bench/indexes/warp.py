"""Compressed token vectors that are compared without being decompressed, by the lists that a query token is near to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.kernels.implicit import of_lists
from ir_bench.kernels.residual import Codec, decode, nearest, require_bits
from ir_bench.scoring import one_by_one, require_depth, require_dims, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Alignment, Hits, MultiVector

AT_SEARCH = {"changes_documents": False}
SETTLED, MOST = 1000, 50_000  # `missing_tokens` by default: a multiple of the one, and at most the other


@dataclass
class WarpIndex:
    """The sum over query tokens of the largest inner product with a document's tokens in the lists that are read.

    Documents' tokens are a centroid and a residual of `bits` a dimension, kept in the list of their centroid. Each
    query token reads the `nprobe` lists of the largest inner products with their centroids. Where it reads no token of
    a document, that scores the product with a farther centroid: the first, by falling products, with which the lists
    together hold `missing_tokens` tokens, or the last of the first `bound`. None is the square root of 8 times the
    number of all tokens, rounded down to a multiple of 1000, at least 1000 and at most 50,000.

    With `nprobe` at least the number of centroids the scores are MaxSim with the decompressed tokens, which are not
    brought to length 1. `centroids`: None is 16 times the square root of the number of tokens, rounded down to a power
    of 2; at most `training_tokens`, sampled with `seed`, train them. Equal scores are ordered by ascending row; a
    document none of whose tokens is read is no hit. Notes `tokens_compared` and `documents_matched`.

    Source: Scheerer, Zaharia, Potts, Alonso and Khattab 2025, WARP: An Efficient Engine for Multi-Vector Retrieval
    (arXiv 2501.17788), section 4; `missing_tokens` as in the authors' code.
    Differs: sums are kept in an array over all documents instead of merging sorted lists; at least 1000
    `missing_tokens`, where the authors' code takes none of a collection of fewer than 125,000 tokens.
    Raises InputError for bits other than 1, 2, 4, 8, nprobe below 1, documents without a single token, NaN and infinite
    values, k below 1, queries of other dims, and a search before build or load.
    """

    accepts: ClassVar[type] = MultiVector

    bits: int = 4
    centroids: int | None = None
    iterations: int = 4
    training_tokens: int = 1 << 20
    seed: int = 0
    nprobe: int = field(default=32, metadata=AT_SEARCH)
    missing_tokens: int | None = field(default=None, metadata=AT_SEARCH)
    bound: int = field(default=128, metadata=AT_SEARCH)
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _arrays: dict[str, NDArray[Any]] | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        require_bits(self.bits)
        if self.nprobe < 1 or self.bound < 1:
            raise InputError(f"nprobe={self.nprobe}, bound={self.bound}", "at least 1 list", "set index.nprobe=32")
        with self._limited():
            codec = Codec.trained(
                documents, self.centroids, self.bits, self.iterations, self.training_tokens, self.seed
            )
            codes, packed = (np.concatenate(parts) for parts in zip(*codec.encoded(documents), strict=True))
        order = np.argsort(codes, kind="stable")  # tokens of a list in ascending order of documents
        self._arrays = {
            "centroids": codec.centroids,
            "weights": codec.weights,
            "starts": np.searchsorted(codes[order], np.arange(len(codec.centroids) + 1)),
            "owners": np.repeat(np.arange(len(documents), dtype=np.int32), np.diff(documents.offsets))[order],
            "packed": packed[order],
            "documents": np.array([len(documents)]),
        }

    def save(self, folder: Path) -> None:
        write_arrays(folder, self._built())

    def load(self, folder: Path) -> None:
        files = sorted(folder.glob("*.npy"))
        self._arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in files}
        cost.note("index_bytes", sum(array.nbytes for array in self._arrays.values()))

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        built = self._built()
        require_dims(queries, built["centroids"].shape[1])
        require_finite(queries.values, "a vector of query", queries.offsets)
        k = min(k, int(built["documents"][0]))
        with self._limited():
            return one_by_one(queries, k, lambda query: self._search(query, built))

    def align(self, query: MultiVector, rows: Sequence[int], documents: MultiVector) -> list[Alignment]:
        """Each token of one query against the decompressed tokens of each row in the lists that it reads, with what
        stands for rows none of whose tokens it reads. Raises InputError as search does."""
        built = self._built()
        require_dims(query, built["centroids"].shape[1])
        require_finite(query.values, "a vector of query", query.offsets)
        asked, names, found = np.ascontiguousarray(query.row(0), np.float32), query.names(0), []
        lists, _, missing = self._lists(asked, built)
        reads = np.zeros((len(asked), len(built["centroids"])), np.bool_)
        np.put_along_axis(reads, lists, True, axis=1)
        for row in rows:
            held = np.flatnonzero(built["owners"] == row)  # ascending by list, then by place in the document
            codes = (np.searchsorted(built["starts"], held, side="right") - 1).astype(np.int32)
            vectors = np.empty((len(held), asked.shape[1]), np.float32)
            decode(codes, built["packed"][held], built["centroids"], built["weights"], self.bits, False, vectors)
            similarities = np.empty((len(asked), len(held)), np.float32)
            places = _places(single(documents.row(row)), built["centroids"], codes)
            similarities[:, places] = np.where(reads[:, codes], asked @ vectors.T, np.float32(np.nan))
            found.append(Alignment(names, documents.names(row), similarities, missing))
        return found

    def _search(
        self, query: NDArray[np.float32], built: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        lists, products, missing = self._lists(query, built)
        found, scores, read = of_lists(
            query,
            lists,
            products,
            missing,
            *(built[name] for name in ("starts", "owners", "packed", "weights")),
            self.bits,
            int(built["documents"][0]),
        )
        cost.note("documents_matched", len(found))
        cost.note("tokens_compared", read)
        return found, scores

    def _lists(
        self, query: NDArray[np.float32], built: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """The lists that each query token reads and its products with their centroids [query tokens, lists], and the
        score of documents of which it reads nothing [query tokens]."""
        products = query @ built["centroids"].T  # [query tokens, centroids]
        nprobe, wide = (min(count, products.shape[1]) for count in (self.nprobe, max(self.bound, self.nprobe)))
        at = np.argpartition(-products, wide - 1, axis=1)[:, :wide]
        at = np.take_along_axis(at, np.argsort(-np.take_along_axis(products, at, 1), axis=1, kind="stable"), 1)
        products = np.take_along_axis(products, at, 1)
        held = np.cumsum(np.diff(built["starts"])[at[:, : self.bound]], axis=1)
        wanted = self._missing_tokens(int(built["starts"][-1]))
        last = np.minimum((held < wanted).sum(1), held.shape[1] - 1)
        missing = products[np.arange(len(query)), last]
        return np.ascontiguousarray(at[:, :nprobe]), np.ascontiguousarray(products[:, :nprobe]), missing

    def _missing_tokens(self, tokens: int) -> int:
        if self.missing_tokens is not None:
            return self.missing_tokens
        return min(max(int(np.sqrt(8 * tokens)) // SETTLED, 1) * SETTLED, MOST)

    def _built(self) -> dict[str, NDArray[Any]]:
        if self._arrays is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        return self._arrays

    def _limited(self) -> Any:
        return nullcontext() if self.threads is None else threadpool_limits(self.threads)


def _places(
    vectors: NDArray[np.float32], centroids: NDArray[np.float32], codes: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Where in a document [tokens, dims] the tokens stand that its lists hold, by list and then by place, as ascending
    `codes` [tokens] name the lists."""
    own = nearest(centroids, vectors)
    order = np.argsort(own, kind="stable")
    if not np.array_equal(own[order], codes):  # a tie that rounding broke otherwise when the index was built
        from scipy.optimize import linear_sum_assignment

        own = codes[linear_sum_assignment(vectors @ centroids[codes].T, maximize=True)[1]]
        order = np.argsort(own, kind="stable")
    return order
