"""Query likelihood by Lucene itself, through Pyserini: with or without feedback."""

from __future__ import annotations

from dataclasses import dataclass, field

from ir_bench.retrievers import lucene_search
from ir_bench.retrievers.lucene_feedback import Feedback
from ir_bench.retrievers.lucene_search import LuceneIndex
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run


@dataclass
class LuceneQueryLikelihood:
    """The likelihood of a query under a document's language model, smoothed with the collection's (Dirichlet, `mu`).

    A term the document holds adds log(1 + tf / (mu · p)) + log(mu / (length + mu)), or 0 where that is negative; p is
    (1 + its count) / (1 + the count of all terms) in the collection. The rest as in `Lucene`.

    Source: Zhai and Lafferty, A Study of Smoothing Methods for Language Models, SIGIR 2001; Anserini's `-qld`.
    Differs: the likelihood would also sum terms that the document lacks; Lucene's LMDirichletSimilarity does not.
    """

    mu: float = 1000.0
    feedback: Feedback | None = None
    analyzer: str = "english"
    threads: int = field(default=1, metadata={"changes_results": False})
    _index: LuceneIndex | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, corpus: Corpus, store: Store) -> None:
        self._index = lucene_search.build(corpus, store, self.analyzer)
        self._index.searcher.set_qld(self.mu)

    def search(self, queries: Queries, k: int) -> Run:
        return lucene_search.built(self._index, k).search(queries, k, self.threads, self.feedback, {})
