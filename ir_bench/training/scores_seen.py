"""What a model gives positives and negatives while it is trained."""

from __future__ import annotations

import torch
from torch import Tensor

from ir_bench.training.step import Step


class ScoresSeen:
    """Means of the student's scores over the batches since they were last taken.

    `positive_score`: of positives; `negative_score`: of the negatives of a query's own list; `batch_score`: of the
    documents of other queries in the batch. What is masked does not count. Negatives that score as positives do are
    hard, or not negative; positives and negatives that score alike are a collapse.
    """

    def __init__(self) -> None:
        self._totals: dict[str, Tensor] = {}  # [2] each: sum of scores, their number

    def add(self, step: Step) -> None:
        scores = step.scores.detach()
        own = torch.ones_like(step.mask) if step.own is None else step.own
        kinds = {
            "positive_score": step.positives,
            "negative_score": step.negatives & own,
            "batch_score": step.negatives & ~own,
        }
        for name, which in kinds.items():  # on their device: reading them would wait for it in every step
            total = torch.stack([torch.where(which, scores, 0).sum(), which.sum()])
            self._totals[name] = self._totals[name] + total if name in self._totals else total

    def taken(self) -> dict[str, float]:
        """The means of the kinds that there were, and a new beginning."""
        totals, self._totals = {name: total.tolist() for name, total in self._totals.items()}, {}
        return {name: total / count for name, (total, count) in totals.items() if count}
