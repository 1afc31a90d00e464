"""A table of a paper as data: published values, and the cell of ir_bench that reproduces each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ir_bench.errors import InputError

_KEYS = {
    "title", "paper", "sources", "tolerance", "tolerance_reason", "notes", "columns", "rows",
}  # fmt: skip
_NEEDED = {"title", "sources", "tolerance", "tolerance_reason", "columns", "rows"}
_ROW_KEYS = {"cell", "model", "note", "reason", "cells", "published", "figures"}


@dataclass(frozen=True)
class Source:
    """Where values were read. `decimals`: digits after the point of the fraction as printed; `kind`: primary (the
    authors' own) or secondary (others reporting it)."""

    reference: str
    measures: tuple[str, ...]
    kind: str
    decimals: int
    place: str


@dataclass(frozen=True)
class Cell:
    """One row under one column: published values by measure, and the command that measures it.

    `average` names a typed average over datasets instead, each measured with `command`, or with the row's own command
    for a dataset in `exceptions`; `reason` says why there is no command.
    """

    row: str
    column: str
    published: Mapping[str, float]
    command: str | None = None
    average: str | None = None
    reason: str = ""
    model: str = ""
    exceptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperTable:
    """One file of experiments/tables."""

    name: str
    title: str
    paper: Mapping[str, Any]
    sources: tuple[Source, ...]
    tolerance: float
    tolerance_reason: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Any]]
    cells: tuple[Cell, ...]

    def decimals(self, measure: str) -> int:
        """Digits printed for a measure; of two sources the one that printed fewer."""
        found = [s.decimals for s in self.sources if measure in s.measures]
        return min(found or [s.decimals for s in self.sources])


def read_paper_table(path: Path) -> PaperTable:
    """Raises InputError, with file and place, for anything that is not of the stated form."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {error}", "a YAML file as experiments/README.md describes") from None
    if not isinstance(content, Mapping) or set(content) - _KEYS or _NEEDED - set(content):
        found = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{path} has the keys {found}", ", ".join(sorted(_KEYS)), "see experiments/README.md")
    columns, rows = content["columns"], content["rows"]
    for label, where in columns.items():
        instead = {"average", "reason"} & set(where) if isinstance(where, Mapping) else set()
        if not isinstance(where, str) and len(instead) != 1:
            raise InputError(f"{path}: the column {label!r} is {where!r}", "dataset=…, {average: …} or {reason: …}")
    return PaperTable(
        name=path.stem,
        title=content["title"],
        paper=content.get("paper", {}),
        sources=tuple(_source(path, entry) for entry in content["sources"]),
        tolerance=float(content["tolerance"]),
        tolerance_reason=content["tolerance_reason"],
        notes=tuple(content.get("notes") or ()),
        columns=tuple(columns),
        rows=rows,
        cells=tuple(_cells(path, columns, rows)),
    )


def _source(path: Path, entry: Mapping[str, Any]) -> Source:
    try:
        place = ", ".join(str(entry[k]) for k in ("repo", "path", "commit", "url") if entry.get(k))
        return Source(entry["reference"], tuple(entry["measures"]), entry["kind"], int(entry["decimals"]), place)
    except KeyError as error:
        raise InputError(f"{path}: a source lacks {error}", "reference, measures, kind, decimals") from None


def _cells(path: Path, columns: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Cell]:
    for name, row in rows.items():
        if set(row) - _ROW_KEYS or ("cell" in row) == ("reason" in row):
            raise InputError(
                f"{path}: row {name!r} has the keys {', '.join(row)}",
                "published, and either cell or reason; beside them model, note, cells, figures",
                "see experiments/README.md",
            )
        for column, published in (row.get("published") or {}).items():
            if column not in columns:
                raise InputError(f"{path}: row {name!r} has a value for {column!r}", f"one of: {', '.join(columns)}")
            for measure, value in published.items():
                if not isinstance(value, (int, float)) or not 0 <= value <= 1:
                    raise InputError(f"{path}: {name} × {column}: {measure} is {value!r}", "a fraction between 0 and 1")
            yield _cell(name, row, column, columns, published)


def _cell(
    name: str, row: Mapping[str, Any], column: str, columns: Mapping[str, Any], published: Mapping[str, float]
) -> Cell:
    where, own = columns[column], row.get("cells") or {}
    common: dict[str, Any] = {"row": name, "column": column, "published": published, "model": row.get("model", "")}
    if "reason" in row:
        return Cell(**common, reason=row["reason"])
    if isinstance(where, Mapping):
        if "average" in where:
            datasets = {label: str(columns[label]).removeprefix("dataset=") for label in own if label in columns}
            exceptions = {dataset: own[label] for label, dataset in datasets.items()}
            return Cell(**common, command=row["cell"], average=where["average"], exceptions=exceptions)
        return Cell(**common, reason=where["reason"])
    return Cell(**common, command=f"{where} {own.get(column) or row['cell']}")
