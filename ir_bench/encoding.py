"""Documents to vectors in the store, and candidates to their rows: what retrievers and rerankers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.corpus_ids import document_ids
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.progress import bar
from ir_bench.protocols import Composed, Encoder, Following, Index, Sharing, Stored, Transform
from ir_bench.store import Store
from ir_bench.types import Corpus, Strings


def encoded_documents(encoder: Encoder, corpus: Corpus, store: Store, per_shard: int) -> tuple[list[Any], Any]:
    """The encoder's document vectors and their key in the store; encoded once, then shared by whoever asks.

    Those of an encoder with transforms are made from the vectors of the encoder inside, which are shared too.
    """
    encoder.fit(corpus)
    if isinstance(encoder, Composed):
        key, vectors = encoded_documents(encoder.encoder, corpus, store, per_shard)
        return transformed_documents(key, vectors, encoder.transforms, store, per_shard)
    key = ["documents", describe(encoder, of_documents=True), corpus.identity, corpus.titles, corpus.document_tokens]

    def blocks(start: int) -> Iterator[Any]:
        total = len(document_ids(corpus, store))
        with bar(total, f"encoding {corpus.name}", "documents") as progress:
            for i, chunk in enumerate(corpus.chunks(per_shard)):
                if i >= start:
                    yield encoder.encode_documents([corpus.contents(d) for d in chunk])
                progress.update(len(chunk))

    return key, store.vectors(key, encoder.produces, blocks, per_shard)


def kind_after(encoder: Encoder, parts: Iterable[Transform | Index]) -> type:
    """The kind of vectors that come out of an encoder and the parts after it. Raises InputError for one that does not
    take the kind of vectors it would get."""
    kind, maker = encoder.produces, type(encoder).__name__
    for part in parts:
        if part.accepts is not kind:
            raise InputError(
                f"{type(part).__name__} takes {part.accepts.__name__} vectors, but {maker} gives {kind.__name__}",
                f"an index or transform for {kind.__name__} vectors, or an encoder of {part.accepts.__name__}",
                "choose another index=… or encoder=…, or put a transform between them",
            )
        kind, maker = getattr(part, "produces", kind), type(part).__name__
    return kind


def require_followed(encoder: Encoder, parts: Iterable[Transform | Index]) -> None:
    """Raises InputError for a part that was made for the vectors of another model."""
    for part in parts:
        if isinstance(part, Following):
            part.require(encoder)


def transformed_documents(
    key: list[Any], vectors: Any, transforms: Mapping[str, Transform], store: Store, per_shard: int
) -> tuple[list[Any], Any]:
    """Stored document vectors and their key, changed by each transform in turn, which is fitted to them before."""
    for name, transform in transforms.items():
        fit_once(key, transform, vectors, store)
        key = [*key, {name: describe(transform, of_documents=True)}]
        vectors = store.vectors(key, transform.produces, _transformed(transform, vectors, per_shard), per_shard)
    return key, vectors


def fit_once(key: list[Any], transform: Transform, vectors: Any, store: Store) -> None:
    """Fit a transform to the vectors of this key, or load what was fitted to them before, by it or by another that
    shares its learner."""
    learner: Any = transform.learner if isinstance(transform, Sharing) else transform
    fit = learner.fit
    if not isinstance(learner, Stored):
        fit(vectors)
        return

    def make(folder: Path) -> None:
        fit(vectors)
        learner.save(folder)

    learner.load(store.artefact([*key, {"fitted": describe(learner, of_documents=True)}], make))


def _transformed(transform: Transform, vectors: Any, size: int) -> Callable[[int], Iterator[Any]]:
    def blocks(start: int) -> Iterator[Any]:
        for row in range(start * size, len(vectors), size):
            yield transform.documents(vectors[row : row + size])

    return blocks


def document_texts(corpus: Corpus, store: Store) -> Strings:
    """The texts in corpus order, as they are searched, memory-mapped: for what reads candidates again."""

    def make(folder: Path) -> None:
        ends = [0]
        with open(folder / "texts.utf8", "wb") as stream:
            for document in corpus:
                ends.append(ends[-1] + stream.write(corpus.contents(document).encode()))
        np.save(folder / "bounds.npy", np.array(ends, np.int64))

    folder = store.artefact(["texts", corpus.identity, corpus.titles], make)
    bounds = np.load(folder / "bounds.npy", mmap_mode="r")
    if not bounds[-1]:  # an empty file cannot be memory-mapped
        return Strings(np.empty(0, np.uint8), bounds)
    return Strings(np.memmap(folder / "texts.utf8", np.uint8, "r"), bounds)


class RowFinder:
    """Document ids to their rows in corpus order, by sorted 64-bit hashes: 16 bytes a document, no Python strings."""

    def __init__(self, ids: Strings) -> None:
        hashes = np.fromiter((hash(name) for name in ids), np.int64, len(ids))
        self._ids, self._order = ids, np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def __call__(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The row of each name. Raises InputError for a name that the corpus does not have."""
        hashes = np.fromiter((hash(name) for name in names), np.int64, len(names))
        starts = np.searchsorted(self._hashes, hashes)
        return np.fromiter(map(self._row, names, hashes.tolist(), starts.tolist()), np.int64, len(names))

    def _row(self, name: str, hashed: int, position: int) -> int:
        while position < len(self._hashes) and self._hashes[position] == hashed:
            row = int(self._order[position])
            if self._ids[row] == name:  # equal hashes are nearly always equal names; compare to be sure
                return row
            position += 1
        raise InputError(
            f"document {name!r} is not in the corpus",
            "documents of the corpus that the part was built on",
            "use a run of the same collection",
        )
