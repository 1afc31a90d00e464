"""Fewer terms a text: those of little weight are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.checkpoints import OF_QUERIES
from ir_bench.errors import InputError
from ir_bench.types import Sparse


@dataclass
class PruneTerms:
    """Sparse vectors without small weights, for documents and queries apart.

    `document_least`, `query_least`: weights below it in size go. `document_keep`, `query_keep`: of the rest only so
    many of largest size stay, of equal ones those named first. None changes nothing. Notes `terms_read` and
    `terms_kept` of documents. Order and vocabulary stay.

    Source: Carmel et al. 2001, Static Index Pruning for Information Retrieval Systems, for documents; Lassance and
    Clinchant 2022, An Efficiency Study for SPLADE Models, for queries.
    Raises InputError for a number of terms below 1, and for a threshold that is negative or not finite.
    """

    accepts: ClassVar[type] = Sparse
    produces: ClassVar[type] = Sparse

    document_least: float | None = None
    document_keep: int | None = None
    query_least: float | None = field(default=None, metadata=OF_QUERIES)
    query_keep: int | None = field(default=None, metadata=OF_QUERIES)

    def __post_init__(self) -> None:
        for keep in (self.document_keep, self.query_keep):
            if keep is not None and keep < 1:
                raise InputError(f"{keep} terms are to stay", "at least 1, or null for all")
        for least in (self.document_least, self.query_least):
            if least is not None and not 0 <= least < np.inf:
                raise InputError(f"weights below {least} are to go", "a finite number from 0, or null")

    def fit(self, documents: Sparse) -> None:
        """Nothing to learn."""

    def documents(self, vectors: Sparse) -> Sparse:
        kept = _pruned(vectors, self.document_least, self.document_keep)
        cost.note("terms_read", len(vectors.terms))
        cost.note("terms_kept", len(kept.terms))
        return kept

    def queries(self, vectors: Sparse) -> Sparse:
        return _pruned(vectors, self.query_least, self.query_keep)


def _pruned(vectors: Sparse, least: float | None, keep: int | None) -> Sparse:
    if least is None and keep is None:
        return vectors
    size = np.abs(vectors.weights)
    stays = np.ones(len(size), bool) if least is None else size >= least
    if keep is not None:
        stays &= _rank(np.where(stays, size, -1), vectors.offsets) < keep
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(stays)])[vectors.offsets]
    return Sparse(vectors.terms[stays], vectors.weights[stays], offsets, vectors.vocabulary)


def _rank(size: NDArray[np.floating], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each weight among those of its text, largest first, from 0."""
    texts = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((-size, texts))  # stable
    places = np.empty(len(size), np.int64)
    places[order] = np.arange(len(size)) - offsets[texts]
    return places
