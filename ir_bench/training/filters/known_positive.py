"""No example with a known positive among its negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir_bench.training.examples import Examples
from ir_bench.training.known import allowed


@dataclass
class KnownPositive:
    """Keeps the examples [kept] none of whose negatives is a known positive of the query, its own document or a copy.

    The sources of negatives give none; examples from elsewhere may.
    """

    def __call__(self, examples: Examples) -> Examples:
        negatives = examples.document_rows[:, 1:]
        wrong = ~allowed(examples.pairs.known, examples.query_rows[:, None], negatives) & (negatives >= 0)
        return examples.select(np.flatnonzero(~wrong.any(axis=1)))
