"""Several retrievers whose rankings become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir_bench.errors import InputError
from ir_bench.protocols import Fusion, Retriever
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run


@dataclass
class Fused:
    """The fusion of the best `depth` documents of each retriever, or of the best k where k is larger.

    Raises InputError where there is no retriever and where k or `depth` is below 1.
    """

    retrievers: Mapping[str, Retriever]
    fusion: Fusion
    depth: int = 1000

    def __post_init__(self) -> None:
        if not self.retrievers:
            raise InputError("Fused has no retrievers", "at least one", "name them: retrievers: {bm25: …, minilm: …}")

    def build(self, corpus: Corpus, store: Store) -> None:
        for retriever in self.retrievers.values():
            retriever.build(corpus, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        require_depth(self.depth)
        depth = max(self.depth, k)
        return self.fusion({name: r.search(queries, depth) for name, r in self.retrievers.items()}, k)
