"""What the retrievers that use Lucene share: an index written by Anserini, and its searcher asked in batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.errors import InputError
from ir_bench.lucene import start
from ir_bench.progress import bar
from ir_bench.retrievers.lucene_feedback import Feedback
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Document, Queries, Run

BATCH = 1000  # documents handed to Java at once
QUERIES = 200  # queries handed to Java at once


@dataclass(frozen=True)
class LuceneIndex:
    """An index in its folder and Anserini's SimpleSearcher of it."""

    folder: Path
    searcher: Any

    def search(
        self, queries: Queries, k: int, threads: int, feedback: Feedback | None, weights: Mapping[str, float]
    ) -> Run:
        """The best k documents of each query, ties as Lucene breaks them.

        `weights`: the fields to search, each with the factor of its score; none: the contents alone.
        """
        self._take(feedback)
        found: dict[str, dict[str, float]] = {}
        names = list(queries)
        # feedback from the best documents must not depend on how many are asked for
        depth = max(k, feedback.documents) if feedback else k
        with cost.timed("search_s"), bar(len(names), "searching with Lucene", "queries") as progress:
            for begin in range(0, len(names), QUERIES):
                some = names[begin : begin + QUERIES]
                texts = [_java_text(queries[name]) for name in some]
                answers = (
                    self._batch(texts, depth, threads, weights) if threads > 1 else self._each(texts, depth, weights)
                )
                found |= {
                    name: {hit.docid: hit.score for hit in hits} for name, hits in zip(some, answers, strict=True)
                }
                progress.update(len(some))
        return Run.of(found, k, ties="lucene")

    def _take(self, feedback: Feedback | None) -> None:
        self.searcher.unset_rm3()
        if feedback is not None:
            feedback.apply(self.searcher, str(self.folder))
        steps = self.searcher.cascade.rerankers  # the last one rounds the scores
        steps.subList(steps.size() - 1, steps.size()).clear()

    def _each(self, texts: Sequence[str], k: int, weights: Mapping[str, float]) -> list[Any]:
        """One query after the other: Anserini's batches take every core, whatever number of threads they are given."""
        if not weights:
            return [self.searcher.search(text, k) for text in texts]
        fields = _java_weights(weights)
        return [self.searcher.search_fields(text, fields, k) for text in texts]

    def _batch(self, texts: Sequence[str], k: int, threads: int, weights: Mapping[str, float]) -> list[Any]:
        autoclass = start()
        java_list = autoclass("java.util.ArrayList")
        java_texts, java_names = java_list(), java_list()
        for i, text in enumerate(texts):
            java_texts.add(autoclass("java.lang.String")(text))
            java_names.add(str(i))
        answers = self.searcher.batch_search_fields(java_texts, java_names, k, threads, _java_weights(weights))
        return [answers.get(str(i)) for i in range(len(texts))]


def build(corpus: Corpus, store: Store, analyzer: str, title_apart: bool = False) -> LuceneIndex:
    """The index of a corpus, written once: one field `contents`, or the text there and the title in a field `title`.

    Written in corpus order as one segment, with the term vectors of `contents`, which feedback needs.
    """
    document_ids(corpus, store)  # refuses an empty corpus and repeated ids
    titles = "apart" if title_apart else corpus.titles
    made_from = ["lucene", version("pyserini"), analyzer, corpus.identity, titles]
    with cost.timed("index_s"):
        folder = store.artefact(made_from, lambda place: _write(corpus, analyzer, title_apart, place))
    cost.note("index_bytes", sum(path.stat().st_size for path in folder.iterdir()))
    # resolved, here and in _write: Java keeps the working directory it was started in
    return LuceneIndex(folder.resolve(), _open(folder.resolve(), analyzer))


def built(index: LuceneIndex | None, k: int) -> LuceneIndex:
    """The index, once there is one. Raises InputError where there is none and for a k below one."""
    require_depth(k)
    if index is None:
        raise InputError("search before build", "an indexed corpus", "call build(corpus, store) first")
    return index


def _write(corpus: Corpus, analyzer: str, title_apart: bool, folder: Path) -> None:
    autoclass = _java()
    kind = {"english": [], "whitespace": ["-pretokenized"]}.get(analyzer, ["-language", analyzer])
    settings = ["-collection", "JsonCollection", "-input", "none", "-index", str(folder.resolve()), "-threads", "1"]
    fields = ["-fields", "title"] if title_apart else []
    indexer = autoclass("io.anserini.index.SimpleIndexer")([*settings, "-storeDocvectors", *fields, *kind])
    with bar(corpus.size, f"indexing {corpus.name} with Lucene", "documents") as progress:
        for block in corpus.chunks(BATCH):
            indexer.addRawDocuments([_json(document, corpus, title_apart) for document in block])
            progress.update(len(block))
    indexer.close(True)  # merged to one segment
    (folder / "write.lock").unlink(missing_ok=True)


def _open(folder: Path, analyzer: str) -> Any:
    autoclass = _java()
    searcher = autoclass("io.anserini.search.SimpleSearcher")(str(folder))
    if analyzer == "whitespace":
        searcher.set_analyzer(autoclass("org.apache.lucene.analysis.core.WhitespaceAnalyzer")())
    elif analyzer != "english":
        searcher.set_language(analyzer)
    return searcher


def _java() -> Any:
    """Pyserini's `autoclass`, with Anserini's notes switched off and no limit to the terms of a query."""
    autoclass = start()
    level = autoclass("org.apache.logging.log4j.Level")
    autoclass("org.apache.logging.log4j.core.config.Configurator").setRootLevel(level.ERROR)
    autoclass("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(1 << 20)
    return autoclass


def _json(document: Document, corpus: Corpus, title_apart: bool) -> str:
    if title_apart:
        return json.dumps({"id": document.id, "contents": document.text, "title": document.title})
    return json.dumps({"id": document.id, "contents": corpus.contents(document)})


def _java_weights(weights: Mapping[str, float]) -> Any:
    autoclass = start()
    java_weights = autoclass("java.util.HashMap")()
    for name, weight in weights.items():
        java_weights.put(name, autoclass("java.lang.Float")(weight))
    return java_weights


def _java_text(text: str) -> str:
    """A lone surrogate cannot be handed to Java; it separates words, as a blank does."""
    return "".join(" " if "\ud800" <= c <= "\udfff" else c for c in text)
