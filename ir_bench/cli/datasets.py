"""`ir-bench datasets`: what is available here, and the receipt of one dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from ir_bench.cli.compose import options, part

app = typer.Typer(help="Datasets: what is available here, and what is in them.", invoke_without_command=True)


@app.callback(invoke_without_command=True)
def available(context: typer.Context) -> None:
    """List the named datasets: where each was found, or where it comes from."""
    if context.invoked_subcommand is not None:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ir_bench.datasets.available import availability

    table = Table(title="dataset=…", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("dataset", "here", "found in, or comes from"):
        table.add_column(column, overflow="fold")
    for name in options("dataset"):
        if name in ("local", "ir_datasets", "huggingface"):
            table.add_row(name, "", "your own: see `ir-bench run --help`")
            continue
        dataset = availability(name, part("dataset", name))
        table.add_row(name, "yes" if dataset.found else "no", str(dataset.found or dataset.source))
    Console().print(table)


@app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="A name from `ir-bench datasets`.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting: --set split=dev.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the receipt of a dataset: counts, checksums, empty and duplicate documents, dangling judgments.

    Example: `ir-bench datasets check beir/scifact`
    """
    import json as json_module

    from rich.console import Console

    from ir_bench.datasets.receipt import receipt

    source = part("dataset", dataset, [f"it.{setting}" for setting in set_ or []])
    members = source.members.values() if hasattr(source, "members") else [source]
    for member in members:
        found = receipt(member)
        if json:
            print(json_module.dumps(found.as_dict(), indent=1, ensure_ascii=False))
        else:
            Console().print(found.render())
