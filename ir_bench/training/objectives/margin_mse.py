"""Squared difference between the student's and the teacher's margin (margin-MSE)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ir_bench.training.step import Step, preferences, require_teacher


@dataclass
class MarginMSE:
    """(scale · (s+ - s-) - (t+ - t-))², averaged over all pairs of a positive and a worse candidate of the batch.

    `scale` brings the student's scores to the teacher's range: a cosine cannot reach a cross-encoder's margins.
    `in_batch`: also pairs with other queries' documents, which the teacher must then have scored.
    Raises InputError for a missing teacher score, a query without a positive and a batch without a negative.
    Source: Hofstätter et al., "Improving efficient neural ranking models with cross-architecture knowledge
    distillation", 2020; in-batch: Hofstätter et al., "Efficiently teaching an effective dense retriever
    with balanced topic aware sampling", 2021.
    """

    scale: float = 1.0
    in_batch: bool = False

    def __call__(self, step: Step) -> Tensor:
        step = step if self.in_batch else step.own_lists()
        queries, better, worse = preferences(step)
        teacher = require_teacher(step, of_batch=self.in_batch).detach().to(step.scores)
        student_margins = step.scores[queries, better] - step.scores[queries, worse]
        teacher_margins = teacher[queries, better] - teacher[queries, worse]
        return step.mean((self.scale * student_margins - teacher_margins).square(), queries)
