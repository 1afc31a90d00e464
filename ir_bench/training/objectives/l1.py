"""Mean absolute sum of the vectors: the plain sparsity regulariser."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ir_bench.training.step import Side, Step


@dataclass
class L1:
    """Mean over the side's texts of Σ_terms |weight|.

    Raises InputError where the step has no vectors.
    Source: Formal, Piwowarski and Clinchant, "SPLADE", 2021 (the ℓ1 that FLOPS is compared with).
    """

    side: Side = "documents"

    def __call__(self, step: Step) -> Tensor:
        return step.texts(self.side).abs().sum(1).mean()
