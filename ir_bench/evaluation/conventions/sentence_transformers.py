"""sentence-transformers' `InformationRetrievalEvaluator`."""

from __future__ import annotations

from dataclasses import replace

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.types import Rules

AP_DEPTH, RR_DEPTH = 100, 10  # its defaults, where no cut-off is named


def sentence_transformers(rules: Rules, dataset: str) -> Convention:
    """The rules of `compute_metrics`, the same for every dataset.

    Relevance is a set of ids (grades from 1 up, as its NanoBEIR evaluator makes it), so the gain of nDCG is 0 or 1.
    Equal scores are ordered by ascending id, nothing is dropped, and every query with a relevant document counts. AP
    is cut at 100 and divided by min(relevant, cut-off).
    Source: sentence-transformers 6.2, sentence_transformer/evaluation/information_retrieval.py.
    """
    del rules, dataset
    common = ScoringRules(precision="float64", order="ascending", queries="relevant", graded=False)
    return Convention(
        "sentence-transformers",
        common,
        special={
            "AP": replace(common, depth=AP_DEPTH, capped=True),
            "RR": replace(common, depth=RR_DEPTH),
        },
        kinds=("nDCG", "R", "RR", "AP", "P", "Success"),
        notes=(
            "equal scores are ordered by ascending document id",
            "documents with the query's own id stay",
            "queries without a relevant document leave the mean; those without results count as zero",
            "grades from 1 up are relevant, and all have the gain 1",
            f"AP stops at rank {AP_DEPTH} and is divided by min(relevant, cut-off); RR stops at rank {RR_DEPTH}",
        ),
    )
