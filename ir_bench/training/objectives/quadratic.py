"""A weight that grows quadratically, so that a regulariser does not silence a model before it has learned."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ir_bench.protocols import Objective
from ir_bench.training.step import Step


@dataclass
class Quadratic:
    """min(1, t / steps)² · objective, with t the number of optimiser steps before this one; `steps` 0: at once.

    Source: Formal, Piwowarski and Clinchant, "SPLADE", 2021 (λ grows quadratically up to step T).
    """

    objective: Objective
    steps: int = 50_000

    def __call__(self, step: Step) -> Tensor:
        reached = min(1.0, step.number / self.steps) if self.steps > 0 else 1.0
        return reached**2 * self.objective(step)
