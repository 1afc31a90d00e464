"""A reproduced table's page in Markdown, and the same as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ir_bench.claims.command import in_shell
from ir_bench.claims.paper_table import PaperTable
from ir_bench.claims.verdict import NOT_MEASURED, RULE, VERDICTS, Outcome
from ir_bench.reports.citation import citation


def paper_table_page(table: PaperTable, outcomes: Sequence[Outcome]) -> str:
    """What was published, ours, the difference and the verdict; then what was not measured and why."""
    measured = [o for o in outcomes if o.verdict != NOT_MEASURED]
    lines = [f"# {table.title}", "", f"{summary(outcomes)} of {len(outcomes)} published values."]
    if table.paper:
        lines += ["", f"Paper: {citation(table.paper)}."]
    lines += ["", "Published values:", ""]
    lines += [f"- {', '.join(s.measures)}: {s.place} ({s.kind}, {s.decimals} decimals)" for s in table.sources]
    lines += ["", f"{RULE} Engine tolerance: {table.tolerance:g}. {table.tolerance_reason}"]
    lines += ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    if measured:
        lines += [
            "",
            "## Measured",
            "",
            "| row | dataset | measure | published | ours | 95 % interval | difference | verdict |",
        ]
        lines += ["|---|---|---|---:|---:|---|---:|---|", *map(_row, measured)]
        commands = dict.fromkeys(
            f"{o.row} × {o.column}: `ir-bench run {in_shell(o.command)}`" for o in measured if o.command
        )
        lines += ["", "Each cell by itself:", "", *(f"- {command}" for command in commands)]
    if missing := not_measured(outcomes):
        lines += ["", "## Not measured", ""]
        for reason, rows in missing.items():
            cells = "; ".join(f"{row} ({', '.join(columns)})" for row, columns in rows.items())
            lines.append(f"- {reason}: {cells}")
    lines += ["", f"Measure and render again: `ir-bench reproduce {table.name}`", ""]
    return "\n".join(lines)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many hold, differ and so on, in words."""
    counts = Counter(o.verdict for o in outcomes)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)


def not_measured(outcomes: Sequence[Outcome]) -> dict[str, dict[str, list[str]]]:
    """Reason -> row -> columns."""
    found: dict[str, dict[str, list[str]]] = {}
    for o in outcomes:
        if o.verdict == NOT_MEASURED:
            columns = found.setdefault(o.reason, {}).setdefault(o.row, [])
            if o.column not in columns:
                columns.append(o.column)
    return found


def paper_table_data(table: PaperTable, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The page as data: verdict counts, measured values, and the reasons for the others."""
    counts = Counter(o.verdict for o in outcomes)
    measured = [_measured(o) for o in outcomes if o.verdict != NOT_MEASURED]
    return {
        "table": table.name,
        "values": len(outcomes),
        "verdicts": {verdict: counts[verdict] for verdict in VERDICTS},
        "measured": measured,
        "not_measured": not_measured(outcomes),
    }


def _measured(o: Outcome) -> Mapping[str, Any]:
    return {
        "row": o.row, "column": o.column, "measure": o.measure, "published": o.published, "decimals": o.decimals,
        "ours": o.ours, "interval": [o.low, o.high], "queries": o.queries, "verdict": o.verdict, "command": o.command,
    }  # fmt: skip


def _row(o: Outcome) -> str:
    digits = max(o.decimals, 4)
    assert o.difference is not None  # it was measured
    difference = round(o.difference, digits) + 0.0  # no "-0.0000"
    return (
        f"| {o.row} | {o.column} | {o.measure} | {o.published:.{o.decimals}f} | {o.ours:.{digits}f} "
        f"| [{o.low:.4f}, {o.high:.4f}] | {difference:+.{digits}f} | {o.verdict} |"
    )
