"""An objective at several prefixes of the vectors, so that a shortened vector is a good one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.step import Step


@dataclass
class Matryoshka:
    """Σ_dimensions weight · objective(scores of the first dimensions); a weight that is not named is 1.

    Of token vectors every one is cut, and the scores are MaxSim.
    `normalise`: cosine of the prefixes, made unit length after the cut; otherwise their dot product.
    Raises InputError for no dimensions, more than the vectors have, and a weight without its dimension.
    Source: Kusupati et al., "Matryoshka representation learning", 2022, equation 1; of token vectors: Jha et al.,
    "Jina-ColBERT-v2", 2024.
    Differs: prefixes of one projection of token vectors, where Jina-ColBERT-v2 has a projection for each size.
    """

    objective: Objective
    dimensions: Sequence[int]
    weights: Mapping[int, float] = field(default_factory=dict)
    normalise: bool = True

    def __call__(self, step: Step) -> Tensor:
        weights = {int(dimension): weight for dimension, weight in self.weights.items()}
        if not self.dimensions or weights.keys() - set(self.dimensions):
            raise InputError(
                f"dimensions {list(self.dimensions)} with weights for {list(weights)}",
                "at least one dimension, and weights for dimensions that are listed",
                "correct dimensions or weights",
            )
        return torch.stack(
            [weights.get(d, 1.0) * self.objective(step.at(d, normalise=self.normalise)) for d in self.dimensions]
        ).sum()
