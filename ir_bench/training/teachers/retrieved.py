"""A retriever's scores of the documents that it finds, as a teacher of whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import Retriever
from ir_bench.store import Store
from ir_bench.training.examples import Examples, Pairs, TrainingText, spread
from ir_bench.training.known import Rows


@dataclass
class Retrieved:
    """What `retriever` gives a query's best `depth` documents; `absent` is the score of all others.

    `scores` gives those of examples [examples, 1 + negatives], `online` a function that scores a batch, queries by
    documents. A fusion by normalised scores (retriever=hybrid fusion=linear) makes an ensemble of retrievers a teacher.
    Raises InputError for texts that are not of one of the collections it was started on.
    """

    retriever: Retriever
    depth: int = 1000
    absent: float = 0.0
    _searched: list[_Searched] = field(default_factory=list, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        self.retriever.build(text.corpus, store)
        row = {name: i for i, name in enumerate(text.document_ids)}
        run = self.retriever.search(text.queries_by_id(), self.depth)
        scores = np.full((len(text.queries), len(text.documents)), self.absent, np.float32)
        for i, query in enumerate(text.query_ids):
            ranking = run[query]
            scores[i, [row[name] for name in ranking.documents]] = ranking.scores
        queries, documents = ({name: i for i, name in enumerate(texts)} for texts in (text.queries, text.documents))
        self._searched.append(_Searched(scores, queries, documents))

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        queries, documents, at = examples.candidates()
        values = np.empty(len(queries), np.float32)
        bounds = np.flatnonzero(np.diff(queries, prepend=-1, append=-1))
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            values[start:stop] = self._matrix(examples.pairs, queries[start : start + 1], documents[start:stop])[0]
        return spread(values, at)

    def online(self, pairs: Pairs) -> Callable[[Rows, Rows], Any]:
        """Scores [queries, documents] of rows of these pairs, as a torch tensor; NaN for row -1."""
        import torch

        def scored(query_rows: Rows, document_rows: Rows) -> Any:
            used = np.flatnonzero(document_rows >= 0)
            scores = np.full((len(query_rows), len(document_rows)), np.nan, np.float32)
            scores[:, used] = self._matrix(pairs, query_rows, document_rows[used])
            return torch.from_numpy(scores)

        return scored

    def _matrix(self, pairs: Pairs, query_rows: Rows, document_rows: Rows) -> NDArray[np.float32]:
        queries = [pairs.queries[row] for row in query_rows.tolist()]
        documents = [pairs.documents[row] for row in document_rows.tolist()]
        for searched in self._searched:  # a text may be in several collections
            if all(q in searched.queries for q in queries) and all(d in searched.documents for d in documents):
                rows = np.ix_([searched.queries[q] for q in queries], [searched.documents[d] for d in documents])
                return searched.scores[rows]
        raise InputError(
            "the teacher has not searched one collection for all queries and documents of a batch",
            "train queries and documents of one collection, not texts made from them",
            "choose pairs=labelled and sampler=by_collection, or another teacher",
        )


@dataclass(frozen=True)
class _Searched:
    scores: NDArray[np.float32]
    queries: dict[str, int]
    documents: dict[str, int]
