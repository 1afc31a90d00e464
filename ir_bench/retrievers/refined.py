"""Candidates found by approximate encodings of token vectors, scored anew by the token vectors themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ir_bench import cost
from ir_bench.protocols import Encoder, Index, Transform
from ir_bench.rerankers.maxsim import MaxSimReranker
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Queries, Run

AT_SEARCH = {"changes_documents": False}


@dataclass
class Refined:
    """The `candidates` best documents of an index over transformed token vectors, in the order of exact MaxSim over the
    encoder's own.

    What `Reranked(VectorRetriever(encoder, index, transforms), MaxSimReranker(encoder, …))` finds, with one encoder for
    both: documents and queries are encoded once. `storage` and `ball_carving` are the reranker's. Documents beyond
    `candidates` are not in the result, however large k is, and neither are documents without tokens.
    Source: Dhulipala et al. 2024, MUVERA (arXiv 2405.19504), section 3.2, for fixed dimensional encodings.
    Raises InputError at construction when a part does not take the kind of vectors it would get, and where k or
    `candidates` is below 1.
    """

    encoder: Encoder
    index: Index
    transforms: Mapping[str, Transform] = field(default_factory=dict)
    candidates: int = field(default=100, metadata=AT_SEARCH)
    storage: Literal["encoder", "int8"] = "encoder"
    ball_carving: float | None = field(default=None, metadata=AT_SEARCH)
    threads: int = field(default=1, metadata={"changes_results": False})
    documents_per_shard: int = field(default=512, metadata={"changes_results": False})
    _first: VectorRetriever = field(init=False, repr=False, compare=False)
    _second: MaxSimReranker = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shard = self.documents_per_shard
        self._first = VectorRetriever(self.encoder, self.index, self.transforms, documents_per_shard=shard)
        self._second = MaxSimReranker(self.encoder, self.storage, self.ball_carving, self.threads, shard)

    def build(self, corpus: Corpus, store: Store) -> None:
        self._first.build(corpus, store)
        self._second.build(corpus, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        require_depth(self.candidates)
        self._first.require_built()
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values()))
        found = self._first.search_vectors(queries, vectors, self.candidates)
        return self._second.rescore(queries, vectors, found).top(k)

    @property
    def aligns(self) -> bool:
        return True

    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]:
        """Every token of the query against every token of each document, which the order by MaxSim comes from.

        Raises InputError before build and for a document not in the corpus.
        """
        return self._second.align(query, documents)
