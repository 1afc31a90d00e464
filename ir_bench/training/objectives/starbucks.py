"""An objective at a fixed list of (layer, dimensions) pairs, each taught by the full model's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ir_bench.errors import InputError
from ir_bench.protocols import Objective
from ir_bench.training.masked import divergence
from ir_bench.training.step import Step


@dataclass
class Starbucks:
    """L(full) + Σ_pairs [L(layer, dimensions) + kl · KL(softmax(s_full / τ) || softmax(s_pair / τ))].

    The full model (last layer, all dimensions) is a fixed teacher and is not repeated when the pairs list it.
    `normalise` false, as in the authors' retrieval code: the dot product of slices of vectors that the model made unit
    length before the cut; true: cosine of the slices.
    Raises InputError without pairs, and where the step has no vectors of layers, no such layer or fewer dimensions.
    Source: Zhuang et al., "Starbucks: improved training for 2D Matryoshka embeddings", 2024; the arithmetic as in the
    authors' retrieval/modeling.py, whose default for kl is 0.
    """

    needs_layers: ClassVar[bool] = True

    objective: Objective
    pairs: Sequence[tuple[int, int]]
    kl: float = 1.0
    temperature: float = 0.05
    normalise: bool = False

    def __call__(self, step: Step) -> Tensor:
        if not self.pairs:
            raise InputError("no (layer, dimensions) pairs", "at least one", "give pairs: [[2, 64], [4, 128]]")
        full = step.at(layer=-1, normalise=self.normalise)
        size = full.vectors()[0].shape[-1], len(step.layers or ()) - 1
        values = [self.objective(full)]
        for layer, dimensions in self.pairs:
            if (dimensions, layer) == size:
                continue
            small = step.at(dimensions, layer=layer, normalise=self.normalise)
            values.append(self.objective(small))
            if self.kl:
                apart = divergence(full.scores, small.scores, step.mask, self.temperature, self.temperature)
                values.append(self.kl * step.mean(apart))
        return torch.stack(values).sum()
