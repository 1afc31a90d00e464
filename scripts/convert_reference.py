#!/usr/bin/env python3
"""Published tables as data: `scripts/convert_reference.py REFERENCE_FOLDER [OUTPUT_FOLDER]`.

REFERENCE_FOLDER holds a YAML file for each published table and measure: rows -> columns -> fractions, source, paper.
Here the measures of a table are merged, columns become datasets of conf/, and every row gets the command that
reproduces it or the reason why there is none (reference_tables/). Values are copied as they stand. OUTPUT_FOLDER is
experiments/tables if not given.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from reference_tables import TABLES
from reference_tables.columns import COLUMNS
from reference_tables.parts import Row, Table

OUT = Path(__file__).resolve().parents[1] / "experiments" / "tables"

KINDS = {"ndcg": "nDCG", "mrr": "RR", "r": "R", "ap": "AP", "success": "Success", "p": "P", "err": "ERR"}

METRICS = {"AP@1000": "AP", "MRR": "RR"} | {f"Top-{k} accuracy": f"Success@{k}" for k in (5, 10, 20, 100)}

Written = tuple[Row, dict[str, dict[str, float]], dict[str, Any]]


def convert(table: Table, folder: Path) -> str:
    """The YAML text of a table."""
    columns: dict[str, Any] = {}
    rows: dict[str, Written] = {}
    sources, paper = [], None
    for reference in table.references:
        content = read(folder, reference)
        paper = paper or content["paper"]
        measures: dict[str, None] = {}
        digits = 0
        for source_row, values in content["rows"].items():
            for row in rows_of(table, source_row):
                _, published, figures = rows.setdefault(row.name or source_row, (row, {}, {}))
                figures |= figures_of(table, content, source_row)
                for source_column, value in values.items():
                    if source_column in table.figures:
                        continue
                    measure, column = measured(table, reference, content["metric"], source_column)
                    label, target = {**COLUMNS, **table.columns}.get(column) or (column, unknown(column))
                    columns.setdefault(label, target)
                    published.setdefault(label, {})[measure] = value
                    measures[measure] = None
                    digits = max(digits, len(f"{value:.6f}".rstrip("0").partition(".")[2]))
        sources.append(source(reference, content, list(measures), digits))
        if table.extra:
            rows |= {name: (row, {}, figures) for name, (row, figures) in table.extra(content).items()}
    if set(table.rows) - {name for reference in table.references for name in read(folder, reference)["rows"]}:
        raise SystemExit(f"{table.title}: rows that no source has")
    return "\n".join(lines(table, paper or {}, sources, columns, rows)) + "\n"


def read(folder: Path, reference: str) -> dict[str, Any]:
    if reference not in _READ:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _READ[reference] = yaml.load((folder / f"{reference}.yaml").read_text(encoding="utf-8"), loader)
    return _READ[reference]


_READ: dict[str, dict[str, Any]] = {}


def rows_of(table: Table, name: str) -> list[Row]:
    found = table.rows.get(name)
    if found is None and table.otherwise is not None:
        found = table.otherwise(name) if callable(table.otherwise) else table.otherwise
    return found if isinstance(found, list) else [found] if found else []


def measured(table: Table, reference: str, metric: str, column: str) -> tuple[str, str]:
    """Measure and column, from the reference's metric or from a column such as ndcg@10:trec-dl-2019."""
    prefix, colon, rest = column.partition(":")
    kind, _, cutoff = prefix.partition("@")
    if "as column prefix" in metric and colon and kind in KINDS:
        measure, column = KINDS[kind] + (f"@{cutoff}" if cutoff else ""), rest
    else:
        measure = METRICS.get(metric) or re.sub(r"^MRR@", "RR@", metric)
    special = table.measures.get(reference, {})
    return special.get(column) or special.get("*") or measure, column


def figures_of(table: Table, content: Mapping[str, Any], row: str) -> dict[str, Any]:
    """Numbers of a row that are no measures, from its columns or from the notes of the source."""
    found = {}
    for key, label in table.figures.items():
        noted = content["notes"].get(key) or {}
        value = content["rows"][row].get(key, noted.get(row, noted.get(row.rpartition("/")[2])))
        if value is not None:
            found[label] = value
    return found


def unknown(column: str) -> dict[str, str]:
    raise SystemExit(f"the column {column!r} has no dataset: map it")


def source(reference: str, content: Mapping[str, Any], measures: list[str], digits: int) -> dict[str, Any]:
    where = content["source"]
    entry: dict[str, Any] = {"reference": reference, "measures": measures}
    of_paper = str(where.get("kind", "")).startswith("text of the paper")
    entry["kind"] = "primary" if "repo" in where or "page" in where else "paper text" if of_paper else "secondary"
    for key, own in (("repo", "repo"), ("path", "path"), ("commit", "commit"), ("page", "url")):
        if where.get(key):
            entry[own] = where[key]
    if entry["kind"] != "primary":
        tables = [f", {word} {where[word]}" for word in ("table", "tables") if word in where]
        entry["path"] = "".join(["the paper", *tables])
    return entry | {"printed": content["source_unit"], "decimals": digits}


def lines(
    table: Table,
    paper: Mapping[str, Any],
    sources: list[dict[str, Any]],
    columns: Mapping[str, Any],
    rows: Mapping[str, Written],
) -> Iterable[str]:
    yield f"title: {flow(table.title)}"
    yield f"paper: {flow({k: v for k, v in paper.items() if k != 'note'})}"
    yield "sources:"
    yield from (f"  - {flow(entry)}" for entry in sources)
    yield f"tolerance: {table.tolerance[0]}"
    yield f"tolerance_reason: {flow(table.tolerance[1])}"
    if table.notes:
        yield "notes:"
        yield from (f"  - {flow(note)}" for note in table.notes)
    yield "columns:"
    yield from (f"  {flow(label)}: {flow(target)}" for label, target in columns.items())
    yield "rows:"
    for name, (row, published, figures) in rows.items():
        yield f"  {flow(name)}:"
        for key in ("cell", "reason", "model", "note"):
            if getattr(row, key):
                yield f"    {key}: {flow(getattr(row, key))}"
        if row.cells:
            yield "    cells:"
            yield from (f"      {flow(label)}: {flow(command)}" for label, command in row.cells.items())
        if figures:
            yield f"    figures: {flow(figures)}"
        if published:
            yield "    published:"
        ordered = [label for label in columns if label in published]
        yield from (f"      {flow(label)}: {flow(published[label])}" for label in ordered)


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = re.fullmatch(r"[\w(][\w@/.+=() -]*[\w)+]|\w", value) and yaml.safe_load(value) == value
        return value if plain else "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").ljust(3, "0")
    return json.dumps(value)


def main(folder: Path, out: Path = OUT) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        (out / f"{name}.yaml").write_text(convert(table, folder), encoding="utf-8")
    print(f"{len(TABLES)} tables in {out}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(*map(Path, sys.argv[1:]))
