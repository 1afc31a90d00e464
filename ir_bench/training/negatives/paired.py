"""The negatives that came with the pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows, pick
from ir_bench.training.started import require_started


@dataclass
class Paired:
    """The first `count` negatives [n, count] of each pair, which its source chose (`pairs=rank_range`).

    Where a pair has too few, documents drawn at random take the places. Raises InputError for pairs that came with
    none.
    """

    count: int = 1
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        if pairs.negatives is None:
            raise InputError(
                "the pairs came without negatives",
                "a source of pairs that chooses negatives too",
                "take pairs=rank_range, or other negatives",
            )
        self._pairs, self._seed = pairs, seed

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        pairs = require_started(self._pairs, self)
        assert pairs.negatives is not None
        generator = np.random.default_rng([self._seed, step])
        return pick(pairs.known, pairs.query_rows[at], pairs.negatives[at], self.count, generator)
