"""Scores from terms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.progress import bar
from ir_bench.protocols import Retriever
from ir_bench.store import Store
from ir_bench.training.candidates import require_corpus
from ir_bench.training.examples import Examples, TrainingText, spread
from ir_bench.training.started import require_started


@dataclass
class BM25Teacher:
    """The retriever's exact score of each candidate [examples, 1 + negatives], the sum over its matching terms.

    A candidate that shares no term with the query has the score 0, as in a search of the whole collection.
    Raises InputError for a retriever that cannot explain its scores and for candidates that are no documents of the
    corpus (crops, bodies).
    Source: the lexical half of the teachers of Geng et al. 2024, "Towards Competitive Search Relevance For
    Inference-Free Learned Sparse Retrievers".
    """

    retriever: Retriever
    _text: TrainingText | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        if not hasattr(self.retriever, "explain"):
            raise InputError(
                f"{type(self.retriever).__name__} cannot score given documents by their terms",
                "a retriever with explain(query, documents), such as retriever=bm25",
                "choose another retriever, or teacher=reranker",
            )
        self.retriever.build(text.corpus, store)
        self._text = text

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        text = require_started(self._text, self)
        retriever: Any = self.retriever
        queries, documents, at = examples.candidates()
        require_corpus(examples, documents, text)
        values = np.zeros(len(queries), np.float32)
        ids = examples.pairs.document_ids
        with bar(len(queries), "scoring candidates", "pairs") as progress:
            for query, places in groupby(range(len(queries)), key=lambda i: int(queries[i])):
                some = list(places)
                names = [ids[row] for row in documents[some].tolist()]
                matches = retriever.explain(examples.pairs.queries[query], names)
                values[some] = [math.fsum(match.score for match in matches[name]) for name in names]
                progress.update(len(some))
        return spread(values, at)
