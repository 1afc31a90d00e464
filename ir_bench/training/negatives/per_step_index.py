"""Negatives searched at every step with the query vectors of that step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.encoding import encoded_documents
from ir_bench.errors import InputError
from ir_bench.protocols import Encoder, Index
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows, most_known, pick
from ir_bench.training.started import require_started
from ir_bench.types import Dense


@dataclass
class PerStepIndex:
    """The `count` best documents [n, count], in the order of their scores, for the current query vectors [n, dims].

    The documents are encoded once, by `encoder` or where it is None by the model as a stage of training begins, and
    stay as they are while the query side is trained; `vectors` gives them by row. Known positives are left out; where
    they rank among the negatives is for the objective to see from their scores. Where an approximate index finds too
    few, random documents take the places.
    Raises InputError for a draw without query vectors or before there are documents, and for an index of another kind
    of vectors.
    Source: Zhan et al. 2021, "Optimizing Dense Retrieval Model Training with Hard Negatives" (ADORE, section 4.2).
    """

    encoder: Encoder | None
    index: Index
    count: int = 200
    documents_per_shard: int = field(default=512, metadata={"changes_results": False})
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _documents: Dense | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        if self.index.accepts is not Dense or (self.encoder is not None and self.encoder.produces is not Dense):
            raise InputError(
                f"{type(self.index).__name__} over {type(self.encoder).__name__} cannot be searched by query vectors",
                "an encoder and an index of Dense vectors",
                "choose index=flat and a dense encoder",
            )
        self._pairs, self._seed, self._documents = pairs, seed, None
        if self.encoder is not None:
            self.take(encoded_documents(self.encoder, text.corpus, store, self.documents_per_shard)[1])

    def take(self, documents: Dense) -> None:
        """The vectors of the corpus' documents [documents, dims], in its order."""
        self.index.build(documents)
        self._documents = documents

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """The vectors [..., dims] of documents by row; zeros where a row is -1. Raises InputError for a text that is no
        document of the corpus."""
        values = require_started(self._documents, self).values
        if len(made := rows[rows >= len(values)]):
            raise InputError(
                f"text {made.flat[0]} was made from a document, but only whole documents have vectors",
                "pairs of queries and documents of the corpus",
                "choose pairs=labelled or pairs=rank_range",
            )
        return np.where((rows >= 0)[..., None], values[np.maximum(rows, 0)], np.float32(0))

    def draw(self, at: Rows, step: int, query_vectors: NDArray[Any] | None = None) -> Rows:
        pairs = require_started(self._pairs, self)
        if query_vectors is None or len(query_vectors) != len(at):
            raise InputError(
                f"PerStepIndex was given {0 if query_vectors is None else len(query_vectors)} query vectors for "
                f"{len(at)} pairs",
                "the current model's vector of each pair's query",
                "train with a loop that draws negatives at every step",
            )
        require_started(self._documents, self)
        queries = pairs.query_rows[at]
        depth = min(self.count + most_known(pairs.known, queries), pairs.known.corpus_size)
        found = self.index.search(Dense(np.asarray(query_vectors, np.float32)), depth).rows
        return pick(pairs.known, queries, found, self.count, np.random.default_rng([self._seed, step]))
