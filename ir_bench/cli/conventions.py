"""`ir-bench conventions`: one run as five toolkits score it, and why their numbers differ."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ir_bench.cli.compose import part


class Format(StrEnum):
    table = "table"
    markdown = "markdown"
    csv = "csv"


def conventions(
    run: Annotated[Path, typer.Argument(help="A TREC run file, plain or gzip.")],
    dataset: Annotated[str, typer.Option(help="A name from `ir-bench datasets`.")],
    measures: Annotated[
        str | None, typer.Option(help="AP, RR, or nDCG, R, R_cap, RR, AP, P, Success with @k; with commas.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the dataset: --set split=dev.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="csv has all digits, and the values alone.")
    ] = Format.table,
    rules: Annotated[bool, typer.Option("--rules", help="Print the rules of each convention, too.")] = False,
) -> None:
    """Score one run as trec_eval, BEIR, Pyserini, MTEB and sentence-transformers do, and say why they differ.

    Rules are changed one after the other, from ours to theirs: the changes of a measure add up to its difference.

    Example: `ir-bench conventions my.trec.gz --dataset beir/arguana --measures nDCG@10,R@100,AP`
    """
    from rich.console import Console

    from ir_bench.evaluation.conventions.explain import explain
    from ir_bench.evaluation.conventions.known import conventions as known
    from ir_bench.evaluation.conventions.ours import ours
    from ir_bench.evaluation.conventions.read import read_scored
    from ir_bench.evaluation.conventions.rules import DEFAULT, parse_measure
    from ir_bench.evaluation.conventions.score import Scorer
    from ir_bench.reports.convention_table import convention_csv, convention_markdown, convention_table, reasons

    names = [name.strip() for name in measures.split(",")] if measures else DEFAULT
    wanted = list(dict.fromkeys(map(parse_measure, names)))
    scored = read_scored(run)
    data = part("dataset", dataset, [f"it.{setting}" for setting in set_ or []]).load()
    scorer = Scorer(scored, data.qrels)
    base, others = ours(data.rules, dataset), known(data.rules, dataset)
    values = {convention.name: scorer.score(convention, wanted) for convention in (base, *others)}
    if format_ is Format.csv:
        typer.echo(convention_csv(values), nl=False)
        return
    if format_ is Format.markdown:
        typer.echo(convention_markdown(values) + "\n")
    else:
        Console().print(convention_table(values, f"{run.name} on {data.name}"))
    differences = [difference for other in others for difference in explain(scorer, base, other, wanted)]
    bullet = "- " if format_ is Format.markdown else ""
    for line in reasons(differences, [other.name for other in others]):
        typer.echo(bullet + line)
    if data.rules.exclude_self and not any(query in scored[query] for query in scored):
        typer.echo(
            f"{bullet}note: the run holds no document with its query's own id; if they were dropped when it was made "
            "(ir-bench run does so on this dataset), rules that keep them cannot be shown"
        )
    if rules:
        for convention in (base, *others):
            typer.echo(f"\n{bullet}{convention.name}: " + "; ".join(convention.notes))
