"""The rules of this package: trec_eval -c with what the dataset says."""

from __future__ import annotations

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.types import Rules


def ours(rules: Rules, dataset: str) -> Convention:
    """What `ir_bench.evaluation.measures.evaluate` computes from a run file under the dataset's rules.

    Differs: capped recall, which is no measure of ours, is given for comparison.
    """
    del dataset
    return Convention(
        "ir_bench",
        ScoringRules(drop_self=rules.exclude_self, threshold=rules.relevance_threshold),
        notes=(
            "equal float32 scores are ordered by descending document id",
            "documents with the query's own id are " + ("dropped" if rules.exclude_self else "kept"),
            "judged queries without results count as zero",
            f"grades from {rules.relevance_threshold} up are relevant",
        ),
    )
