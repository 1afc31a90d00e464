"""BM25 by Lucene itself, through Pyserini: with or without feedback."""

from __future__ import annotations

from dataclasses import dataclass, field

from ir_bench.retrievers import lucene_search
from ir_bench.retrievers.lucene_feedback import Feedback
from ir_bench.retrievers.lucene_search import LuceneIndex
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run


@dataclass
class Lucene:
    """Anserini's bag-of-words search with the scores as Lucene gives them.

    `analyzer`: "english" (Anserini's default), "whitespace" (terms as they are) or a language (ISO 639-1).
    The index holds one field, the text as the corpus joins it, is written in corpus order as one segment and keeps
    the documents' term vectors, which feedback needs; k1, b and feedback are settings of the search and share it.
    `threads`: with more than one, Anserini takes every core.

    Source: Robertson et al. 1994, Okapi at TREC-3 (BM25); Yang, Fang and Lin 2017, Anserini; Lin et al. 2021, Pyserini.
    Differs: Pyserini's own searcher rounds scores to four decimals and lowers equal ones by 1e-6; here equal ones are
    lowered by the smallest float32 step (`Run`).
    Where the last of k hits ties with others, Lucene keeps the lowest document ids.
    """

    k1: float = 0.9
    b: float = 0.4
    feedback: Feedback | None = None
    analyzer: str = "english"
    threads: int = field(default=1, metadata={"changes_results": False})
    _index: LuceneIndex | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, corpus: Corpus, store: Store) -> None:
        self._index = lucene_search.build(corpus, store, self.analyzer)
        self._index.searcher.set_bm25(self.k1, self.b)

    def search(self, queries: Queries, k: int) -> Run:
        return lucene_search.built(self._index, k).search(queries, k, self.threads, self.feedback, {})
