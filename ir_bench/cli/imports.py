"""`ir-bench import`: scores that other tools wrote, under our names of measures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    mteb = "mteb"
    pyterrier = "pyterrier"
    ranx = "ranx"


def import_(
    file: Annotated[Path, typer.Argument(help="A task's JSON of MTEB, a table of PyTerrier, a report of ranx.")],
    format_: Annotated[Format, typer.Option("--format", help="Who wrote it.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write a .json file instead.")] = None,
) -> None:
    """Show the scores of another tool with our names of measures.

    Example: `ir-bench import SciFact.json --format mteb`
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ir_bench.reports.exports.mteb import read_mteb
    from ir_bench.reports.exports.tables import read_pyterrier, read_ranx
    from ir_bench.results import write_json

    readers = {Format.mteb: read_mteb, Format.pyterrier: read_pyterrier, Format.ranx: read_ranx}
    means = readers[format_](file)
    if output is not None:
        write_json(output, means)
        typer.echo(str(output))
        return
    table = Table(title=file.name, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("measure")
    for name in means:
        table.add_column(name, justify="right", overflow="fold")
    for measure in dict.fromkeys(measure for by_measure in means.values() for measure in by_measure):
        cells = [by_measure.get(measure) for by_measure in means.values()]
        table.add_row(measure, *("–" if cell is None else f"{cell:.4f}" for cell in cells))
    Console().print(table)
