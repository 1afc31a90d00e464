"""Any dataset of the ir_datasets package by its id, downloaded and kept by that package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ir_bench.datasets.assemble import assemble
from ir_bench.datasets.checksums import remember
from ir_bench.datasets.places import cache_folder
from ir_bench.datasets.qrels import Judgment, collect
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Document, Qrels, Queries, Rules


@dataclass
class IrDatasets:
    """The dataset `id` of https://ir-datasets.com; the id names the split, `split` only labels the results.

    A document's text is its `text` beside its `title` where its type has both, else what ir_datasets calls its default
    text. `query_field` chooses another field of the queries (`description`). Source: MacAvaney et al. 2021, "Simplified
    Data Wrangling with ir_datasets". Raises InputError for an unknown id or a part that the dataset lacks.
    """

    id: str
    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    judged_only: bool = True
    query_field: str | None = None
    query_tokens: int | None = None
    document_tokens: int | None = None
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        return assemble(self.id, self, self._corpus, self._queries, self._qrels)

    def locate(self) -> Path | None:
        """ir_datasets keeps its files itself; whether they are there is not known without asking it to download."""
        return None

    def describe_source(self) -> str:
        return f"ir_datasets, id {self.id}"

    def _dataset(self, part: str) -> Any:
        import ir_datasets

        try:
            dataset = ir_datasets.load(self.id)
        except KeyError:
            raise InputError(
                f"ir_datasets knows no dataset {self.id!r}", "an id from https://ir-datasets.com", "dataset.id=…"
            ) from None
        if not getattr(dataset, f"has_{part}")():
            raise InputError(
                f"dataset {self.id!r} of ir_datasets has no {part}",
                "an id with docs, queries and qrels",
                f"choose a subset of it, for example {self.id}/test",
            )
        return dataset

    def _corpus(self) -> Corpus:
        dataset = self._dataset("docs")
        return Corpus(
            name=self.id,
            identity=self._identity(dataset),
            read=partial(_documents, dataset),
            size=dataset.docs_count(),
            titles=self.titles,
            query_tokens=self.query_tokens,
            document_tokens=self.document_tokens,
        )

    def _queries(self) -> Queries:
        queries = self._dataset("queries").queries_iter()
        if self.query_field is None:
            return {str(query.query_id): query.default_text() for query in queries}
        texts = {}
        for query in queries:
            if not hasattr(query, self.query_field):
                raise InputError(
                    f"queries of {self.id} have no field {self.query_field!r}",
                    "one of: " + ", ".join(f for f in query._fields if f != "query_id"),
                    "dataset.query_field=…",
                )
            texts[str(query.query_id)] = getattr(query, self.query_field)
        return texts

    def _qrels(self) -> Qrels:
        qrels = self._dataset("qrels").qrels_iter()
        judged: Iterator[Judgment] = (
            (f"{self.id}, judgment {i}", str(q.query_id), str(q.doc_id), int(q.relevance))
            for i, q in enumerate(qrels, 1)
        )
        return collect(judged, self.id)

    def _identity(self, dataset: Any) -> str:
        """SHA-256 over all documents; remembered only where the dataset names a file whose change can be seen."""
        path = Path(dataset.docs_path()) if hasattr(dataset, "docs_path") else None
        note = None
        if path is not None and path.is_file():
            status = path.stat()
            key = f"ir_datasets\0{self.id}\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
            note = cache_folder() / "checksums" / hashlib.sha256(key.encode()).hexdigest()[:32]
            if note.is_file():
                return note.read_text(encoding="ascii").strip()
        digest = hashlib.sha256()
        for document in _documents(dataset):
            for text in (document.id, document.title, document.text):
                encoded = text.encode("utf-8", "surrogatepass")
                digest.update(len(encoded).to_bytes(8, "little") + encoded)
        if note is not None:
            remember(note, digest.hexdigest())
        return digest.hexdigest()


def _documents(dataset: Any) -> Iterator[Document]:
    titled = {"title", "text"} <= set(dataset.docs_cls()._fields)
    for document in dataset.docs_iter():
        if titled:
            yield Document(str(document.doc_id), document.text or "", document.title or "")
        else:
            yield Document(str(document.doc_id), document.default_text())
