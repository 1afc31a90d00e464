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
        self._sums: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def add(self, step: Step) -> None:
        scores = step.scores.detach()
        own = torch.ones_like(step.mask) if step.own is None else step.own
        kinds = {
            "positive_score": step.positives,
            "negative_score": step.negatives & own,
            "batch_score": step.negatives & ~own,
        }
        for name, which in kinds.items():  # on their device: reading them would wait for it in every step
            self._sums.setdefault(name, []).append((torch.where(which, scores, 0).sum(), which.sum()))

    def taken(self) -> dict[str, float]:
        """The means of the kinds that there were, and a new beginning."""
        totals = {
            name: [float(sum(map(float, part))) for part in zip(*all_, strict=True)]
            for name, all_ in self._sums.items()
        }
        self._sums = {}
        return {name: total / count for name, (total, count) in totals.items() if count}
