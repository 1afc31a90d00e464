"""Candidates by pooled vectors in lists; token vectors on disk, asked for early, rerank the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.faiss_factory import FaissFactoryIndex
from ir_bench.protocols import Encoder
from ir_bench.rerankers.maxsim import MaxSimReranker
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Queries, Ranking, Run

AT_SEARCH = {"changes_documents": False}


@dataclass
class Prefetched:
    """The `candidates` nearest documents by the vectors of `encoder` in inverted lists, of which the best `reranked`
    are ordered by MaxSim over the token vectors of `tokens`, and the rest follow in their own order.

    Token vectors stay on disk, memory-mapped. After the first `early` of the visited lists, the operating system is
    asked to read those of the documents that would be reranked by then; at the end, only what is missing. Neither
    changes the ranking. The rest score 1, 2, 3 … below the lowest MaxSim score of their query.
    Notes, each summed over queries: `prefetched_documents`, `needed_documents` (to be reranked) and `prefetch_hits`
    (both), with the token bytes `prefetched_bytes`, `missed_bytes` and the pages `prefetched_blocks`, `missed_blocks`;
    `index_bytes` is what stays in memory: the lists, and where each document's tokens are.
    Source: Shrestha, Reddy and Li 2023, ESPN: Memory-Efficient Multi-Vector Information Retrieval (arXiv 2312.05417).
    Differs: the disk is read through the operating system's page cache, not by the GPU.
    Raises InputError at construction for an index without lists and an `early` beyond (0, 1], and where k, `candidates`
    or `reranked` is below 1.
    """

    encoder: Encoder
    index: FaissFactoryIndex
    tokens: Encoder
    candidates: int = field(default=256, metadata=AT_SEARCH)
    reranked: int = field(default=64, metadata=AT_SEARCH)
    early: float = field(default=0.3, metadata=AT_SEARCH)
    threads: int = field(default=1, metadata={"changes_results": False})
    documents_per_shard: int = field(default=512, metadata={"changes_results": False})
    _first: VectorRetriever = field(init=False, repr=False, compare=False)
    _second: MaxSimReranker = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.index, FaissFactoryIndex) or not self.index.factory.startswith("IVF"):
            raise InputError(f"{self.index!r} has no lists", "inverted lists", "set index=ivf")
        if not 0 < self.early <= 1:
            raise InputError(f"early={self.early:g} of the lists", "a share above 0 and at most 1")
        self._first = VectorRetriever(self.encoder, self.index, documents_per_shard=self.documents_per_shard)
        self._second = MaxSimReranker(self.tokens, threads=self.threads, documents_per_shard=self.documents_per_shard)

    def build(self, corpus: Corpus, store: Store) -> None:
        self._first.build(corpus, store)
        self._second.build(corpus, store)
        cost.note("index_bytes", self._second.offset_bytes)

    def search(self, queries: Queries, k: int) -> Run:
        for depth in (k, self.candidates, self.reranked):
            require_depth(depth)
        self._first.require_built()
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values()))
            asked = self.tokens.encode_queries(list(queries.values()))
        with cost.timed("search_s"):
            begun, finish = self.index.in_two_steps(vectors, self.candidates, self.early)
            provisional = [row[row >= 0][: self.reranked] for row in begun.rows]
            self._second.prefetch(provisional, "prefetched")
            found = self._first.named(queries, finish(), self.candidates)
        best = found.top(self.reranked)
        for name, early in zip(queries, provisional, strict=True):
            rows = self._second.rows(best[name].documents)
            missed = np.setdiff1d(rows, early)
            self._second.prefetch([missed], "missed")
            cost.note("prefetched_documents", len(early))
            cost.note("needed_documents", len(rows))
            cost.note("prefetch_hits", len(rows) - len(missed))
        return _followed(self._second.rescore(queries, asked, best), found).top(k)

    @property
    def aligns(self) -> bool:
        return True

    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]:
        """Every token of the query against every token of each document, which the order of the reranked comes from;
        the rest are scored by their place.

        Raises InputError before build and for a document not in the corpus.
        """
        return self._second.align(query, documents)


def _followed(reranked: Run, found: Run) -> Run:
    """Each ranking, with the other documents found after it in their own order."""
    rankings = {}
    for query, ranking in reranked.rankings.items():
        known = set(ranking.documents)
        rest = [document for document in found[query].documents if document not in known]
        lowest = ranking.scores[-1] if len(ranking) else np.float32(0)
        below = lowest - np.arange(1, len(rest) + 1, dtype=np.float32)
        rankings[query] = Ranking([*ranking.documents, *rest], np.concatenate([ranking.scores, below]))
    return Run(rankings)
