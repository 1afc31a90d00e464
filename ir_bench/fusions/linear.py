"""Weighted sums of normalised scores."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ir_bench.errors import InputError
from ir_bench.normalisation import Missing, Normalisation, contributions, each_query, weights_of
from ir_bench.scoring import require_depth
from ir_bench.types import Run


@dataclass
class Linear:
    """score(d) = sum over runs of weight * normalised score of d, weights equal and summing to one by default.

    A document that a run does not list has there the score 0 (`zero`) or the lowest of the list (`minimum`), on the
    normalised scale. `lowest` names, for `min_max`, the lowest score that a run's system can give at all (0 for BM25,
    -1 for a cosine): the theoretical min-max, which does not depend on what happened to be retrieved.
    Raises InputError for weights or `lowest` that do not fit the runs.
    Source: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", ACM TOIS 42(1), 2023 (convex
    combination and theoretical min-max); `missing=minimum` as in Lin, Yang and Lin, "Distilling dense representations
    for ranking using tightly-coupled teachers", 2020.
    """

    weights: Mapping[str, float] | None = None
    normalisation: Normalisation = "min_max"
    missing: Missing = "zero"
    lowest: Mapping[str, float] | None = None

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run:
        require_depth(k)
        queries, weights = each_query(runs), self._weights(runs)
        lowest = self.lowest or {}
        if lowest and self.normalisation != "min_max":
            raise InputError("lowest scores are stated", "normalisation=min_max, the only one to use them", "drop them")
        for name in lowest.keys() - runs.keys():
            raise InputError(f"a lowest score is stated for {name!r}", f"runs: {', '.join(runs)}", "correct its name")
        fused = {}
        for query in queries:
            parts = {
                name: contributions(run, query, self.normalisation, self.missing, lowest.get(name))
                for name, run in runs.items()
            }
            documents = dict.fromkeys(d for scores, _ in parts.values() for d in scores)
            fused[query] = {
                d: math.fsum(weights[name] * scores.get(d, absent) for name, (scores, absent) in parts.items())
                for d in documents
            }
        return Run.of(fused, k)

    def factors(self, names: Iterable[str]) -> dict[str, float] | None:
        """The weights of these runs; None where their scores are normalised first."""
        return self._weights(list(names)) if self.normalisation == "none" else None

    def _weights(self, names: Collection[str]) -> dict[str, float]:
        return weights_of(names, self.weights, equal=1 / max(len(names), 1))
