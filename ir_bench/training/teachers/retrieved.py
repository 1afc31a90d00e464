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
    Raises InputError for texts that are not of the collections it was started on, and for a query and a document of
    different ones.
    """

    retriever: Retriever
    depth: int = 1000
    absent: float = 0.0
    _scores: list[NDArray[np.float32]] = field(default_factory=list, init=False, repr=False, compare=False)
    _queries: dict[str, tuple[int, int]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _documents: dict[str, tuple[int, int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        self.retriever.build(text.corpus, store)
        row = {name: i for i, name in enumerate(text.document_ids)}
        run = self.retriever.search(text.queries_by_id(), self.depth)
        scores = np.full((len(text.queries), len(text.documents)), self.absent, np.float32)
        for i, query in enumerate(text.query_ids):
            ranking = run[query]
            scores[i, [row[name] for name in ranking.documents]] = ranking.scores
        number = len(self._scores)
        self._scores.append(scores)
        self._queries |= {query: (number, i) for i, query in enumerate(text.queries)}
        self._documents |= {document: (number, i) for i, document in enumerate(text.documents)}

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        queries, documents, at = examples.candidates()
        asked = self._places(self._queries, examples.pairs.queries, queries, "query")
        found = self._places(self._documents, examples.pairs.documents, documents, "document")
        self._require_one_collection(asked, found)
        values = np.empty(len(queries), np.float32)
        for number, scores in enumerate(self._scores):
            own = asked[:, 0] == number
            values[own] = scores[asked[own, 1], found[own, 1]]
        return spread(values, at)

    def online(self, pairs: Pairs) -> Callable[[Rows, Rows], Any]:
        """Scores [queries, documents] of rows of these pairs, as a torch tensor; NaN for row -1."""
        import torch

        def scored(query_rows: Rows, document_rows: Rows) -> Any:
            used = np.flatnonzero(document_rows >= 0)
            asked = self._places(self._queries, pairs.queries, query_rows, "query")
            found = self._places(self._documents, pairs.documents, document_rows[used], "document")
            self._require_one_collection(asked[:1], found)
            self._require_one_collection(asked, found[:1])
            scores = np.full((len(query_rows), len(document_rows)), np.nan, np.float32)
            scores[:, used] = self._scores[asked[0, 0]][np.ix_(asked[:, 1], found[:, 1])]
            return torch.from_numpy(scores)

        return scored

    def _places(self, known: dict[str, tuple[int, int]], texts: Any, rows: Rows, what: str) -> NDArray[np.int64]:
        try:
            return np.array([known[texts[row]] for row in rows.tolist()], np.int64).reshape(-1, 2)
        except KeyError as error:
            raise InputError(
                f"the teacher has not searched for the {what} {str(error)[:60]}",
                f"a {what} of the collection, not one made from it",
                "choose pairs=labelled, or another teacher",
            ) from None

    @staticmethod
    def _require_one_collection(asked: NDArray[np.int64], found: NDArray[np.int64]) -> None:
        if (asked[:, 0] != found[:, 0]).any():
            raise InputError(
                "a query is to be scored with documents of another collection",
                "batches of one collection each",
                "choose sampler=by_collection",
            )
