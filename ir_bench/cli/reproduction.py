"""What `ir-bench reproduce` does for one table or claim: plan, measure, judge, write the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from ir_bench.claims.assessment import assess
from ir_bench.claims.claim import Claim, read_claim
from ir_bench.claims.command import split
from ir_bench.claims.kept import Kept
from ir_bench.claims.paper_table import PaperTable, read_paper_table
from ir_bench.claims.reproduction import commands, reproduce
from ir_bench.claims.verdict import Outcome
from ir_bench.cli import experiments, trainings
from ir_bench.errors import InputError
from ir_bench.evaluation.names import parse
from ir_bench.reports.claim_page import claim_page
from ir_bench.reports.paper_table_page import paper_table_data, paper_table_page, summary
from ir_bench.results import Result, write_json

MEASURED, KEPT, TO_MEASURE, CANNOT_RUN = "measured here", "kept", "to measure", "cannot run"


@dataclass(frozen=True)
class Step:
    """One command of the plan. `reason`: why it cannot run here; seconds and bytes are estimates from kept results."""

    command: str
    state: str
    reason: str = ""
    lacks: experiments.Lack | None = None
    seconds: float | None = None
    disk_bytes: float | None = None
    download_bytes: int | None = None


def one(
    name: str, only: Sequence[str], results: Path, dry_run: bool, render: bool, download: bool, missing: bool = False
) -> int:
    """Returns how many cells failed. `missing`: what has a result is not measured again."""
    item = read(name)
    kept = experiments.kept(results)
    steps = plan(wanted(item, only), kept, download)
    console = Console()
    if not render or dry_run:
        show_plan(console, name, steps, item)
    if dry_run:
        return 0
    failures: dict[str, str] = {}
    if not render:
        states = (TO_MEASURE,) if missing else (TO_MEASURE, KEPT)
        due = [s for s in steps if s.state in states or (s.state == MEASURED and _unscored(s, item, kept))]
        failures = measure(due, item, results)
    page = write(item, experiments.kept(results), results, failures)
    console.print(f"{page}")
    return len(failures)


def read(name: str) -> PaperTable | Claim:
    """Raises InputError for a name that is neither a table nor a claim."""
    tables, claims = experiments.names("tables"), experiments.names("claims")
    if name in tables:
        return read_paper_table(tables[name])
    if name in claims:
        return read_claim(claims[name])
    import difflib

    close = difflib.get_close_matches(name, [*tables, *claims], 3)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise InputError(
        f"there is no table or claim named {name!r}", "a name from `ir-bench reproduce --list`", f"{hint}check the name"
    )


def wanted(item: PaperTable | Claim, only: Sequence[str]) -> list[str]:
    """The commands of a table or claim, once each; with `only`, of the rows, columns or datasets it names."""
    if isinstance(item, Claim):
        pairs = [((split(c)[0].removeprefix("dataset="), ""), c) for c in item.commands()]
    else:
        pairs = [((cell.column, cell.row), c) for cell in item.cells for c in commands(cell)]
        pairs += [((split(c)[0].removeprefix("dataset="), ""), c) for _, c in pairs]
    chosen = [c for keys, c in pairs if not only or any(fnmatchcase(k, p) for k in keys for p in only)]
    if not chosen and only:
        known = dict.fromkeys(k for keys, _ in pairs for k in keys if k)
        raise InputError(f"--only {' '.join(only)} matches nothing", "one of: " + ", ".join(known), "correct it")
    return list(dict.fromkeys(chosen))


def plan(wanted: Sequence[str], kept: Kept, download: bool) -> list[Step]:
    steps = []
    for command in wanted:
        try:
            resolved = experiments.resolve(command)
        except InputError as error:
            steps.append(Step(command, CANNOT_RUN, error.happened))
            continue
        missing = experiments.lack(resolved)
        estimate = _estimate(resolved, kept)
        found = kept.folders(resolved)
        if missing and not (download or found):
            size = experiments.download_bytes(resolved)
            steps.append(Step(resolved, CANNOT_RUN, str(missing), missing, *estimate, size))
        elif missing and not download:
            steps.append(Step(resolved, "kept; cannot run again", str(missing), missing))
        elif found and all((folder / "run.trec.gz").is_file() for folder in found):
            steps.append(Step(resolved, MEASURED))
        else:
            size = experiments.download_bytes(resolved) if missing else None
            steps.append(Step(resolved, KEPT if found else TO_MEASURE, "", missing, *estimate, size))
    return list({step.command: step for step in steps}.values())


def _estimate(command: str, kept: Kept) -> tuple[float | None, float | None]:
    """Seconds and bytes, scaled by documents from what the same retriever took on another dataset."""
    documents = experiments.documents(command)
    rest = split(command)[1:]
    for other, cost in _costs(kept).items():
        if split(other)[1:] == rest and documents and cost["build"].get("documents"):
            share = documents / cost["build"]["documents"]
            seconds = cost["build"]["build_s"] * share + cost["search"]["total_s"]
            return seconds, cost["build"].get("index_bytes", 0) * share or None
    return None, None


def _costs(kept: Kept) -> dict[str, Any]:
    found = {}
    for command, folders in kept.by_command.items():
        if (folders[0] / "cost.json").is_file():
            found[command] = json.loads((folders[0] / "cost.json").read_text(encoding="utf-8"))
    # the longest build first: encodings that were at hand make a build look cheaper than it is
    return dict(sorted(found.items(), key=lambda item: -item[1]["build"].get("build_s", 0)))


def show_plan(console: Console, name: str, steps: Sequence[Step], item: PaperTable | Claim) -> None:
    table = Table(title=f"{name}: {item.title}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("cell", "state"):
        table.add_column(column, overflow="fold")
    for column in ("about", "disk", "download"):
        table.add_column(column, justify="right", no_wrap=True)
    for step in steps:
        if step.state != CANNOT_RUN:
            table.add_row(
                step.command, step.state, _time(step.seconds), _size(step.disk_bytes), _size(step.download_bytes)
            )
    console.print(table if table.row_count else f"{name}: {item.title}: no cell can run here")
    for line in _blocked(steps):
        console.print(line, highlight=False)
    sizes = {split(s.command)[0]: s.download_bytes for s in steps if s.download_bytes}
    if sizes:
        console.print(f"--download would fetch {sum(sizes.values()) / 1e9:,.1f} GB of data, and the weights.")


def _blocked(steps: Sequence[Step]) -> Iterator[str]:
    """One line for each kind of thing that keeps cells from running."""
    blocked: dict[str, dict[str, int]] = {}
    for step in steps:
        if step.state == CANNOT_RUN:
            kind, name = ("", step.reason) if step.lacks is None else (step.lacks.kind, step.lacks.name)
            counts = blocked.setdefault(kind, {})
            counts[name] = counts.get(name, 0) + 1
    for kind, counts in blocked.items():
        what = f"the {kind} of " if kind else ""
        yield f"cannot run: {sum(counts.values())} cells; not here: {what}{', '.join(counts)}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _size(size: float | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def measure(steps: Sequence[Step], item: PaperTable | Claim, results: Path) -> dict[str, str]:
    """Runs the cells; what fails is returned, command -> reason, and the others still run."""
    from ir_bench.cli.run import measure_cell
    from ir_bench.reports.table import line

    failures = {}
    extra = _measures(item)
    for i, step in enumerate(steps, 1):
        try:
            trainings.ensure(step.command)
            result = measure_cell([*split(step.command), *extra], results)
            print(f"[{i}/{len(steps)}] {line(result)}", flush=True)
            _require_kept_as(step.command, result)
        except InputError as error:
            failures[step.command] = error.happened
            print(f"[{i}/{len(steps)}] {step.command}\n  error: {error}", flush=True)
    return failures


def _require_kept_as(command: str, result: Result) -> None:
    """Raises InputError where the result is kept under a command of the same settings, and would not be found."""
    if not (result.folder / "system.yaml").is_file():  # a group of datasets: its members are kept
        return
    kept = yaml.safe_load((result.folder / "system.yaml").read_text(encoding="utf-8"))["command"]
    if kept != command:
        raise InputError(
            f"`{command}` is measured, but kept as `{kept}`, which asks for the same",
            "one way to write a cell, without settings that are the defaults",
            f"write the cell as `{kept}` in experiments/",
        )


def _unscored(step: Step, item: PaperTable | Claim, kept: Kept) -> bool:
    """Whether a result lacks a measure of the table: it is then scored from its run, without a new search."""
    scores = [json.loads((f / "scores.json").read_text(encoding="utf-8")) for f in kept.folders(step.command) or []]
    return any(measure not in each["measures"] for each in scores for measure in _wanted(item))


def _wanted(item: PaperTable | Claim) -> list[str]:
    """The measures always scored, and those of a table or claim that can be scored."""
    from ir_bench.harness import MEASURES

    if isinstance(item, Claim):
        asked = [check.settings["measure"] for check in item.checks if "measure" in check.settings]
    else:
        asked = [measure for cell in item.cells for measure in cell.published]
    known = list(MEASURES)
    for measure in dict.fromkeys(asked):
        try:
            parse(measure)
        except InputError:
            continue
        known += [measure] if measure not in known else []
    return known


def _measures(item: PaperTable | Claim) -> list[str]:
    """The override that adds the measures of a table to those always scored."""
    from ir_bench.harness import MEASURES

    known = _wanted(item)
    return [] if len(known) == len(MEASURES) else ["measures=[" + ",".join(f"'{m}'" for m in known) + "]"]


def write(item: PaperTable | Claim, kept: Kept, results: Path, failures: dict[str, str] | None = None) -> str:
    """Write the page of a table or claim from kept results, and say in one line what it says."""
    failures = failures or {}

    def why_missing(command: str) -> str:
        return failures.get(command) or str(experiments.lack(command) or "not measured yet")

    kept = replace(kept, check=experiments.require_up_to_date)
    if isinstance(item, Claim):
        verdict, assessed = assess(item, kept, experiments.resolve, why_missing)
        page = results / "claims" / f"{item.name}.md"
        if page.is_file() and (lacking := [each.reason for each in assessed if each.needs_run]):
            return f"{page}: left as it is, {_said(page)}; {lacking[0]} here, and measuring the cells again judges anew"
        return _write(page, claim_page(item, verdict, assessed), verdict)
    outcomes = reproduce(item, kept, experiments.resolve, why_missing)
    page = results / "tables" / f"{item.name}.md"
    said = _write(page, paper_table_page(item, outcomes), summary(outcomes))
    write_json(page.with_suffix(".json"), paper_table_data(item, outcomes))
    return said


def _said(page: Path) -> str:
    """The verdict on a claim's page."""
    found = re.search(r"^\*\*(.+?)\*\*: ", page.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "not measured"


def _write(path: Path, text: str, said: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return f"{path}: {said}"


def show_list(results: Path) -> None:
    """Every table and claim with its verdicts, from kept results."""
    kept = experiments.kept(results)
    table = _listing("published tables")
    for column in ("hold", "within\nnoise", "differ", "not meas-\nured"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what")
    for name, path in experiments.names("tables").items():
        item = read_paper_table(path)
        counts = paper_table_data(item, _quick(item, kept))["verdicts"]
        table.add_row(name, *(str(count) if count else "" for count in counts.values()), item.title)
    claims = _listing("claims")
    claims.add_column("verdict", no_wrap=True)
    claims.add_column("what")
    for name, path in experiments.names("claims").items():
        claim = read_claim(path)
        verdict, assessed = assess(claim, kept, experiments.named, lambda command: "")
        page = results / "claims" / f"{name}.md"
        if any(each.needs_run for each in assessed) and page.is_file():
            verdict = _said(page)
        claims.add_row(name, verdict, claim.title)
    console = Console()
    console.print(table, claims)
    console.print("ir-bench reproduce NAME measures one; ir-bench reproduce NAME --dry-run shows what it would do.")


def _listing(title: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("name", no_wrap=True)
    return table


def _quick(item: PaperTable, kept: Kept) -> list[Outcome]:
    # A command that this version cannot run has no result, so whether it can be composed need not be found out.
    return reproduce(item, kept, experiments.named, lambda command: "not measured")
