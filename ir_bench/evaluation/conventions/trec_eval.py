"""trec_eval without options: the programme whose rules most others begin with."""

from __future__ import annotations

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.types import Rules

KINDS = ("nDCG", "R", "RR", "AP", "P", "Success")


def trec_eval(rules: Rules, dataset: str) -> Convention:
    """The rules of `trec_eval qrels run`, which knows no dataset: neither argument changes them.

    Equal float32 scores are ordered by descending id, whatever the file's order and ranks. A judged query without a
    line in the run leaves the mean (option -c would count it as zero). Grade 1 is relevant (-l sets another). The
    gain of nDCG is the grade. RR@k is `-M k -m recip_rank`.
    Source: trec_eval 9 (usnistgov/trec_eval). Differs: means are not rounded to the four digits that it prints.
    """
    del rules, dataset
    return Convention(
        "trec_eval",
        ScoringRules(queries="answered"),
        kinds=KINDS,
        notes=(
            "equal float32 scores are ordered by descending document id",
            "documents with the query's own id stay",
            "judged queries without results leave the mean",
            "grades from 1 up are relevant",
        ),
    )
