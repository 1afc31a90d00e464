"""A paper's table against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ir_bench.claims.kept import Kept
from ir_bench.claims.paper_table import Cell, PaperTable
from ir_bench.claims.resampled import interval
from ir_bench.claims.values import values
from ir_bench.claims.verdict import NOT_MEASURED, Outcome, verdict
from ir_bench.errors import InputError
from ir_bench.evaluation.averages import members
from ir_bench.evaluation.measured import Measured, StaleResult

LEVEL = 0.95
Resolve = Callable[[str], str]
WhyMissing = Callable[[str], str]


def reproduce(table: PaperTable, kept: Kept, resolve: Resolve, why_missing: WhyMissing) -> list[Outcome]:
    """Every published value with ours and the verdict.

    `resolve` gives the canonical form of a command, and raises InputError for one that this version cannot run;
    `why_missing` says why a command that could run was not measured. A typed average is ours only when all its
    datasets were measured. Raises StaleResult for a results folder that is not of one piece.
    """
    return [outcome for cell in table.cells for outcome in _cell(table, cell, kept, resolve, why_missing)]


def commands(cell: Cell) -> list[str]:
    """The commands that measure a cell: one, one for each dataset of an average, or none."""
    if cell.command is None:
        return []
    if cell.average is None:
        return [cell.command]
    return [f"dataset={d} {cell.exceptions.get(d, cell.command)}" for d in members(cell.average)]


def _cell(table: PaperTable, cell: Cell, kept: Kept, resolve: Resolve, why_missing: WhyMissing) -> Iterator[Outcome]:
    reason, measured, shown = cell.reason, [], None
    if not reason:
        try:
            resolved = [resolve(command) for command in commands(cell)]
            shown = resolved[0] if len(resolved) == 1 else None
            found = {command: kept.find(command) for command in resolved}
            missing = [command for command, results in found.items() if results is None]
            if missing and cell.average:
                names = ", ".join(command.split()[0].removeprefix("dataset=") for command in missing)
                reason = f"the average is not complete: {len(missing)} of {len(resolved)} are missing: {names}"
            elif missing:
                reason = why_missing(missing[0])
            measured = [results for results in found.values() if results is not None]
        except StaleResult:
            raise
        except InputError as error:
            reason = error.happened
    for measure, published in cell.published.items():
        entry = Outcome(
            cell.row, cell.column, measure, published, table.decimals(measure), NOT_MEASURED,
            command=shown, model=cell.model, reason=reason,
        )  # fmt: skip
        yield entry if reason else _judged(entry, measured, table)


def _judged(entry: Outcome, datasets: Sequence[Sequence[Measured]], table: PaperTable) -> Outcome:
    try:
        groups = [[values(part, entry.measure) for part in parts] for parts in datasets]
    except InputError as error:
        return replace(entry, reason=error.happened)
    flat = [part[:, None] for parts in groups for part in parts]
    weights = [1 / len(groups) / len(parts) for parts in groups for _ in parts]  # of groups first, then of members
    ours, low, high = interval(flat, lambda means: means[:, 0], LEVEL, seed=0, weights=weights)
    return replace(
        entry,
        ours=round(ours, 6),
        low=round(low, 6),
        high=round(high, 6),
        queries=sum(map(len, flat)),
        verdict=verdict(entry.published, ours, low, high, entry.decimals, table.tolerance),
    )
