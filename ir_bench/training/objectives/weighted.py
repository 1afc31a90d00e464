"""Several objectives at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.step import Step


@dataclass
class Weighted:
    """Σ weight · objective over named objectives; a weight that is not named is 1.

    Raises InputError where there is no objective, or a weight for one that is not there.
    """

    objectives: Mapping[str, Objective]
    weights: Mapping[str, float] = field(default_factory=dict)

    def parts(self, step: Step) -> dict[str, Tensor]:
        """Each weighted term, by name: the value is their sum, a log may show them apart."""
        if not self.objectives:
            raise InputError("a weighted sum of nothing", "at least one objective", "name objectives")
        for name in self.weights.keys() - self.objectives.keys():
            raise InputError(
                f"a weight is given for {name!r}", f"one of: {', '.join(self.objectives)}", "correct the name"
            )
        return {name: self.weights.get(name, 1.0) * part(step) for name, part in self.objectives.items()}

    def __call__(self, step: Step) -> Tensor:
        return torch.stack(list(self.parts(step).values())).sum()
