"""Batches in random order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ir_bench.training.batches import in_batches
from ir_bench.training.examples import Examples
from ir_bench.training.known import Rows
from ir_bench.training.started import require_started


@dataclass
class RandomBatches:
    """Every example once an epoch, in an order that seed and epoch fix."""

    _state: tuple[int, int] | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, examples: Examples, seed: int) -> None:
        self._state = (len(examples), seed)

    def batches(self, batch_size: int, epoch: int, drop_last: bool = False) -> Iterator[Rows]:
        size, seed = require_started(self._state, self)
        order = np.random.default_rng([seed, epoch]).permutation(size)
        return in_batches([order], batch_size, drop_last)
