"""`ir-bench run`: search datasets with retrievers and score the runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
import typer
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ir_bench.cli.compose import CONF, build, cache_folder, expand, options
from ir_bench.cli.help import page
from ir_bench.errors import InputError
from ir_bench.results import Result

COMMAND: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}
_done: list[Result] = []
_failed: list[str] = []


def run(context: typer.Context) -> None:
    """Search a dataset with a retriever and score the run: `dataset=… retriever=…`; `--help` shows every choice."""
    if not context.args or {"--help", "-h"} & set(context.args):
        print(page())
        return
    sweeps = cache_folder(None) / "sweeps"  # Hydra insists on a folder for its multirun.yaml
    sys.argv = ["ir-bench run", f"hydra.sweep.dir={sweeps}", *_experiment(context.args)]
    _main()
    if len(_done) > 1:
        from rich.console import Console

        from ir_bench.reports.table import comparison

        Console().print(comparison(_done))
    if _failed:
        print(f"{len(_failed)} cells failed:\n" + "\n".join(_failed), file=sys.stderr)
        sys.exit(2)


def _experiment(arguments: list[str]) -> list[str]:
    """Replace `experiment=NAME` by the sweep that its file lists, and short names of parts by full ones."""
    names = [a.split("=", 1)[1] for a in arguments if a.startswith("experiment=")]
    rest = [a for a in arguments if not a.startswith("experiment=")]
    flags = [a for a in rest if a.startswith("-")]
    if not names:
        overrides = [a for a in rest if "=" in a and not a.startswith("-")]
        return [*flags, *(a for a in rest if a not in flags and a not in overrides), *expand(overrides)]
    if names[0] not in options("experiment"):
        raise InputError(f"there is no experiment named {names[0]!r}", "one of: " + ", ".join(options("experiment")))
    cells = yaml.safe_load((CONF / "experiment" / f"{names[0]}.yaml").read_text(encoding="utf-8"))
    for key, group in (("dataset=", "datasets"), ("retriever=", "retrievers")):
        if not any(a.startswith(key) for a in rest):
            rest.append(key + ",".join(cells[group]))
    return rest if {"-m", "--multirun"} & set(flags) else ["--multirun", *rest]


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _main(config: DictConfig) -> None:
    try:
        _done.append(_cell(config))
    except InputError as error:
        if HydraConfig.get().mode is not RunMode.MULTIRUN:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        message = " ".join(HydraConfig.get().overrides.task) + f"\n  {error}"
        print(f"error: {message}", file=sys.stderr)
        _failed.append(message)  # the other cells of a sweep still run


def _cell(config: DictConfig) -> Result:
    from ir_bench.harness import Harness
    from ir_bench.reports.table import line
    from ir_bench.store import Store

    store = Store(cache_folder(config.cache))
    source, retriever = build(config.dataset), build(config.retriever)
    harness = Harness(
        results=Path(config.results),
        store=store,
        k=config.k,
        measures=tuple(config.measures),
        latency_queries=config.latency_queries,
        force=config.force,
    )
    name = HydraConfig.get().runtime.choices["retriever"]
    if hasattr(source, "members"):
        members = {member: part.load() for member, part in source.members.items()}
        result = harness.group(retriever, source.name, members, name)
    else:
        result = harness.cell(retriever, source.load(), name)
    print(line(result))
    return result
