"""`ir-bench run`: search datasets with retrievers and score the runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
import typer
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from ir_bench.cli.compose import CONF, build, cache_folder, canonical, chosen, compose, expand, options
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
    sys.argv = ["ir-bench run", *_hydra_arguments(context.args)]
    _main()
    if len(_done) > 1:
        from rich.console import Console

        from ir_bench.reports.table import comparison

        Console().print(comparison(_done))
    if _failed:
        print(f"{len(_failed)} cells failed:\n" + "\n".join(_failed), file=sys.stderr)
        sys.exit(2)


def _hydra_arguments(arguments: list[str]) -> list[str]:
    """What Hydra is given: options first, then overrides with parts named in full, and `experiment=NAME` replaced by
    the sweep that its file lists."""
    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a[0] in "+~")]
    flags = [a for a in arguments if a not in overrides]
    names = [o.split("=", 1)[1] for o in overrides if o.startswith("experiment=")]
    overrides = [o for o in overrides if not o.startswith("experiment=")]
    if names:
        if names[0] not in options("experiment"):
            known = ", ".join(options("experiment"))
            raise InputError(f"there is no experiment named {names[0]!r}", f"one of: {known}", "check the spelling")
        cells = yaml.safe_load((CONF / "experiment" / f"{names[0]}.yaml").read_text(encoding="utf-8"))
        for key, group in (("dataset=", "datasets"), ("retriever=", "retrievers")):
            if not any(o.startswith(key) for o in overrides):
                overrides.append(key + ",".join(cells[group]))
        if not {"-m", "--multirun"} & set(flags):
            flags.append("--multirun")
    # Hydra insists on a folder for the multirun.yaml of a sweep.
    sweeps = str(cache_folder(None) / "sweeps").replace("'", "\\'")
    expanded = expand(overrides)
    if any(o.startswith("retriever=") and "," in o for o in expanded):
        expanded = [_swept(override) for override in expanded]
    return [*flags, *expanded, f"hydra.sweep.dir='{sweeps}'"]


def _swept(override: str) -> str:
    """A setting of the retriever's parts as a sweep over one value: Hydra looks for the parts of what is not swept
    before it has chosen any of several retrievers."""
    key, _, value = override.partition("=")
    inside = key.lstrip("+").startswith("retriever.") or "@retriever." in key
    if not inside or not value or OverridesParser.create().parse_override(override).is_sweep_override():
        return override
    return f"{key}=choice({value})"


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _main(config: DictConfig) -> None:
    from ir_bench.reports.table import line

    try:
        hydra_config = HydraConfig.get()
        result = cell(config, hydra_config.runtime.choices["retriever"], list(hydra_config.overrides.task))
        print(line(result))
        _done.append(result)
    except InputError as error:
        if HydraConfig.get().mode is not RunMode.MULTIRUN:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        message = " ".join(HydraConfig.get().overrides.task) + f"\n  {error}"
        print(f"error: {message}", file=sys.stderr)
        _failed.append(message)  # the other cells of a sweep still run


def measure_cell(overrides: Sequence[str], results: Path, cache: str | None = None, force: bool = False) -> Result:
    """The result of one cell, measured now unless it was finished before: `["dataset=beir/scifact", "retriever=bm25"]`.

    Raises InputError for a cell that cannot be composed or run.
    """
    expanded = expand(overrides)
    config = compose([*expanded, f"force={str(force).lower()}"])
    config.results, config.cache = str(results), cache
    return cell(config, chosen(expanded, "retriever"), expanded)


def cell(config: DictConfig, name: str, overrides: Sequence[str]) -> Result:
    """Build what the configuration says and measure it; `overrides` are kept as the command that makes it again."""
    from ir_bench.harness import Harness
    from ir_bench.store import Store

    store = Store(cache_folder(config.cache))
    source, retriever = build(config.dataset), build(config.retriever, ("retriever", name))
    harness = Harness(
        results=Path(config.results),
        store=store,
        k=config.k,
        measures=tuple(config.measures),
        latency_queries=config.latency_queries,
        force=config.force,
    )
    if hasattr(source, "members"):
        members = {member: part.load() for member, part in source.members.items()}
        rest = [o for o in overrides if not o.startswith("dataset=")]
        commands = {m: canonical([f"dataset={data.name}", *rest]) for m, data in members.items()}
        return harness.group(retriever, source.name, members, name, commands)
    return harness.cell(retriever, source.load(), name, canonical(overrides))
