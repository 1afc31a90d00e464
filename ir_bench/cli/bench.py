"""`ir-bench bench`: speed as a ratio to peers in the same run, at equal quality."""

from __future__ import annotations

import typer

app = typer.Typer(help="Speed against peers, measured in the same run at equal quality.", no_args_is_help=True)
