"""Exact nearest documents by MaxSim over token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost, devices
from ir_bench.checkpoints import threads
from ir_bench.errors import InputError
from ir_bench.kernels.alignment import alignments
from ir_bench.kernels.half import single
from ir_bench.kernels.maxsim import finite_blocks, int8_scores, quantised
from ir_bench.scoring import best, maxsim, merge, require_depth, require_dims, require_finite
from ir_bench.types import Alignment, Hits, Match, MultiVector

if TYPE_CHECKING:
    import torch

ROWS, QUERIES = 16_384, 256  # a block of scores takes at most 16 MiB


@dataclass
class MaxSimIndex:
    """MaxSim of all queries with all documents, in float32 (see `scoring.maxsim`).

    The token vectors are read block by block, once for 256 queries. `storage`: encoder takes them as the encoder gives
    them and where they are (memory-mapped in the store, perhaps in float16). float16 and int8 are rounded to by `build`
    and held in memory; int8 has one scale a token, for queries and products too, and the scores of `MaxSimReranker`.
    Equal scores are ordered by ascending row, at the cut-off too. A document without tokens is never a hit, and a query
    without tokens has none. The work is noted as `documents_compared` and `tokens_compared`.
    `device`: cpu, or an accelerator by torch's name, to which the blocks are sent, and which keeps the best (see
    `kernels.maxsim_torch`); auto is a GPU where there is one.
    Raises InputError for k below 1, for queries of other dims, for NaN and infinite values (those of documents by
    `build` where it rounds them, which can make infinite ones in float16, else by `search`), for a search before
    `build`, for a device that is not there, and for another `storage`.
    """

    accepts: ClassVar[type] = MultiVector

    threads: int | None = field(default=None, metadata={"changes_results": False})
    device: str = field(default="cpu", metadata={"changes_results": False})
    storage: Literal["encoder", "float16", "int8"] = field(default="encoder", metadata={"added": "encoder"})
    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)
    _scales: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)
    _accelerator: torch.device | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.storage not in ("encoder", "float16", "int8"):
            raise InputError(f"token vectors stored as {self.storage!r}", "storage=encoder, float16 or int8")

    def build(self, documents: MultiVector) -> None:
        device = devices.named(self.device)
        self._accelerator = None if device == "cpu" else devices.found(device)  # looked for before anything is computed
        self._documents, self._scales = _rounded(documents, self.storage)
        kept = (self._documents.values, self._documents.offsets, self._scales)
        cost.note("index_bytes", sum(array.nbytes for array in kept if array is not None))

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        if self._documents is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_finite(queries.values, "a vector of query", queries.offsets)
        documents = self._documents
        cost.note("documents_compared", len(queries) * len(documents))
        cost.note("tokens_compared", len(queries) * len(documents.values))
        rows = np.full((len(queries), min(k, len(documents))), -1, np.int64)
        scores = np.full(rows.shape, -np.inf, np.float32)
        # looking for the thread pools takes a millisecond
        with nullcontext() if self.threads is None else threadpool_limits(self.threads, user_api="blas"):
            for start in range(0, len(queries), QUERIES):
                span = slice(start, start + QUERIES)
                hits = self._search(queries[span], documents, k)
                rows[span], scores[span] = hits.rows, hits.scores
        return Hits(np.where(scores == -np.inf, -1, rows), scores)

    def explain(self, query: MultiVector, rows: Sequence[int]) -> list[list[Match]]:
        """Which token of each row matched each query token, and with what inner product, largest first: the sum is the
        score that search gives."""
        return [sorted(found.matches(), key=lambda match: -match.score) for found in self.align(query, rows)]

    def align(self, query: MultiVector, rows: Sequence[int], documents: MultiVector | None = None) -> list[Alignment]:
        """Every token of one query against every token of each row, as they are stored here; `documents` are not
        needed. Raises InputError as search does."""
        if self._documents is None:
            raise InputError("explain before build", "an index over documents", "call build(vectors) first")
        require_finite(query.values, "a vector of query", query.offsets)
        require_dims(query, self._documents.values.shape[1])
        return alignments(query, self._documents, rows, self._scales)

    def _search(self, queries: MultiVector, documents: MultiVector, k: int) -> Hits:
        if self._accelerator is not None:
            return _search_on(self._accelerator, queries, documents, self._scales, k)
        found = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for start in range(0, len(documents), ROWS):
            block, scales = _block(documents, self._scales, start)
            with np.errstate(invalid="ignore", over="ignore"):  # looked for below, where the document can be named
                if scales is None:
                    scores = maxsim(queries, block, single)
                else:
                    with threads(self.threads):
                        scores = int8_scores(queries, block, scales)
            _require_usable(np.all(scores < np.inf, axis=0), start)
            hits = best(scores, k)
            found = merge(found, Hits(hits.rows + start, hits.scores), k)
        return found


def _rounded(documents: MultiVector, storage: str) -> tuple[MultiVector, NDArray[np.float32] | None]:
    """The documents with their vectors in `storage`, and the scales [tokens] of int8. Raises InputError for one with
    NaN or infinite values if they are to be rounded: rounded to int8 they would look like numbers."""
    if storage == "encoder" or documents.values.dtype == storage:
        return documents, None
    values = np.empty(documents.values.shape, storage)
    if storage == "float16":
        for span, vectors in finite_blocks(documents, np.float16):
            values[span] = vectors
        return replace(documents, values=values), None
    scales = np.empty(len(values), np.float32)
    for span, vectors in finite_blocks(documents, np.float32):
        values[span], scales[span] = quantised(vectors)
    return replace(documents, values=values), scales


def _block(
    documents: MultiVector, scales: NDArray[np.float32] | None, start: int
) -> tuple[MultiVector, NDArray[np.float32] | None]:
    """`ROWS` documents from `start` on, and their scales [tokens] if they have any."""
    block = documents[start : start + ROWS]
    first = documents.offsets[start]
    return block, None if scales is None else scales[first : first + len(block.values)]


def _search_on(
    device: torch.device, queries: MultiVector, documents: MultiVector, scales: NDArray[np.float32] | None, k: int
) -> Hits:
    import torch

    from ir_bench.kernels import maxsim_torch

    rows = torch.empty((len(queries), 0), dtype=torch.int64, device=device)
    scores = torch.empty((len(queries), 0), device=device)
    for start in range(0, len(documents), ROWS):
        block, own = _block(documents, scales, start)
        found = maxsim_torch.maxsim(queries, block, device, own)
        _require_usable((found < torch.inf).all(dim=0).cpu().numpy(), start)
        rows, scores = maxsim_torch.best(rows, scores, found, start, k)
    return Hits(rows.cpu().numpy(), scores.cpu().numpy())


def _require_usable(usable: NDArray[np.bool_], start: int) -> None:
    """Raises InputError naming the first document, counted from `start`, whose scores [documents] are not all usable:
    NaN or infinite, which only such vectors make."""
    if not usable.all():
        raise InputError(
            f"a vector of document {start + int(np.argmin(usable))} has NaN or infinite values",
            "finite numbers",
            "check the encoder and its number format (float16 overflows)",
        )
