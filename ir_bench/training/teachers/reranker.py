"""Scores from any reranker."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import Reranker
from ir_bench.store import Store
from ir_bench.training.candidates import require_corpus
from ir_bench.training.examples import Examples, TrainingText, spread
from ir_bench.training.started import require_started
from ir_bench.types import Run


@dataclass
class RerankerTeacher:
    """The reranker's score of each candidate [examples, 1 + negatives]; a dense encoder's with `reranker=dense`.

    Raises InputError for candidates that are no documents of the corpus (crops, bodies), and for a candidate that the
    reranker leaves out.
    """

    reranker: Reranker
    _text: TrainingText | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        self.reranker.build(text.corpus, store)
        self._text = text

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        queries, documents, at = examples.candidates()
        pairs = examples.pairs
        require_corpus(examples, documents, require_started(self._text, self))
        asked: dict[str, list[str]] = {}
        for query, places in groupby(range(len(queries)), key=lambda i: int(queries[i])):
            asked[pairs.query_ids[query]] = [pairs.document_ids[row] for row in documents[list(places)].tolist()]
        texts = {pairs.query_ids[row]: pairs.queries[row] for row in np.unique(queries).tolist()}
        candidates = Run.of({query: dict.fromkeys(names, 0.0) for query, names in asked.items()})
        scored = self.reranker.rerank(texts, candidates).scored()
        for name, given in asked.items():
            for document in given:
                if document not in scored.get(name, {}):
                    raise InputError(
                        f"{type(self.reranker).__name__} gave no score to document {document!r} for query {name!r}",
                        "a score for every candidate",
                        "choose a reranker that scores all it is given",
                    )
        values = np.array([scored[name][document] for name, given in asked.items() for document in given], np.float32)
        return spread(values, at)
