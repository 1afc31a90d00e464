"""What must never be a negative: the one mask, and the one way to choose negatives, of every source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError

Rows = NDArray[np.int64]
Choice = Literal["first", "random"]


@dataclass(frozen=True, eq=False)
class Known:
    """Known positives and own documents of queries, as sorted keys: query · corpus size + document.

    Queries of equal text share what is known, and documents of equal text count as one, so that a copy of a positive
    is no negative. A text made from a document (a crop) stands for that document.
    `queries` [queries] and `documents` [texts] give the row that stands for each; `keys` is [known].
    """

    keys: Rows
    queries: Rows
    documents: Rows
    corpus_size: int
    query_ids: Sequence[str]  # for messages

    @classmethod
    def of(
        cls,
        query_ids: Sequence[str],
        queries: Sequence[str],
        documents: Sequence[str],
        query_rows: Sequence[int] | Rows,
        document_rows: Sequence[int] | Rows,
    ) -> Known:
        """Query `query_rows[i]` is answered by, or was made from, document `document_rows[i]`."""
        alike = _first_alike(documents)
        nothing = cls(np.zeros(0, np.int64), _first_alike(queries), alike, len(documents), query_ids)
        return nothing.adding(query_rows, document_rows)

    def adding(self, query_rows: Sequence[int] | Rows, document_rows: Sequence[int] | Rows) -> Known:
        """The same with more known pairs."""
        more = self._keys(np.asarray(query_rows, np.int64), np.asarray(document_rows, np.int64))
        return replace(self, keys=np.union1d(self.keys, more))

    def with_texts_of(self, sources: Sequence[int] | Rows) -> Known:
        """The same with more texts after the last document: text i was made from the document `sources[i]`."""
        more = self.documents[np.asarray(sources, np.int64)]
        return replace(self, documents=np.concatenate([self.documents, more]))

    def of_queries(self, rows: Rows) -> Known:
        """The same for some of the queries, which are numbered anew; what the others knew stays with their texts."""
        return replace(self, queries=self.queries[rows], query_ids=[self.query_ids[row] for row in rows.tolist()])

    def __call__(self, query_rows: Rows, document_rows: Rows) -> NDArray[np.bool_]:
        """The mask of a batch [queries, documents]: True where a document is no negative of a query."""
        return ~allowed(self, query_rows[:, None], document_rows[None, :])

    def _keys(self, queries: Rows, documents: Rows) -> Rows:
        return self.queries[queries] * self.corpus_size + self.documents[documents]


def allowed(known: Known, query_rows: Rows, document_rows: Rows) -> NDArray[np.bool_]:
    """Which documents may be negatives of which queries, for rows of any two shapes that broadcast.

    No known positive, not the query's own document, no copy of one of these, and no padding (-1). Every source of
    negatives is masked by this, and so is a batch: `Known.__call__` is its opposite for all queries and documents.
    """
    queries, documents = np.broadcast_arrays(query_rows, document_rows)
    keys = known._keys(queries, documents)
    at = np.searchsorted(known.keys, keys)
    found = np.zeros(keys.shape, bool)
    inside = at < len(known.keys)
    found[inside] = known.keys[at[inside]] == keys[inside]
    return ~found & (documents >= 0)


def pick(
    known: Known,
    query_rows: Rows,
    candidates: Rows,
    count: int,
    generator: np.random.Generator,
    choice: Choice = "first",
    fill: bool = True,
) -> Rows:
    """Choose `count` negatives [n, count] for each query [n] among its candidates [n, depth]; -1 pads candidates.

    The first allowed ones, or a sample without replacement in random order; no text twice. Where there are too few,
    documents drawn at random from the whole corpus fill the row, or -1 where `fill` is False.
    Raises InputError where the whole corpus has too few allowed documents.
    """
    if candidates.shape[1] < count:
        padding = np.full((len(candidates), count - candidates.shape[1]), -1, np.int64)
        candidates = np.concatenate([candidates, padding], axis=1)
    chosen = np.full((len(query_rows), count), -1, np.int64)
    if count == 0:
        return chosen
    step = max(1, 4_000_000 // candidates.shape[1])
    for start in range(0, len(query_rows), step):
        some = slice(start, start + step)
        usable = allowed(known, query_rows[some, None], candidates[some]) & _first_in_row(known, candidates[some])
        if choice == "random":
            priority = generator.random(usable.shape)
        else:
            priority = np.broadcast_to(np.arange(usable.shape[1], dtype=np.float64), usable.shape)
        order = np.argsort(np.where(usable, priority, np.inf), axis=1, kind="stable")[:, :count]
        chosen[some] = np.where(
            np.take_along_axis(usable, order, 1), np.take_along_axis(candidates[some], order, 1), -1
        )
    if fill:
        for i in np.flatnonzero((chosen < 0).any(axis=1)).tolist():
            _fill(known, int(query_rows[i]), chosen[i], generator)
    return chosen


def most_known(known: Known, query_rows: Rows) -> int:
    """The largest number of documents that are no negatives of one of these queries: a search this much deeper than k
    finds k negatives for each."""
    copies = np.bincount(known.documents[: known.corpus_size], minlength=known.corpus_size)
    owners, documents = np.divmod(known.keys, known.corpus_size)
    counts = np.bincount(owners, weights=copies[documents], minlength=int(known.queries.max(initial=-1)) + 1)
    return int(counts[known.queries[query_rows]].max(initial=0))


def _fill(known: Known, query: int, chosen: Rows, generator: np.random.Generator) -> None:
    """Random allowed documents in the places that hold -1."""
    places = np.flatnonzero(chosen < 0).tolist()
    taken = set(known.documents[chosen[chosen >= 0]].tolist())
    for tries in (4 * len(places) + 16, None):  # all documents only where a few draws did not do
        rows = generator.integers(known.corpus_size, size=tries) if tries else generator.permutation(known.corpus_size)
        for row in rows[allowed(known, np.full(1, query), rows)].tolist():
            alike = int(known.documents[row])
            if alike not in taken:
                taken.add(alike)
                chosen[places.pop(0)] = row
                if not places:
                    return
    raise InputError(
        f"query {known.query_ids[query]!r} has {len(chosen) - len(places)} possible negatives among "
        f"{known.corpus_size} documents",
        f"{len(chosen)} different ones that are no known positive",
        "ask for fewer negatives, or train on a larger collection",
    )


def _first_in_row(known: Known, candidates: Rows) -> NDArray[np.bool_]:
    """False where a text stands in its row for the second time."""
    alike = np.where(candidates >= 0, known.documents[candidates], -1)
    order = np.argsort(alike, axis=1, kind="stable")
    ordered = np.take_along_axis(alike, order, 1)
    first = np.ones(candidates.shape, bool)
    np.put_along_axis(first, order[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
    return first


def _first_alike(texts: Iterable[str]) -> Rows:
    """For each text the first row with the same text."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(text, row) for row, text in enumerate(texts)], np.int64)
