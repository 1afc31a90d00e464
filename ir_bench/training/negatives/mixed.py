"""Negatives of several sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.protocols import NegativeSource
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows, pick
from ir_bench.training.started import require_started


@dataclass
class Mixed:
    """The negatives of each source [n, sum of their counts], in their order; what two sources share is drawn anew, at
    random, behind the others.

    Each source has its own `count`, and the in-batch ones count 0: hard negatives with in-batch ones is STAR.
    Raises InputError where there is no source.
    Source: Zhan et al. 2021, "Optimizing Dense Retrieval Model Training with Hard Negatives" (STAR, section 4.1).
    """

    sources: Mapping[str, NegativeSource]
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def count(self) -> int:
        return sum(source.count for source in self.sources.values())

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        if not self.sources:
            raise InputError("Mixed has no sources", "at least one", "name them: sources: {hard: …, random: …}")
        for number, source in enumerate(self.sources.values()):
            source.start(text, pairs, store, seed + number)  # else two sources of a kind would draw the same
        self._pairs, self._seed = pairs, seed

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        pairs = require_started(self._pairs, self)
        drawn = [source.draw(at, step, query_vectors) for source in self.sources.values()]
        generator = np.random.default_rng([self._seed, step])
        return pick(pairs.known, pairs.query_rows[at], np.concatenate(drawn, axis=1), self.count, generator)
