"""CombMNZ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir_bench.normalisation import Normalisation, each_query, gathered
from ir_bench.scoring import require_depth
from ir_bench.types import Run


@dataclass
class CombMNZ:
    """score(d) = sum of the normalised scores of d, times the number of runs that list d.

    Source: Fox and Shaw, "Combination of multiple searches", TREC-2, 1993 (published 1994).
    Differs: there the factor counts scores other than zero, here lists, so that the last document of a list, 0 after
    min-max, counts as found. Scores are normalised first, as in Lee, "Analyses of multiple evidence combination",
    SIGIR 1997.
    """

    normalisation: Normalisation = "min_max"

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run:
        require_depth(k)
        fused = {}
        for query in each_query(runs):
            parts = gathered(runs, query, self.normalisation)
            fused[query] = {document: len(scores) * math.fsum(scores) for document, scores in parts.items()}
        return Run.of(fused, k)
