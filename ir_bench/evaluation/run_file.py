"""Anybody's run file scored on a dataset, and audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ir_bench.evaluation.audit import audit
from ir_bench.evaluation.measured import Measured
from ir_bench.evaluation.measures import Scores, evaluate
from ir_bench.evaluation.trec import read_run
from ir_bench.fingerprint import fingerprint
from ir_bench.types import Dataset, Run


def score_run_file(path: Path, dataset: Dataset, measures: Sequence[str]) -> tuple[Run, Scores]:
    """The run, without documents that have their query's id where the dataset's rules drop them, and its scores.

    Raises InputError for a file that is no run and AuditFailure when the scores break an identity they must obey.
    """
    run = read_run(path)
    if dataset.rules.exclude_self:
        run = run.without_self()
    scores = evaluate(run, dataset.qrels, measures, dataset.rules)
    audit(run, dataset.qrels, scores, dataset.rules)
    return run, scores


def measured_run_file(path: Path, dataset: Dataset, measures: Sequence[str]) -> Measured:
    """The run file as a system to compare, called after the file. Raises as `score_run_file` does."""
    run, scores = score_run_file(path, dataset, measures)
    queries, judgments = fingerprint(dataset.queries), fingerprint(dataset.qrels)
    return Measured(
        dataset=dataset.name,
        retriever=path.name.removesuffix(".gz").removesuffix(".trec").removesuffix(".txt").removesuffix(".run"),
        per_query=scores.per_query,
        split=dataset.split,
        main_measure=dataset.rules.main_measure,
        system={"queries": queries, "judgments": judgments, "rules": asdict(dataset.rules)},
        run=run,
    )
