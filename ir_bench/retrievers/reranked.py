"""A first search whose best documents are scored anew."""

from __future__ import annotations

from dataclasses import dataclass

from ir_bench.protocols import Reranker, Retriever
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run


@dataclass
class Reranked:
    """The best `depth` documents of `first`, in the order of the reranker's scores.

    Documents beyond `depth` are not in the result, however large k is: scores of two models are not comparable.
    Raises InputError where k or `depth` is below 1.
    """

    first: Retriever
    reranker: Reranker
    depth: int = 100

    def build(self, corpus: Corpus, store: Store) -> None:
        self.first.build(corpus, store)
        self.reranker.build(corpus, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        require_depth(self.depth)
        return self.reranker.rerank(queries, self.first.search(queries, self.depth)).top(k)
