"""Reciprocal rank fusion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir_bench.errors import InputError
from ir_bench.normalisation import each_query, weights_of
from ir_bench.scoring import require_depth
from ir_bench.types import Run


@dataclass
class ReciprocalRank:
    """score(d) = sum over runs of weight / (k0 + rank of d), ranks from 1; a run without d adds nothing.

    Scores of the runs are not looked at. Raises InputError for k0 below 0 and for weights that do not fit the runs.
    Source: Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning
    methods", SIGIR 2009; k0 = 60 there. Differs: the weights (1 each by default) are ours.
    """

    k0: float = 60
    weights: Mapping[str, float] | None = None

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run:
        require_depth(k)
        if not 0 <= self.k0 < math.inf:
            raise InputError(f"k0 is {self.k0}", "a finite number, 0 or more", "set k0=60")
        queries, weights = each_query(runs), weights_of(runs, self.weights, equal=1.0)
        return Run.of({query: self._fuse(runs, weights, query) for query in queries}, k)

    def _fuse(self, runs: Mapping[str, Run], weights: Mapping[str, float], query: str) -> dict[str, float]:
        parts: dict[str, list[float]] = {}
        for name, run in runs.items():
            documents = run[query].documents if query in run.rankings else ()
            for rank, document in enumerate(documents, 1):
                parts.setdefault(document, []).append(weights[name] / (self.k0 + rank))
        return {document: math.fsum(values) for document, values in parts.items()}  # fsum: the order of runs is nothing
