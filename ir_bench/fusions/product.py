"""Products of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir_bench.errors import InputError
from ir_bench.normalisation import Missing, Normalisation, contributions, each_query
from ir_bench.scoring import require_depth
from ir_bench.types import Run


@dataclass
class Product:
    """score(d) = product over runs of the score of d: high only where every run is.

    A document that a run does not list has there the score 0 (`zero`: only documents that all runs list score more
    than 0) or the lowest of the list (`minimum`). A run without results for a query is left out of its product.
    Raises InputError for a score below 0 after normalisation: an even number of those would make the best score.
    Source: Xu et al., "LaPraDoR: unsupervised pretrained dense retriever for zero-shot text retrieval", Findings of ACL
    2022 (lexicon-enhanced dense retrieval: BM25 times dense similarity).
    """

    normalisation: Normalisation = "none"
    missing: Missing = "zero"

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run:
        require_depth(k)
        fused = {}
        for query in each_query(runs):
            parts = [contributions(run, query, self.normalisation, self.missing) for run in runs.values()]
            parts = [(scores, absent) for scores, absent in parts if scores]
            lowest = min((min(scores.values()) for scores, _ in parts), default=0.0)
            if lowest < 0:
                raise InputError(
                    f"query {query!r} has the score {lowest:g} in one of the runs to multiply",
                    "scores of 0 or more",
                    "set normalisation=min_max",
                )
            documents = dict.fromkeys(d for scores, _ in parts for d in scores)
            fused[query] = {
                # sorted: products in another order differ in the last bit, and the order of runs is nothing
                d: math.prod(sorted(scores.get(d, absent) for scores, absent in parts))
                for d in documents
            }
        return Run.of(fused, k)
