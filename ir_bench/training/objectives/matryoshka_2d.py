"""An objective at a layer and a prefix drawn at every step, so that layers and dimensions can be left away later."""

from __future__ import annotations

import random
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
class Matryoshka2D:
    """L(N, D) + L(N, d) + L(n, D) + L(n, d) + kl · τ · KL(softmax(x_N / τ) || softmax(x_n / τ)).

    N is the last layer, D all dimensions; layer n and prefix d are drawn by seed and step number, so that a resumed
    training draws the same. The divergence is over the coordinates of each text's vector x, all dimensions, the last
    layer as a fixed teacher, averaged over texts. `layers` None: all between the embeddings (0) and the last.
    Raises InputError where the step has no vectors of layers, fewer dimensions, or no layer to draw.
    Source: Li et al., "2D Matryoshka sentence embeddings", 2024, section 3 (four losses and an alignment). The factor τ
    and the defaults are those of Matryoshka2dLoss in sentence-transformers, which draws one prefix a layer and so has
    two of the four losses.
    """

    needs_layers: ClassVar[bool] = True

    objective: Objective
    dimensions: Sequence[int]
    layers: Sequence[int] | None = None
    kl: float = 1.0
    temperature: float = 0.3
    normalise: bool = True
    seed: int = 0

    def __call__(self, step: Step) -> Tensor:
        step.vectors(layer=-1)  # an error of its own where there are no layers
        layers = self.layers if self.layers is not None else range(1, len(step.layers or ()) - 1)
        if not layers or not self.dimensions:
            raise InputError(
                f"layers {list(layers)}, dimensions {list(self.dimensions)}",
                "at least one layer below the last and one number of dimensions to draw",
                "name them",
            )
        draw = random.Random(f"{self.seed} {step.number}")
        layer, dimension = draw.choice(list(layers)), draw.choice(list(self.dimensions))
        sizes = [(n, d) for n in (-1, layer) for d in (None, dimension)]
        values = [self.objective(step.at(d, layer=n, normalise=self.normalise)) for n, d in sizes]
        if self.kl:
            values.append(self.kl * self.temperature * self._alignment(step, layer))
        return torch.stack(values).sum()

    def _alignment(self, step: Step, layer: int) -> Tensor:
        teacher, student = (self._texts(step, n) for n in (-1, layer))
        everything = torch.ones_like(student, dtype=torch.bool)
        return divergence(teacher, student, everything, self.temperature, self.temperature).mean()

    def _texts(self, step: Step, layer: int) -> Tensor:
        queries, documents = step.vectors(layer)
        return torch.cat([queries, documents[step.mask if documents.ndim == 3 else step.mask.any(0)]])
