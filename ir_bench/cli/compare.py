"""`ir-bench compare`: systems side by side, with tests, intervals and the queries on which they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ir_bench.cli.compose import part
from ir_bench.errors import InputError

if TYPE_CHECKING:
    from ir_bench.evaluation.measured import Measured
    from ir_bench.reports.comparison.model import Gap
    from ir_bench.types import Dataset


class Format(StrEnum):
    table = "table"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"


def compare(
    systems: Annotated[
        list[str],
        typer.Argument(help="Results folders (or one above several), run files, settings.", metavar="A B C…"),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Test each system against this one only: its name, or A as it was given.")
    ] = None,
    measures: Annotated[
        str | None, typer.Option(help="With commas; the main measure of the datasets and R@100 unless given.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="What run files are scored on: see `ir-bench datasets`.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of it: --set split=dev.")] = None,
    margin: Annotated[float, typer.Option(help="Differences within ± this are equivalent.")] = 0.01,
    alpha: Annotated[float, typer.Option(help="Level of the tests, after correction.")] = 0.05,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the bootstrap and the randomisation test.")] = 0,
    queries: Annotated[int, typer.Option(help="How many of the queries that differ most to show.")] = 20,
    format_: Annotated[Format, typer.Option("--format", help="The queries are in table and markdown.")] = Format.table,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    results: Annotated[Path, typer.Option(help="Where the results of settings are kept.")] = Path("results"),
) -> None:
    """Compare systems on the same queries: means with intervals, paired tests, effect sizes, wins and losses.

    A randomisation test and a t test for each pair, with Holm's correction over everything that is shown; the smallest
    difference that could have been detected; a test of equivalence; over several datasets the averages that papers
    print (refused where a dataset is missing) and intervals of ranks; the queries that differ most.

    Examples:

    `ir-bench compare dataset=beir/scifact retriever=bm25,minilm,hybrid --baseline bm25`

    `ir-bench compare results/runs/cacm/bm25-* results/runs/cacm/hybrid-* --format latex -o table.tex`

    `ir-bench compare mine.trec.gz theirs.trec.gz --dataset beir/scifact --measures nDCG@10,RR@10`
    """
    from rich.console import Console

    from ir_bench.cli.systems import named_systems
    from ir_bench.reports.comparison.compare import compare as compared
    from ir_bench.reports.comparison.csv import csv
    from ir_bench.reports.comparison.hardest import hardest_differences, pair_of_interest
    from ir_bench.reports.comparison.latex import latex
    from ir_bench.reports.comparison.markdown import markdown
    from ir_bench.reports.comparison.terminal import terminal

    data = None if dataset is None else part("dataset", dataset, [f"it.{setting}" for setting in set_ or []]).load()
    asked = [name.strip() for name in re.split(r",(?![^(]*\))", measures)] if measures else []
    usual = [data.rules.main_measure if data else "nDCG@10", "R@100"]
    named = named_systems(systems, data, asked or list(dict.fromkeys(usual)), results)
    measured = [each for found in named.values() for each in found]
    shown = asked or list(dict.fromkeys([*(each.main_measure for each in measured), "R@100"]))
    comparison = compared(measured, shown, _label(baseline, named), level, alpha, margin, seed)
    gaps: list[Gap] = []
    if format_ in (Format.table, Format.markdown) and queries > 0:
        pair = pair_of_interest(comparison, shown[0])
        gaps = hardest_differences(measured, pair, shown[0], queries)
        for each in _datasets(measured, gaps, data):
            gaps = _with_texts(gaps, each)
    if format_ is Format.table:
        _print(Console, terminal(comparison, gaps), output)
        return
    text = {
        Format.markdown: lambda: markdown(comparison, gaps),
        Format.latex: lambda: latex(comparison),
        Format.csv: lambda: csv(comparison),
    }[format_]()
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        typer.echo(str(output), err=True)


def _label(baseline: str | None, named: Mapping[str, Sequence[Measured]]) -> str | None:
    """The name of the baseline's system, which the user may have given as a file, a folder or settings."""
    from ir_bench.reports.comparison.systems import systems

    if baseline is None or baseline not in named:
        return baseline
    wanted = named[baseline]
    labels = [
        label
        for label, cells in systems([m for found in named.values() for m in found]).items()
        if any(cell is m for cell in cells.values() for m in wanted)
    ]
    if len(labels) != 1:
        raise InputError(
            f"--baseline {baseline} names {len(labels)} systems: {', '.join(labels)}", "one system", "name one of them"
        )
    return labels[0]


def _datasets(measured: Sequence[Measured], gaps: Sequence[Gap], given: Dataset | None) -> Iterable[Dataset]:
    """The datasets of the queries shown, as far as they are on this machine."""
    for name in dict.fromkeys(gap.dataset for gap in gaps):
        if given is not None and given.name == name:
            yield given
            continue
        command = next(each.command for each in measured if each.dataset == name)
        found = _here(name, command)
        if found is not None:
            yield found


def _here(name: str, command: str) -> Dataset | None:
    from ir_bench.claims.command import split

    own = [o.replace("dataset.", "it.", 1) for o in split(command) if o.startswith("dataset.")]
    try:
        source: Any = part("dataset", name, own)
        return source.load() if source.locate() is not None else None
    except (InputError, AttributeError):  # texts are a help; without them the comparison stands
        return None


def _with_texts(gaps: Sequence[Gap], dataset: Dataset) -> list[Gap]:
    from ir_bench.reports.comparison.hardest import with_texts

    return with_texts(gaps, dataset)


def _print(console: Any, content: Any, output: Path | None) -> None:
    if output is None:
        console().print(content)
        return
    with open(output, "w", encoding="utf-8") as stream:
        console(file=stream, width=160).print(content)
    typer.echo(str(output), err=True)
