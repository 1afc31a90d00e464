"""`ir-bench export`: results folders in the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ir_bench.evaluation.measured import Measured


class Format(StrEnum):
    trec = "trec"
    msmarco = "msmarco"
    mteb = "mteb"
    ir_metadata = "ir_metadata"
    pyterrier = "pyterrier"
    ranx = "ranx"


def export(
    folders: Annotated[list[Path], typer.Argument(help="Results folders: results/runs/<dataset>/<retriever>-…")],
    format_: Annotated[
        Format,
        typer.Option("--format", help="trec, msmarco: the run; mteb, pyterrier, ranx: scores; ir_metadata: settings."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write; for mteb, the folder.")],
    model: Annotated[str | None, typer.Option(help="mteb: the model as organisation/name.")] = None,
    per_query: Annotated[bool, typer.Option("--per-query", help="ranx: with the values of each query.")] = False,
) -> None:
    """Write results for another tool: runs, MTEB results, ir_metadata, PyTerrier's table, ranx's report.

    Examples: `ir-bench export results/runs/cacm/bm25-* --format pyterrier -o cacm.csv`,
    `ir-bench export results/runs/beir/scifact/bm25-dacadf3188b7 --format mteb -o mteb`
    """
    from ir_bench.errors import InputError
    from ir_bench.evaluation.measured import read_measured

    if format_ in SINGLE and len(folders) > 1:
        raise InputError(f"{len(folders)} folders were given", f"one folder for {format_}", "export them one at a time")
    if format_ is not Format.mteb and not output.absolute().parent.is_dir():
        raise InputError(f"{output.parent} is no folder", "a folder that exists", "make it")
    results = [read_measured(folder) for folder in folders]
    for path in _writer(format_, model, per_query)(results, output):
        typer.echo(str(path))


SINGLE = (Format.trec, Format.msmarco, Format.ir_metadata)
Writer = Callable[[Sequence["Measured"], Path], list[Path]]


def _writer(format_: Format, model: str | None, per_query: bool) -> Writer:
    from ir_bench.reports.exports.ir_metadata import write_ir_metadata
    from ir_bench.reports.exports.mteb import write_mteb
    from ir_bench.reports.exports.runs import write_measured_run
    from ir_bench.reports.exports.tables import write_pyterrier, write_ranx

    def one_file(write: Callable[[Sequence[Measured], Path], None]) -> Writer:
        def written(results: Sequence[Measured], path: Path) -> list[Path]:
            write(results, path)
            return [path]

        return written

    return {
        Format.trec: one_file(lambda results, path: write_measured_run(results[0], path)),
        Format.msmarco: one_file(lambda results, path: write_measured_run(results[0], path, "msmarco")),
        Format.ir_metadata: one_file(lambda results, path: write_ir_metadata(results[0], path)),
        Format.pyterrier: one_file(write_pyterrier),
        Format.ranx: one_file(lambda results, path: write_ranx(results, path, per_query)),
        Format.mteb: lambda results, root: [write_mteb(measured, root, model) for measured in results],
    }[format_]
