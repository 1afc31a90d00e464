"""`ir-bench reproduce`: a paper's table or claim, measured as far as this machine can, with verdicts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ir_bench.errors import InputError


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tables and claims: see --list.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this dataset or row (a pattern such as 'beir/*' is fine); repeat for several."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and measure nothing.")] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Measure nothing; write the page from kept results.")
    ] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="Measure only what has no result; kept results stay as they are.")
    ] = False,
    download: Annotated[bool, typer.Option("--download", help="Fetch data and weights that are not here.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Every table and claim, and how it stands.")] = False,
    results: Annotated[Path, typer.Option(help="Where results are kept.")] = Path("results"),
) -> None:
    """Reproduce a paper's table, or check its claim: plan, measure, judge.

    Every cell is measured whose data and weights are on this machine (with --download: whatever can be fetched), unless
    it was measured here before. Then results/tables/NAME.md, or results/claims/NAME.md, says for each published value
    what ours is and whether it holds; what was not measured is listed with the reason.

    Examples:

    `ir-bench reproduce --list`

    `ir-bench reproduce bm25-beir --dry-run`

    `ir-bench reproduce bm25-beir --only beir/scifact`

    `ir-bench reproduce splade-v3-beir --download --only 'beir/*'`

    `ir-bench reproduce flops-weight-trades-terms-for-quality --missing`
    """
    from ir_bench.cli import reproduction

    if list_:
        reproduction.show_list(results)
        return
    if not names:
        raise InputError("no table or claim was named", "ir-bench reproduce NAME…", "see `ir-bench reproduce --list`")
    failed = 0
    for name in names:
        failed += reproduction.one(
            name, only or [], results, dry_run=dry_run, render=render, download=download, missing=missing
        )
    if failed:
        sys.exit(2)
