"""Logistic loss of every (better, worse) pair of candidates: RankNet; with binary labels the pair loss of STAR."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from ir_bench.training.step import Step, preferences


@dataclass
class Pairwise:
    """log(1 + exp((s_worse - s_better) / τ)), averaged over all pairs of the batch whose labels differ.

    Raises InputError for a query without a positive and a batch without a negative.
    Source: Burges et al., "Learning to rank using gradient descent", 2005, with certain preferences
    (σ = 1/τ); the mean over in-batch and mined pairs together: Zhan et al., "Optimizing dense retrieval model training
    with hard negatives", 2021 (STAR).
    """

    temperature: float = 1.0

    def __call__(self, step: Step) -> Tensor:
        queries, better, worse = preferences(step)
        margins = step.scores[queries, better] - step.scores[queries, worse]
        return step.mean(-functional.logsigmoid(margins / self.temperature), queries)
