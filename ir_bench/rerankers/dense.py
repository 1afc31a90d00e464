"""Exact rescoring of candidates by the stored document vectors of a dense encoder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.encoding import RowFinder, encoded_documents
from ir_bench.errors import InputError
from ir_bench.protocols import Encoder
from ir_bench.store import Store
from ir_bench.types import Corpus, Dense, Queries, Run


@dataclass
class DenseReranker:
    """Candidates scored by the inner product of query and document vectors; all other documents are left out.

    The document vectors are those of a `VectorRetriever` with the same encoder settings: encoded once, shared by both,
    memory-mapped, and only the candidates' rows are read.
    Raises InputError for an encoder of another kind of vectors and for a candidate that is not in the corpus.
    """

    encoder: Encoder
    documents_per_shard: int = field(default=4096, metadata={"changes_results": False})
    _documents: Dense | None = field(default=None, init=False, repr=False, compare=False)
    _rows: RowFinder | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.encoder.produces is not Dense:
            raise InputError(
                f"DenseReranker takes Dense vectors, but {type(self.encoder).__name__} gives "
                f"{self.encoder.produces.__name__}",
                "an encoder of Dense vectors",
                "choose another encoder=… or reranker=…",
            )

    def build(self, corpus: Corpus, store: Store) -> None:
        with cost.timed("encode_documents_s"):
            _, self._documents = encoded_documents(self.encoder, corpus, store, self.documents_per_shard)
        self._rows = RowFinder(document_ids(corpus, store))

    def rerank(self, queries: Queries, candidates: Run) -> Run:
        if self._documents is None or self._rows is None:
            raise InputError("rerank before build", "an encoded corpus", "call build(corpus, store) first")
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values())).values
        with cost.timed("rerank_s"):
            scored: dict[str, dict[str, float]] = {}
            for query, vector in zip(queries, vectors, strict=True):
                names = candidates.rankings[query].documents if query in candidates.rankings else []
                rows = self._rows(names)
                order = np.argsort(rows)  # ascending reads suit a memory map
                scores = np.empty(len(rows), np.float32)
                scores[order] = self._documents.values[rows[order]].astype(np.float32, copy=False) @ vector
                scored[query] = dict(zip(names, scores.tolist(), strict=True))
            cost.note("documents_scored", sum(map(len, scored.values())))
            return Run.of(scored)
