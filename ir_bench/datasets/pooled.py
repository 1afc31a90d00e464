"""Several collections as one: all their documents in one corpus, all their queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.protocols import DatasetSource
from ir_bench.types import Corpus, Dataset, Document, Qrels, Queries, Rules


@dataclass
class Pooled:
    """The documents, queries and judgments of `collections`, with ids NAME/ID by the names given here.

    Documents of other collections count as not relevant to a query, which for collections of one field is not so: take
    collections of different fields, or judge reconstruction and the like, not retrieval. `split` and `titles` are those
    of every collection. Raises InputError for no collections, and where one has another split or titles.
    """

    name: str
    collections: Mapping[str, DatasetSource]
    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        if not self.collections:
            raise InputError(f"{self.name} pools no collections", "NAME: a dataset")
        parts = {name: source.load() for name, source in self.collections.items()}
        for name, part in parts.items():
            if part.split != self.split:
                raise InputError(
                    f"{self.name} has the split {self.split!r}, its collection {name} {part.split!r}",
                    "one split in all",
                )

        @cache
        def corpus() -> Corpus:
            return self._corpus({name: part.corpus for name, part in parts.items()})

        @cache
        def queries() -> Queries:
            return {f"{name}/{q}": text for name, part in parts.items() for q, text in part.queries.items()}

        @cache
        def qrels() -> Qrels:
            return {
                f"{name}/{query}": {f"{name}/{document}": grade for document, grade in judged.items()}
                for name, part in parts.items()
                for query, judged in part.qrels.items()
            }

        return Dataset(self.name, corpus, queries, qrels, self.rules, self.split)

    def locate(self) -> Path | None:
        """The folder of the first collection, when all of them are here."""
        places: list[Path | None] = [getattr(each, "locate", lambda: None)() for each in self.collections.values()]
        return places[0] if places and all(places) else None

    def describe_source(self) -> str:
        return "pooled from " + ", ".join(self.collections)

    def _corpus(self, parts: Mapping[str, Corpus]) -> Corpus:
        def read() -> Iterator[Document]:
            for name, part in parts.items():
                for document in part:
                    yield replace(document, id=f"{name}/{document.id}")

        if wrong := [name for name, part in parts.items() if part.titles != self.titles]:
            raise InputError(f"{self.name} has titles={self.titles}, its collection {wrong[0]} another", "one in all")
        sizes = [part.size for part in parts.values()]
        return Corpus(
            self.name,
            fingerprint({name: part.identity for name, part in parts.items()}),
            read,
            sum(size for size in sizes if size is not None) if None not in sizes else None,
            self.titles,
            _longest([part.query_tokens for part in parts.values()]),
            _longest([part.document_tokens for part in parts.values()]),
        )


def _longest(lengths: list[int | None]) -> int | None:
    return max((length for length in lengths if length is not None), default=None)
