"""`ir-bench score`: anybody's run file, scored and audited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ir_bench.cli.compose import part


def score(
    runs: Annotated[list[Path], typer.Argument(help="TREC run files, plain or gzip.")],
    dataset: Annotated[str, typer.Option(help="A name from `ir-bench datasets`.")],
    measures: Annotated[
        str | None, typer.Option(help="Names of ir_measures, with commas: nDCG@10,R@100,RR(rel=2)@10.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the dataset: --set split=dev.")] = None,
    per_query: Annotated[
        Path | None, typer.Option(help="Write the scores of each query to this .tsv[.gz] file.")
    ] = None,
) -> None:
    """Score run files on a dataset's judgments.

    Example: `ir-bench score my.trec.gz --dataset msmarco-passage/trec-dl-2019/judged --measures nDCG@10,AP`
    """
    from rich.console import Console

    from ir_bench.errors import InputError
    from ir_bench.evaluation.per_query import write_per_query
    from ir_bench.evaluation.run_file import score_run_file
    from ir_bench.harness import MEASURES
    from ir_bench.reports.table import scores_table

    if per_query is not None and len(runs) > 1:
        raise InputError("--per-query was given with several runs", "one run", "score them one at a time")
    source = part("dataset", dataset, [f"it.{setting}" for setting in set_ or []])
    data = source.load()
    names = [name.strip() for name in re.split(r",(?![^(]*\))", measures)] if measures else list(MEASURES)
    rows = {}
    for path in runs:
        _, scores = score_run_file(path, data, names)
        rows[path.name] = scores
        if per_query is not None:
            write_per_query(scores, per_query)
    Console().print(scores_table(rows, data.name))
