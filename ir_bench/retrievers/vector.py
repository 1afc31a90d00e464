"""Encode, transform, search an index: dense, sparse and multi-vector retrieval differ only in the parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ir_bench import cost
from ir_bench.corpus_ids import document_ids
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.progress import bar
from ir_bench.protocols import Encoder, Index, Stored, Transform
from ir_bench.scoring import require_depth
from ir_bench.store import Store
from ir_bench.types import Corpus, Queries, Run, Strings


@dataclass
class VectorRetriever:
    """Nearest documents by the vectors of an encoder, changed by transforms, in an index.

    Raises InputError at construction when a part does not take the kind of vectors it would get.
    """

    encoder: Encoder
    index: Index
    transforms: Mapping[str, Transform] = field(default_factory=dict)
    documents_per_shard: int = field(default=4096, metadata={"changes_results": False})
    _ids: Strings | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind, maker = self.encoder.produces, type(self.encoder).__name__
        parts: tuple[Transform | Index, ...] = (*self.transforms.values(), self.index)
        for part in parts:
            if part.accepts is not kind:
                raise InputError(
                    f"{type(part).__name__} takes {part.accepts.__name__} vectors, but {maker} gives {kind.__name__}",
                    f"an index or transform for {kind.__name__} vectors, or an encoder of {part.accepts.__name__}",
                    "choose another index=… or encoder=…, or put a transform between them",
                )
            kind, maker = getattr(part, "produces", kind), type(part).__name__

    def build(self, corpus: Corpus, store: Store) -> None:
        self._ids = document_ids(corpus, store)
        with cost.timed("encode_documents_s"):
            key, vectors = encoded_documents(self.encoder, corpus, store, self.documents_per_shard)
        for name, transform in self.transforms.items():
            with cost.timed("transform_s"):
                transform.fit(vectors)
                key = [*key, {name: describe(transform)}]
                vectors = store.vectors(
                    key, transform.produces, self._transformed(transform, vectors), self.documents_per_shard
                )
        with cost.timed("index_s"):
            self._index(key, vectors, store)

    def search(self, queries: Queries, k: int) -> Run:
        require_depth(k)
        if self._ids is None:
            raise InputError("search before build", "an indexed corpus", "call build(corpus, store) first")
        with cost.timed("encode_queries_s"):
            vectors = self.encoder.encode_queries(list(queries.values()))
            for transform in self.transforms.values():
                vectors = transform.queries(vectors)
        with cost.timed("search_s"):
            hits = self.index.search(vectors, k)
        return Run.from_hits(queries, hits, self._ids)

    def _index(self, key: list[Any], vectors: Any, store: Store) -> None:
        if not isinstance(self.index, Stored):
            self.index.build(vectors)
            return
        index = self.index

        def make(folder) -> None:
            self.index.build(vectors)
            index.save(folder)

        index.load(store.artefact([*key, self.index], make))

    def _transformed(self, transform: Transform, vectors: Any):
        size = self.documents_per_shard

        def blocks(start: int) -> Iterator[Any]:
            for row in range(start * size, len(vectors), size):
                yield transform.documents(vectors[row : row + size])

        return blocks


def encoded_documents(encoder: Encoder, corpus: Corpus, store: Store, per_shard: int) -> tuple[list[Any], Any]:
    """The encoder's document vectors and their key in the store; encoded once, then shared by whoever asks."""
    encoder.fit(corpus)
    key = ["documents", describe(encoder), corpus.identity, corpus.titles, corpus.document_tokens]

    def blocks(start: int) -> Iterator[Any]:
        with bar(corpus.size, f"encoding {corpus.name}", "documents") as progress:
            for i, chunk in enumerate(corpus.chunks(per_shard)):
                if i >= start:
                    yield encoder.encode_documents([corpus.contents(d) for d in chunk])
                progress.update(len(chunk))

    return key, store.vectors(key, encoder.produces, blocks, per_shard)
