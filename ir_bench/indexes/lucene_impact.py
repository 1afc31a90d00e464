"""Search of sparse vectors by Lucene: a term's whole weight stands where texts have its frequency."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.lucene import start
from ir_bench.progress import bar
from ir_bench.scoring import require_depth, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Hits, Sparse, Strings

SPLADE = 256 / 5  # Pyserini's and Anserini's SPLADE encoders: a weight of 5 becomes 256
FIELD = "(Ljava/lang/String;Ljava/io/Reader;Lorg/apache/lucene/index/IndexableFieldType;)V"  # which of its constructors
QUERIES = 200  # handed to Java at once


@dataclass
class LuceneImpactIndex:
    """Anserini's impact search: sum_t q_t d_t over whole weights, by Lucene's block-max dynamic pruning.

    A weight w is kept as round(w * scale), at least 1; `document_scale` and `query_scale` of None are 1 where all
    weights are whole numbers, else 51.2 (a weight of 5 becomes 256), as Anserini's SPLADE encoders round. Scores are
    divided by both scales, so they are in the units of the given weights; with whole weights they are exact.
    Equal scores are ordered by ascending row. The index is one segment, written in row order. Lucene's searcher tells
    no counts of work, so none are noted.

    Source: Mackenzie, Trotman and Lin 2021, Wacky Weights in Learned Sparse Representations; Lin et al. 2021, Pyserini.
    Differs: Anserini repeats a term as often as its weight says while indexing; here its frequency is set directly,
    which gives the same postings.
    Raises InputError for weights that are negative, NaN or infinite, and for a search before build or load.
    """

    accepts: ClassVar[type] = Sparse

    document_scale: float | None = None
    query_scale: float | None = field(default=None, metadata={"changes_documents": False})
    threads: int = field(default=1, metadata={"changes_results": False})
    _made: Path | None = field(default=None, init=False, repr=False, compare=False)  # until it is saved
    _searcher: Any = field(default=None, init=False, repr=False, compare=False)
    _scale: float = field(default=1, init=False, repr=False, compare=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def build(self, documents: Sparse) -> None:
        _require_positive(documents, "document")
        scale = _scale(self.document_scale, documents.weights)
        made = Path(tempfile.mkdtemp(prefix="lucene-impact-"))
        weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        _write(documents, scale, made / "lucene")
        vocabulary = documents.vocabulary
        write_arrays(made, {"scale": np.array(scale), "data": vocabulary.data, "bounds": vocabulary.bounds})
        self._open(made)
        self._made = made

    def save(self, folder: Path) -> None:
        if self._made is None:
            raise InputError("save before build", "documents", "call build first")
        shutil.copytree(self._made, folder, dirs_exist_ok=True)

    def load(self, folder: Path) -> None:
        self._open(folder)
        self._made = None
        cost.note("index_bytes", sum(path.stat().st_size for path in (folder / "lucene").iterdir()))

    def _open(self, folder: Path) -> None:
        read = {name: np.load(folder / f"{name}.npy") for name in ("scale", "data", "bounds")}
        self._scale = float(read["scale"])
        self._numbers = {term: number for number, term in enumerate(Strings(read["data"], read["bounds"]))}
        if self._searcher is not None:
            self._searcher.close()
        # resolved: Java keeps the working directory it was started in
        self._searcher = _java()("io.anserini.search.SimpleImpactSearcher")(str((folder / "lucene").resolve()))
        steps = self._searcher.cascade.rerankers  # the last one rounds the scores and lowers equal ones
        steps.subList(steps.size() - 1, steps.size()).clear()

    def search(self, queries: Sparse, k: int) -> Hits:
        require_depth(k)
        if self._searcher is None:
            raise InputError("search before build", "an index of documents", "call build or load first")
        _require_positive(queries, "query")
        scale = _scale(self.query_scale, queries.weights)
        k = min(k, self._searcher.get_total_num_docs())
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        table = [self._numbers.get(term, -1) for term in queries.vocabulary]
        for begin in range(0, len(queries), QUERIES):
            some = range(begin, min(begin + QUERIES, len(queries)))
            for i, hits in zip(some, self._answers([_bag(queries, i, table, scale) for i in some], k), strict=True):
                rows[i, : len(hits)] = [int(hit.docid) for hit in hits]
                # undone in double precision: Anserini rounds scores to float32, which whole sums survive
                scores[i, : len(hits)] = np.array([hit.score for hit in hits], np.float64) / (self._scale * scale)
        return Hits(rows, scores)

    def _answers(self, bags: Sequence[dict[str, int]], k: int) -> Iterator[Any]:
        java = _java()
        integer, table = java("java.lang.Integer"), java("java.util.HashMap")
        asked = []
        for bag in bags:
            query = table()
            for term, weight in bag.items():
                query.put(term, integer(weight))
            asked.append(query)
        if self.threads == 1:
            yield from (self._searcher.search(query, k) if bag else [] for query, bag in zip(asked, bags, strict=True))
            return
        queries, names = java("java.util.ArrayList")(), java("java.util.ArrayList")()
        for i, query in enumerate(asked):
            queries.add(query)
            names.add(str(i))
        answers = self._searcher.batch_search(queries, names, k, self.threads)
        yield from (answers.get(str(i)) if bags[i] else [] for i in range(len(bags)))


def _require_positive(vectors: Sparse, what: str) -> None:
    require_finite(vectors.weights[:, None], f"the vector of {what}", vectors.offsets)
    if len(vectors.weights) and vectors.weights.min() < 0:
        raise InputError(f"{what} vectors have negative weights", "weights of at least 0", "use index=inverted")


def _scale(setting: float | None, weights: NDArray[np.float32]) -> float:
    if setting is not None:
        return setting
    return 1.0 if (weights == np.rint(weights)).all() else SPLADE


def _whole(weights: NDArray[np.float32], scale: float) -> NDArray[np.int64]:
    return np.where(weights == 0, 0, np.maximum(1, np.rint(weights.astype(np.float64) * scale))).astype(np.int64)


def _bag(queries: Sparse, i: int, table: Sequence[int], scale: float) -> dict[str, int]:
    """Weights of a query's known terms by the terms' names in the index; those of a term named twice are added."""
    span, bag = slice(queries.offsets[i], queries.offsets[i + 1]), dict[str, int]()
    for term, weight in zip(queries.terms[span].tolist(), _whole(queries.weights[span], scale).tolist(), strict=True):
        if weight and table[term] >= 0:
            bag[str(table[term])] = bag.get(str(table[term]), 0) + weight
    return bag


def _write(documents: Sparse, scale: float, folder: Path) -> None:
    """Terms are written by number: a term may hold what separates terms and weights."""
    java = _java()
    custom = java("org.apache.lucene.analysis.custom.CustomAnalyzer")
    none = java("java.util.HashMap")
    analyzer = custom.builder().withTokenizer("whitespace", none()).addTokenFilter("delimitedTermFrequency", none())
    place = java("org.apache.lucene.store.FSDirectory").open(java("java.io.File")(str(folder.resolve())).toPath())
    config = java("org.apache.lucene.index.IndexWriterConfig")(analyzer.build())
    config.setRAMBufferSizeMB(256.0)
    writer = java("org.apache.lucene.index.IndexWriter")(place, config)
    kind = java("org.apache.lucene.document.FieldType")()
    kind.setTokenized(True)
    kind.setOmitNorms(True)
    kind.setIndexOptions(java("org.apache.lucene.index.IndexOptions").DOCS_AND_FREQS)
    document, text = java("org.apache.lucene.document.Document"), java("org.apache.lucene.document.Field")
    name, key = java("org.apache.lucene.document.StringField"), java("org.apache.lucene.document.BinaryDocValuesField")
    stored, bytes_of = java("org.apache.lucene.document.Field$Store").YES, java("org.apache.lucene.util.BytesRef")
    reader, weights = java("java.io.StringReader"), _whole(documents.weights, scale)
    with bar(len(documents), "indexing impacts with Lucene", "documents") as progress:
        for row in range(len(documents)):
            span = slice(documents.offsets[row], documents.offsets[row + 1])
            pairs = zip(documents.terms[span].tolist(), weights[span].tolist(), strict=True)
            one = document()
            one.add(name("id", f"{row:09}", stored))
            one.add(key("id", bytes_of(f"{row:09}".encode())))  # by which equal scores are ordered
            content = reader(" ".join(f"{term}|{weight}" for term, weight in pairs if weight))
            one.add(text("contents", content, kind, signature=FIELD))
            writer.addDocument(one)
            progress.update()
    writer.forceMerge(1)
    writer.close()
    (folder / "write.lock").unlink(missing_ok=True)


def _java() -> Any:
    """Pyserini's `autoclass`, with Anserini's notes switched off and no limit to the terms of a query."""
    java = start()
    level = java("org.apache.logging.log4j.Level")
    java("org.apache.logging.log4j.core.config.Configurator").setRootLevel(level.ERROR)
    java("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(1 << 20)
    return java
