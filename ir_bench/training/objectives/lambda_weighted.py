"""Pairs weighted by what swapping them would change of the reciprocal rank (ADORE)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ir_bench.training.masked import filled
from ir_bench.training.step import Step, preferences


@dataclass
class LambdaWeighted:
    """|1/rank_better - 1/rank_worse| · log(1 + exp((s_worse - s_better) / τ)), averaged over a query's pairs, then
    queries.

    Ranks are those of the student's scores among the candidates that count, ties against the better candidate. Beyond
    `cut` a reciprocal rank is 0: a pair vanishes when both are beyond it. Queries without a negative are left out.
    Raises InputError for a query without a positive and a batch without a negative.
    Source: Zhan et al., "Optimizing dense retrieval model training with hard negatives", 2021 (ADORE).
    Differs: the authors' first public code has exp(s_better - s_worse) in one of the two orders that it sums, whose
    gradient drives margins to zero; a step here always widens the margin.
    """

    cut: int | None = None
    temperature: float = 1.0

    def __call__(self, step: Step) -> Tensor:
        queries, better, worse = preferences(step)
        with torch.no_grad():
            reciprocal = 1 / _ranks(step).to(step.scores.dtype)
            if self.cut is not None:
                reciprocal = reciprocal.masked_fill(reciprocal < 1 / (self.cut + 0.5), 0)
            weights = (reciprocal[queries, better] - reciprocal[queries, worse]).abs()
            pairs = torch.bincount(queries, minlength=len(step.scores))
        margins = step.scores[queries, better] - step.scores[queries, worse]
        losses = -functional.logsigmoid(margins / self.temperature)
        of_query = torch.zeros_like(step.scores[:, 0]).index_add(0, queries, weights * losses / pairs[queries])
        return step.mean(of_query[pairs > 0], (pairs > 0).nonzero().flatten())


def _ranks(step: Step) -> Tensor:
    """Ranks from 1 [queries, candidates] by score; of equal scores the lower label comes first."""
    by_label = torch.argsort(step.labels, dim=1, stable=True)
    scores = filled(step.scores, step.mask).gather(1, by_label)
    order = by_label.gather(1, torch.argsort(scores, dim=1, descending=True, stable=True))
    return torch.argsort(order, dim=1) + 1
