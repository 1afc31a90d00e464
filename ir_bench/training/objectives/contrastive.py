"""Softmax cross-entropy of each positive against the negatives (InfoNCE)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import Parameter, functional

from ir_bench.training.masked import divided, filled
from ir_bench.training.step import Step, require_contrast


@dataclass
class Contrastive:
    """-log(exp(s+/τ) / (exp(s+/τ) + Σ_negatives exp(s/τ))), averaged over a query's positives, then over the queries.

    A query's other positives are not in the denominator. `symmetric` adds the same from each positive document to the
    queries and halves the sum: a column of scores must then be the same document for every query. A learned τ is one
    parameter, its logarithm, that starts at `temperature` and is held within the bounds.
    Raises InputError for a query without a positive and a batch without a negative.
    Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding", 2018, equation
    4; in-batch as in Karpukhin et al., "Dense passage retrieval", 2020, equation 2; the learned, bounded τ and the
    symmetric form: Radford et al., "Learning transferable visual models from natural language supervision", 2021.
    """

    temperature: float = 0.05
    learned: bool = False
    minimum: float = 0.01
    maximum: float = 1.0
    symmetric: bool = False
    _log_temperature: Parameter | None = field(init=False, repr=False, compare=False, default=None)

    def parameters(self) -> dict[str, Parameter]:
        """The logarithm of a learned temperature, made once."""
        if not self.learned:
            return {}
        if self._log_temperature is None:
            self._log_temperature = Parameter(torch.tensor(math.log(self.temperature)))
        return {"log_temperature": self._log_temperature}

    def __call__(self, step: Step) -> Tensor:
        require_contrast(step)
        temperature = self._temperature()
        scores = divided(step.scores, step.mask, temperature)
        value = step.mean(_direction(scores, step.positives, step.negatives))
        if not self.symmetric:
            return value
        used = step.positives.any(0)  # a mined negative is no query's positive: it has nothing to find
        scores, positives, negatives = scores.T[used], step.positives.T[used], step.negatives.T[used]
        require_contrast(Step(scores, positives.int(), positives | negatives))
        # a document counts as much as the first query that it answers
        return (value + step.mean(_direction(scores, positives, negatives), positives.int().argmax(1))) / 2

    def _temperature(self) -> float | Tensor:
        if not self.learned:
            return self.temperature
        parameter = self.parameters()["log_temperature"]
        with torch.no_grad():  # in place, as in CLIP: clamping its use would end the gradient at the bound for good
            parameter.clamp_(math.log(self.minimum), math.log(self.maximum))
        return parameter.exp()


def _direction(scores: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Each row's mean over its positives [rows]; all [rows, columns]."""
    rows, columns = positives.nonzero(as_tuple=True)
    against = torch.logsumexp(filled(scores, negatives), 1)
    losses = -functional.logsigmoid(scores[rows, columns] - against[rows])  # log(1 + exp(against - s+))
    return torch.zeros_like(scores[:, 0]).index_add(0, rows, losses / positives.sum(1)[rows])
