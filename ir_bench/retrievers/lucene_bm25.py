"""BM25 by Lucene itself, through Pyserini: with or without RM3 or Rocchio feedback."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.errors import InputError
from ir_bench.lucene import start
from ir_bench.progress import bar
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Document, Queries, Run

BATCH = 1000  # documents handed to Java at once
QUERIES = 200  # queries handed to Java at once


@dataclass(frozen=True)
class Rm3:
    """The query mixed with the most likely terms of the best documents.

    Source: Abdul-Jaleel et al., UMass at TREC 2004: Novelty and HARD, 2004; Anserini's Rm3Reranker and its defaults.
    """

    terms: int = 10
    documents: int = 10
    original_weight: float = 0.5


@dataclass(frozen=True)
class Rocchio:
    """The query moved towards the mean of the best documents, and from that of the worst if `negative`.

    Source: Rocchio, Relevance Feedback in Information Retrieval, 1971; Anserini's RocchioReranker and its defaults.
    """

    terms: int = 10
    documents: int = 10
    alpha: float = 1.0
    beta: float = 0.75
    gamma: float = 0.15
    negative: bool = False


@dataclass
class Lucene:
    """Anserini's bag-of-words search with the scores as Lucene gives them.

    `analyzer`: "english" (Anserini's default), "whitespace" (terms as they are) or a language (ISO 639-1).
    The index holds one field, the text as the corpus joins it, is written in corpus order as one segment and keeps
    the documents' term vectors, which feedback needs; k1, b and feedback are settings of the search and share it.

    Differs: Pyserini's own searcher rounds scores to four decimals and lowers equal ones by 1e-6; here equal ones are
    lowered by the smallest float32 step (`Run`).
    Where the last of k hits ties with others, Lucene keeps the lowest document ids.
    """

    k1: float = 0.9
    b: float = 0.4
    feedback: Rm3 | Rocchio | None = None
    analyzer: str = "english"
    threads: int = field(default=1, metadata={"changes_results": False})
    _searcher: Any = field(default=None, init=False, repr=False, compare=False)

    def build(self, corpus: Corpus, store: Store) -> None:
        document_ids(corpus, store)  # refuses an empty corpus and repeated ids
        made_from = ["lucene", version("pyserini"), self.analyzer, corpus.identity, corpus.titles]
        with cost.timed("index_s"):
            folder = store.artefact(made_from, lambda place: self._write(corpus, place))
        cost.note("index_bytes", sum(path.stat().st_size for path in folder.iterdir()))
        self._searcher = self._open(folder)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        if self._searcher is None:
            raise InputError("search before build", "an indexed corpus", "call build(corpus, store) first")
        found: dict[str, dict[str, float]] = {}
        names = list(queries)
        with cost.timed("search_s"), bar(len(names), "searching with Lucene", "queries") as progress:
            for begin in range(0, len(names), QUERIES):
                some = names[begin : begin + QUERIES]
                found |= self._batch(some, [queries[name] for name in some], k)
                progress.update(len(some))
        return Run.of(found, k, ties="lucene")

    def _batch(self, names: Sequence[str], texts: Sequence[str], k: int) -> dict[str, dict[str, float]]:
        autoclass = _java()
        java_list = autoclass("java.util.ArrayList")
        java_texts, java_names = java_list(), java_list()
        for i, text in enumerate(texts):
            java_texts.add(autoclass("java.lang.String")(_java_text(text)))
            java_names.add(str(i))
        answers = self._searcher.batch_search(java_texts, java_names, k, self.threads)
        return {name: {hit.docid: hit.score for hit in answers.get(str(i))} for i, name in enumerate(names)}

    def _write(self, corpus: Corpus, folder: Path) -> None:
        autoclass = _java()
        kind = {"english": [], "whitespace": ["-pretokenized"]}.get(self.analyzer, ["-language", self.analyzer])
        # resolved, here and in _open: Java keeps the working directory it was started in
        settings = ["-collection", "JsonCollection", "-input", "none", "-index", str(folder.resolve()), "-threads", "1"]
        indexer = autoclass("io.anserini.index.SimpleIndexer")([*settings, "-storeDocvectors", *kind])
        with bar(corpus.size, f"indexing {corpus.name} with Lucene", "documents") as progress:
            for block in corpus.chunks(BATCH):
                indexer.addRawDocuments([_json(document, corpus) for document in block])
                progress.update(len(block))
        indexer.close(True)  # merged to one segment
        (folder / "write.lock").unlink(missing_ok=True)

    def _open(self, folder: Path) -> Any:
        autoclass = _java()
        searcher = autoclass("io.anserini.search.SimpleSearcher")(str(folder.resolve()))
        if self.analyzer == "whitespace":
            searcher.set_analyzer(autoclass("org.apache.lucene.analysis.core.WhitespaceAnalyzer")())
        elif self.analyzer != "english":
            searcher.set_language(self.analyzer)
        searcher.set_bm25(self.k1, self.b)
        if isinstance(f := self.feedback, Rm3):
            searcher.set_rm3(f.terms, f.documents, f.original_weight)
        elif isinstance(f, Rocchio):
            both = (f.terms, f.documents, f.terms, f.documents)
            searcher.set_rocchio(None, *both, f.alpha, f.beta, f.gamma, False, f.negative)
        steps = searcher.cascade.rerankers  # the last one rounds the scores
        steps.subList(steps.size() - 1, steps.size()).clear()
        return searcher


def _java() -> Any:
    """Pyserini's `autoclass`, with Anserini's notes switched off and no limit to the terms of a query."""
    autoclass = start()
    level = autoclass("org.apache.logging.log4j.Level")
    autoclass("org.apache.logging.log4j.core.config.Configurator").setRootLevel(level.ERROR)
    autoclass("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(1 << 20)
    return autoclass


def _json(document: Document, corpus: Corpus) -> str:
    return json.dumps({"id": document.id, "contents": corpus.contents(document)})


def _java_text(text: str) -> str:
    """A lone surrogate cannot be handed to Java; it separates words, as a blank does."""
    return "".join(" " if "\ud800" <= c <= "\udfff" else c for c in text)
