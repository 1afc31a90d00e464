"""Scores of one run under several conventions, and why they differ."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from ir_bench.evaluation.conventions.explain import Difference
from ir_bench.evaluation.conventions.rules import Measure

Values = Mapping[str, Mapping[Measure, float | None]]  # convention -> measure -> mean, None where it has none


def convention_table(values: Values, title: str) -> Table:
    """Rows are measures, columns conventions; a value that is not that of the first convention is bold."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("measure")
    for name in values:
        table.add_column(name.replace("-", "-\n"), justify="right", no_wrap=True)
    for row in _rows(values):
        first = row[1]
        differs = [text not in (first, "–") for text in row[2:]]
        table.add_row(*row[:2], *(f"[bold]{t}[/bold]" if bold else t for t, bold in zip(row[2:], differs, strict=True)))
    return table


def convention_markdown(values: Values) -> str:
    """The same as a Markdown table."""
    lines = [["measure", *values], ["---", *("---:" for _ in values)], *_rows(values)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def convention_csv(values: Values) -> str:
    """The same with all digits, an empty cell where a convention lacks the measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["measure", *values])
    for measure in next(iter(values.values())):
        cells = [by_measure[measure] for by_measure in values.values()]
        writer.writerow([str(measure), *("" if cell is None else repr(cell) for cell in cells)])
    return text.getvalue()


def reasons(differences: Sequence[Difference], compared: Sequence[str]) -> list[str]:
    """The lines of all differences; those which conventions share with the same numbers are written once."""
    named: dict[str, list[str]] = {}
    for difference in differences:
        for line in difference.lines():
            named.setdefault(line.removeprefix(f"{difference.convention} "), []).append(difference.convention)
    lines = [f"{', '.join(names)} {line}" for line, names in named.items()]
    same = [name for name in compared if name not in {d.convention for d in differences}]
    if same:
        lines.append(f"{', '.join(same)}: no difference in any of these measures")
    return lines


def _rows(values: Values) -> list[list[str]]:
    measures = next(iter(values.values()))
    return [[str(m), *("–" if (v := by[m]) is None else f"{v:.4f}" for by in values.values())] for m in measures]
