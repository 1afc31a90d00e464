"""No negatives but those that a batch brings along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Rows


@dataclass
class InBatch:
    """None [n, 0]: the positives of the other queries in the batch are negatives enough.

    Which of them count is for the loss to ask: `pairs.known(query_rows, document_rows)`.
    Source: Karpukhin et al. 2020, Dense Passage Retrieval for Open-Domain Question Answering, section 3.2.
    """

    @property
    def count(self) -> int:
        return 0

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        """Nothing to prepare."""

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        return np.empty((len(at), 0), np.int64)
