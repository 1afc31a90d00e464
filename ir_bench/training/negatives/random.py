"""Negatives drawn from the whole collection."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows, pick
from ir_bench.training.started import require_started


@dataclass
class Random:
    """`count` documents [n, count] of equal probability for each pair, other ones at each step."""

    count: int = 1
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        self._pairs, self._seed = pairs, seed

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        pairs = require_started(self._pairs, self)
        generator = np.random.default_rng([self._seed, step])
        candidates = generator.integers(pairs.known.corpus_size, size=(len(at), self.count + 4))
        return pick(pairs.known, pairs.query_rows[at], candidates, self.count, generator)
