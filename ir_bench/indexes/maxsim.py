"""Exact nearest documents by MaxSim over token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ir_bench import cost, devices
from ir_bench.errors import InputError
from ir_bench.kernels.alignment import alignments
from ir_bench.kernels.half import single
from ir_bench.scoring import best, maxsim, merge, require_depth, require_dims, require_finite
from ir_bench.types import Alignment, Hits, Match, MultiVector

if TYPE_CHECKING:
    import torch

ROWS, QUERIES = 16_384, 256  # a block of scores takes at most 16 MiB


@dataclass
class MaxSimIndex:
    """MaxSim of all queries with all documents, in float32 (see `scoring.maxsim`).

    The token vectors stay where they are (memory-mapped in the store) and are read block by block, once for 256
    queries. Equal scores are ordered by ascending row, at the cut-off too. A document without tokens is never a hit,
    and a query without tokens has none. The work is noted as `documents_compared` and `tokens_compared`.
    `device`: cpu, or an accelerator by torch's name, to which the blocks are sent, and which keeps the best (see
    `kernels.maxsim_torch`); auto is a GPU where there is one.
    Raises InputError for k below 1, for queries of other dims, for NaN and infinite values, for a search before
    `build`, and for a device that is not there.
    """

    accepts: ClassVar[type] = MultiVector

    threads: int | None = field(default=None, metadata={"changes_results": False})
    device: str = field(default="cpu", metadata={"changes_results": False})
    _documents: MultiVector | None = field(default=None, init=False, repr=False, compare=False)
    _accelerator: torch.device | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        device = devices.named(self.device)
        self._accelerator = None if device == "cpu" else devices.found(device)  # looked for before anything is computed
        self._documents = documents
        cost.note("index_bytes", documents.values.nbytes + documents.offsets.nbytes)

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

    def align(self, query: MultiVector, rows: Sequence[int]) -> list[Alignment]:
        """Every token of one query against every token of each row. Raises InputError as search does."""
        if self._documents is None:
            raise InputError("explain before build", "an index over documents", "call build(vectors) first")
        require_finite(query.values, "a vector of query", query.offsets)
        require_dims(query, self._documents)
        return alignments(query, self._documents, rows)

    def _search(self, queries: MultiVector, documents: MultiVector, k: int) -> Hits:
        if self._accelerator is not None:
            return _search_on(self._accelerator, queries, documents, k)
        found = Hits(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for start in range(0, len(documents), ROWS):
            with np.errstate(invalid="ignore", over="ignore"):  # looked for below, where the document can be named
                scores = maxsim(queries, documents[start : start + ROWS], single)
            _require_usable(np.all(scores < np.inf, axis=0), start)
            hits = best(scores, k)
            found = merge(found, Hits(hits.rows + start, hits.scores), k)
        return found


def _search_on(device: torch.device, queries: MultiVector, documents: MultiVector, k: int) -> Hits:
    import torch

    from ir_bench.kernels import maxsim_torch

    rows = torch.empty((len(queries), 0), dtype=torch.int64, device=device)
    scores = torch.empty((len(queries), 0), device=device)
    for start in range(0, len(documents), ROWS):
        found = maxsim_torch.maxsim(queries, documents[start : start + ROWS], device)
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
