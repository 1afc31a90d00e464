"""BM25 by Lucene itself with the title in a field of its own, as Pyserini's multifield runs on BEIR."""

from __future__ import annotations

from dataclasses import dataclass, field

from ir_bench.errors import InputError
from ir_bench.retrievers import lucene_search
from ir_bench.retrievers.lucene_search import LuceneIndex
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run


@dataclass
class LuceneMultifield:
    """text_weight · BM25 in the text + title_weight · BM25 in the title.

    Each field has its own document frequencies and lengths; the text does not hold the title. As in Anserini, a
    document whose text is empty is not indexed, whatever its title. Analyzer, threads and ties as `Lucene`.

    Raises InputError for a negative weight and for a corpus whose titles are to be ignored.

    Source: Kamalloo et al., Resources for Brewing BEIR, SIGIR 2024; Anserini's BeirMultifieldCollection, searched with
    `-fields contents=1.0 title=1.0`.
    """

    k1: float = 0.9
    b: float = 0.4
    text_weight: float = 1.0
    title_weight: float = 1.0
    analyzer: str = "english"
    threads: int = field(default=1, metadata={"changes_results": False})
    _index: LuceneIndex | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.text_weight, self.title_weight) < 0:
            raise InputError(
                f"weights {self.text_weight} and {self.title_weight}", "none below 0", "set them to 1.0 and 1.0, say"
            )

    def build(self, corpus: Corpus, store: Store) -> None:
        if corpus.titles == "ignore":
            raise InputError(
                f"{corpus.name} ignores titles",
                "titles to search beside the text",
                "dataset.titles=join or lucene_bm25",
            )
        self._index = lucene_search.build(corpus, store, self.analyzer, title_apart=True)
        self._index.searcher.set_bm25(self.k1, self.b)

    def search(self, queries: Queries, k: int) -> Run:
        weights = {"contents": self.text_weight, "title": self.title_weight}
        return lucene_search.built(self._index, k).search(queries, k, self.threads, None, weights)
