"""MTEB's retrieval tasks."""

from __future__ import annotations

from dataclasses import replace

from ir_bench.evaluation.conventions.rules import Convention, ScoringRules
from ir_bench.types import Rules

DEEPEST = 1000  # of its cut-offs: what AP and RR without a cut-off become
DROPS_SELF = frozenset(
    {
        "beir/arguana",
        "beir/fever",
        "beir/fiqa",
        "beir/msmarco",
        "beir/quora",
        "msmarco-passage/dev/small",
        "msmarco-passage/trec-dl-2019/judged",
        "msmarco-passage/trec-dl-2020/judged",
    }
)


def mteb(rules: Rules, dataset: str) -> Convention:
    """The rules of `RetrievalEvaluator.evaluate` with the settings of the dataset's task.

    Whether documents with the query's own id are dropped is an attribute of the task (`ignore_identical_ids`); a
    dataset without a task here keeps them, as MTEB's default does. nDCG, MAP, recall, precision and hit rate are
    pytrec_eval's over judged queries with results, rounded to five digits. MRR is Python's, over the same queries:
    equal float64 scores by descending id, not rounded.
    Source: mteb 2.26, _evaluators/retrieval_metrics.py. Differs: tasks that skip the first result (image retrieval)
    and the capped recall of a few long-memory tasks are left out.
    """
    del rules
    drops = dataset in DROPS_SELF
    common = ScoringRules(drop_self=drops, queries="answered", depth=DEEPEST, digits=5)
    return Convention(
        "MTEB",
        common,
        special={"RR": replace(common, precision="float64", digits=None)},
        kinds=("nDCG", "R", "RR", "AP", "P", "Success"),
        notes=(
            "equal float32 scores are ordered by descending document id; for RR, equal float64 scores",
            "documents with the query's own id are " + ("dropped" if drops else "kept"),
            "judged queries without results leave the mean",
            "grades from 1 up are relevant",
            f"AP and RR without a cut-off stop at rank {DEEPEST}",
            "means are rounded to five digits, but for RR",
        ),
    )
