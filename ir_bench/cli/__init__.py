"""The command line: the only code that imports Hydra. Configuration becomes objects, objects are called."""

from __future__ import annotations

import os
import sys

import typer

from ir_bench.cli import (
    bench,
    compare,
    conventions,
    datasets,
    explain,
    export,
    imports,
    report,
    reproduce,
    run,
    score,
    train,
)
from ir_bench.errors import InputError

app = typer.Typer(
    name="ir-bench",
    help="Run, score and compare retrievers: BM25, bi-encoders and more under one harness.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("run", **run.COMMAND)(run.run)
app.command("train", **train.COMMAND)(train.train)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("conventions")(conventions.conventions)
app.command("reproduce")(reproduce.reproduce)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("import")(imports.import_)
app.add_typer(datasets.app, name="datasets")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; a user's mistake ends with its message and exit status 2, without a stack trace."""
    # Fork-happy tokenizers and Hugging Face's own bars would print between our lines.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; finished work is kept, run the same command to continue", file=sys.stderr)
        sys.exit(130)
