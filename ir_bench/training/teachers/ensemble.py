"""Several teachers as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.normalisation import Normalisation, normalise, weights_of
from ir_bench.protocols import Teacher
from ir_bench.store import Store
from ir_bench.training.examples import Examples, TrainingText, spread


@dataclass
class Ensemble:
    """The weighted mean of the teachers' scores, each normalised over all candidates that a query has in the examples,
    times `scale` [examples, 1 + negatives].

    Give it all examples at once: over two candidates min-max is always 0 and 1. Weights are equal by default.
    Raises InputError for no teachers and for weights that do not fit them.
    Source: Geng et al. 2024, "Towards Competitive Search Relevance For Inference-Free Learned Sparse Retrievers",
    section 3.3 (min-max, mean, scale 30).
    """

    teachers: Mapping[str, Teacher]
    normalisation: Normalisation = "min_max"
    weights: Mapping[str, float] | None = None
    scale: float = 1.0

    def start(self, text: TrainingText, store: Store) -> None:
        if not self.teachers:
            raise InputError("Ensemble has no teachers", "at least one", "name them: teachers: {bm25: …, dense: …}")
        for teacher in self.teachers.values():
            teacher.start(text, store)

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        queries, _, at = examples.candidates()
        weights = weights_of(self.teachers, self.weights, equal=1.0)
        total = sum(weights.values())
        if not total > 0:
            raise InputError(f"the teachers' weights sum to {total}", "more than 0", "raise one of them")
        bounds = np.flatnonzero(np.diff(queries, prepend=-1, append=-1))
        mixed = np.zeros(len(queries))
        for name, teacher in self.teachers.items():
            flat = np.empty(len(queries))
            flat[at[at >= 0]] = teacher.scores(examples)[at >= 0]
            for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
                flat[start:stop] = normalise(flat[start:stop], self.normalisation)
            mixed += weights[name] / total * flat
        return spread(self.scale * mixed, at)
