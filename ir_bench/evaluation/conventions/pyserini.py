"""Pyserini's reproductions: trec_eval with the options of each benchmark."""

from __future__ import annotations

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.evaluation.conventions.trec_eval import KINDS
from ir_bench.types import Rules


def pyserini(rules: Rules, dataset: str) -> Convention:
    """The rules of the commands in pyserini/2cr: `trec_eval -c`, and `-l 2` on TREC Deep Learning.

    Self-hits are dropped at search time (`--remove-query`) in all BEIR sets and nowhere else; queries without results
    count as zero. The relevance threshold is the dataset's own, since `-l` follows the track.
    Source: castorini/pyserini, pyserini/2cr/beir.yaml and msmarco.py.
    """
    beir = dataset.startswith("beir/")
    return Convention(
        "Pyserini",
        ScoringRules(drop_self=beir, threshold=rules.relevance_threshold),
        kinds=KINDS,
        notes=(
            "equal float32 scores are ordered by descending document id",
            "documents with the query's own id are " + ("dropped (--remove-query)" if beir else "kept"),
            "judged queries without results count as zero (-c)",
            f"grades from {rules.relevance_threshold} up are relevant (-l {rules.relevance_threshold})",
        ),
    )
