"""Expected floating-point operations of an inverted index: the regulariser of SPLADE."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ir_bench.training.step import Side, Step


@dataclass
class Flops:
    """Σ_terms (mean over the side's texts of |weight|)²: the mean comes before the square.

    `threshold`: texts with at most so many terms are taken as empty in the mean.
    Raises InputError where the step has no vectors.
    Source: Paria et al., "Minimizing FLOPs to learn efficient sparse representations", 2020; Formal,
    Piwowarski and Clinchant, "SPLADE", 2021; the threshold: Shen et al., "Exploring l0 sparsification for
    inference-free sparse retrievers", 2025.
    """

    side: Side = "documents"
    threshold: int | None = None

    def __call__(self, step: Step) -> Tensor:
        weights = step.texts(self.side).abs()
        if self.threshold is not None:
            weights = weights.masked_fill((weights != 0).sum(1, keepdim=True) <= self.threshold, 0)
        return weights.mean(0).square().sum()
