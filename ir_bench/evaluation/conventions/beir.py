"""BEIR's own evaluator, `EvaluateRetrieval`."""

from __future__ import annotations

from dataclasses import replace

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.types import Rules

DEEPEST = 1000  # of its default cut-offs: what AP and RR without a cut-off become


def beir(rules: Rules, dataset: str) -> Convention:
    """The rules of `evaluate` followed by `evaluate_custom`, the same for every dataset.

    `evaluate` drops documents with the query's own id, in every set and for good, so that `evaluate_custom` does not
    see them either. nDCG, MAP, recall and precision are pytrec_eval's over judged queries with results. RR, capped
    recall and accuracy are Python's: equal float64 scores stay in the order of the run, queries without results
    count as zero. There is no average precision over the whole ranking: it stops at rank 1000. Means have five
    digits. Capped recall divides by min(relevant, k), which fails for a query without a relevant document.
    Source: beir 2.2.0, beir/retrieval/evaluation.py and custom_metrics.py.
    """
    del rules, dataset
    common = ScoringRules(drop_self=True, queries="answered", depth=DEEPEST, digits=5)
    custom = replace(common, queries="judged", precision="float64", order="file")
    return Convention(
        "BEIR",
        common,
        special={"RR": custom, "R_cap": custom, "Success": custom},
        notes=(
            "equal float32 scores are ordered by descending document id; for RR, R_cap and Success as in the file",
            "documents with the query's own id are dropped",
            "judged queries without results leave the mean; for RR, R_cap and Success they count as zero",
            "grades from 1 up are relevant",
            f"AP and RR without a cut-off stop at rank {DEEPEST}",
            "means are rounded to five digits",
        ),
    )
