"""Batches of one collection each."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ir_bench.errors import InputError
from ir_bench.protocols import BatchSampler
from ir_bench.training.examples import Examples
from ir_bench.training.known import Rows
from ir_bench.training.started import require_started


@dataclass
class ByCollection:
    """The batches that `within` makes of each collection's examples, in random order over all collections.

    In-batch negatives then come from the query's own collection: those of another one are told apart too easily. A
    collection has as many batches as it fills, its last one possibly shorter. (For a DatasetDict, the proportional
    sampler of sentence-transformers does the same.)
    Raises InputError for examples of no named collections (see `together`).
    Source: Nussbaum et al. 2024, "Nomic Embed", section 3 (each batch from one source).
    """

    within: BatchSampler
    _parts: list[tuple[Rows, BatchSampler]] | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, examples: Examples, seed: int) -> None:
        if examples.collections is None:
            raise InputError(
                "the examples do not say which collection each is from",
                "examples of several collections, put together by together({name: examples})",
                "train on several collections, or take another sampler",
            )
        self._parts, self._seed = [], seed
        for collection in np.unique(examples.collections).tolist():
            rows = np.flatnonzero(examples.collections == collection)
            sampler = deepcopy(self.within)  # one for each collection; settings alone, nothing is started yet
            sampler.start(examples.select(rows), seed + collection)
            self._parts.append((rows, sampler))

    def batches(self, batch_size: int, epoch: int, drop_last: bool = False) -> Iterator[Rows]:
        parts = require_started(self._parts, self)
        batches = [rows[batch] for rows, sampler in parts for batch in sampler.batches(batch_size, epoch, drop_last)]
        order = np.random.default_rng([self._seed, epoch]).permutation(len(batches))
        return (batches[i] for i in order.tolist())
