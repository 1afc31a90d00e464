"""Negatives that a retriever ranks high: BM25's, or the model's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import Retriever
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Choice, Rows, most_known, pick
from ir_bench.training.ranked import ranked_rows, search
from ir_bench.training.started import require_started


@dataclass
class Mined:
    """`count` of the documents [n, count] that a retriever ranks `first` to `last` for the query, drawn at each step.

    Ranks count from 1 and only documents that may be negatives, so that a query with many positives loses none of its
    range; `choice=first` takes the best ones instead of drawing. A short ranking is filled with random documents.
    With `refresh_every` n, the trainer calls `refresh` after every n steps with a retriever of the model as it is then,
    and without a `retriever` also when a stage begins.
    Raises InputError for a range that is none, and in `start` or `refresh` for documents that the corpus lacks.
    Source: Karpukhin et al. 2020, Dense Passage Retrieval, section 3.2 (BM25); Xiong et al. 2021, "Approximate Nearest
    Neighbor Negative Contrastive Learning for Dense Text Retrieval" (ANCE; refreshed from the model's own index).
    Differs: ANCE refreshes in parallel with the training, so that its ranks are some steps older.
    """

    retriever: Retriever | None
    first: int = 1
    last: int = 200
    count: int = 1
    choice: Choice = "random"
    refresh_every: int = 0
    _started: tuple[TrainingText, Pairs, Store, int] | None = field(default=None, init=False, repr=False, compare=False)
    _ranks: Rows | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        if not 1 <= self.first <= self.last:
            raise InputError(
                f"negatives are ranks {self.first} to {self.last}", "a range from rank 1", "correct first and last"
            )
        self._started = (text, pairs, store, seed)
        if self.retriever is not None:
            self.refresh(self.retriever)

    def refresh(self, retriever: Retriever) -> None:
        """Search again. The retriever is built here, so its settings or weights must name the model as it is now."""
        text, pairs, store, seed = require_started(self._started, self)
        used = np.unique(pairs.query_rows)
        names = [pairs.query_ids[row] for row in used.tolist()]
        queries = {name: pairs.queries[row] for name, row in zip(names, used.tolist(), strict=True)}
        depth = self.last + most_known(pairs.known, used)
        found = ranked_rows(search(retriever, text, queries, depth, store), names, text)
        generator = np.random.default_rng(seed)
        best = pick(pairs.known, used, found, min(self.last, found.shape[1]), generator, fill=False)
        ranks = np.full((len(pairs.queries), max(0, best.shape[1] - self.first + 1)), -1, np.int32)
        ranks[used] = best[:, self.first - 1 :]
        self._ranks = ranks

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        ranks = require_started(self._ranks, self)
        _, pairs, _, seed = require_started(self._started, self)
        queries = pairs.query_rows[at]
        generator = np.random.default_rng([seed, step])
        return pick(pairs.known, queries, ranks[queries].astype(np.int64), self.count, generator, self.choice)
