"""Tables of papers read from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ir_bench.claims.paper_table import Cell, PaperTable, read_paper_table
from ir_bench.claims.reproduction import commands
from ir_bench.errors import InputError

SOURCE = {"reference": "one", "measures": ["AP"], "kind": "primary", "repo": "a/b", "path": "c.md", "decimals": 4}
ROWS: dict[str, Any] = {
    "bm25": {
        "cell": "retriever=bm25",
        "cells": {"cacm": "retriever=bm25 similarity.k1=1.2"},
        "published": {"cacm": {"AP": 0.3123}, "med": {"AP": 0.5, "P@10": 0.25}, "mean": {"AP": 0.4}},
    },
    "dense": {"cell": "retriever=minilm", "model": "a/model", "published": {"lotte": {"AP": 0}, "med": {"AP": 1}}},
    "closed": {"reason": "its weights were never published", "published": {"cacm": {"AP": 0.5}}},
}
TABLE = {
    "title": "Some table", "paper": {"title": "A paper"}, "sources": [SOURCE], "tolerance": 0.0001,
    "tolerance_reason": "float32", "rows": ROWS,
    "columns": {
        "cacm": "dataset=cacm", "med": "dataset=med", "mean": {"average": "beir13"}, "lotte": {"reason": "no LoTTE"},
    },
}  # fmt: skip


def read(folder: Path, content: object) -> PaperTable:
    path = folder / "some-table.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return read_paper_table(path)


def test_every_published_value_becomes_a_cell_with_its_command(tmp_path: Path) -> None:
    table = read(tmp_path, TABLE)
    assert (table.name, table.title, table.notes) == ("some-table", "Some table", ())
    assert table.columns == ("cacm", "med", "mean", "lotte")
    assert table.sources[0].place == "a/b, c.md"
    assert table.cells == (
        Cell("bm25", "cacm", {"AP": 0.3123}, "dataset=cacm retriever=bm25 similarity.k1=1.2"),
        Cell("bm25", "med", {"AP": 0.5, "P@10": 0.25}, "dataset=med retriever=bm25"),
        Cell(
            "bm25", "mean", {"AP": 0.4}, "retriever=bm25", "beir13",
            exceptions={"cacm": "retriever=bm25 similarity.k1=1.2"},
        ),
        Cell("dense", "lotte", {"AP": 0}, reason="no LoTTE", model="a/model"),
        Cell("dense", "med", {"AP": 1}, "dataset=med retriever=minilm", model="a/model"),
        Cell("closed", "cacm", {"AP": 0.5}, reason="its weights were never published"),
    )  # fmt: skip


def test_an_average_measures_each_dataset_as_its_own_column_does(tmp_path: Path) -> None:
    columns = {"arguana (BEIR)": "dataset=beir/arguana", "BEIR-13": {"average": "BEIR-13"}}
    row = {
        "cell": "retriever=bm25", "cells": {"arguana (BEIR)": "retriever=bm25 dataset.rules.exclude_self=false"},
        "published": {"arguana (BEIR)": {"AP": 0.4}, "BEIR-13": {"AP": 0.5}},
    }  # fmt: skip
    alone, average = read(tmp_path, {**TABLE, "columns": columns, "rows": {"bm25": row}}).cells
    assert len(commands(average)) == 13
    assert commands(alone)[0] in commands(average)
    assert "dataset=beir/nq retriever=bm25" in commands(average)
    assert "dataset=beir/arguana retriever=bm25" not in commands(average)


def test_of_two_sources_of_a_measure_the_one_with_fewer_digits_counts(tmp_path: Path) -> None:
    other = {"reference": "two", "measures": ["AP", "R@100"], "kind": "secondary", "decimals": 3}
    table = read(tmp_path, {**TABLE, "sources": [{**SOURCE, "measures": ["AP", "P@10"]}, other]})
    assert [table.decimals(measure) for measure in ("P@10", "AP", "R@100")] == [4, 3, 3]
    assert table.decimals("RR@10") == 3  # no source says: the fewest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verdict": 1}, "has the keys title, paper, sources"),
        ({"columns": {"cacm": 1}}, "the column 'cacm' is 1"),
        ({"columns": {"cacm": {"set": "x"}}}, "the column 'cacm' is {'set': 'x'}"),
        ({"columns": {"cacm": {"average": "beir13", "reason": "x"}}}, "the column 'cacm' is"),
        ({"columns": {"med": "dataset=med"}}, "row 'bm25' has a value for 'cacm'"),
        ({"rows": {"x": {"cell": "a", "reason": "b"}}}, "row 'x' has the keys cell, reason"),
        ({"rows": {"x": {"published": {}}}}, "row 'x' has the keys published"),
        ({"rows": {"x": {"cell": "a", "value": 1}}}, "row 'x' has the keys cell, value"),
        ({"rows": {"x": {"cell": "a", "published": {"cacm": {"AP": 31.2}}}}}, "x × cacm: AP is 31.2"),
        ({"rows": {"x": {"cell": "a", "published": {"cacm": {"AP": -0.1}}}}}, "x × cacm: AP is -0.1"),
        ({"rows": {"x": {"cell": "a", "published": {"cacm": {"AP": "0.3"}}}}}, "x × cacm: AP is '0.3'"),
        ({"rows": {"x": {"cell": "a", "published": {"cacm": {"AP": None}}}}}, "x × cacm: AP is None"),
        ({"rows": {"x": {"cell": "a", "published": {"cacm": {"AP": float("nan")}}}}}, "x × cacm: AP is nan"),
    ],
)
def test_what_is_no_table_is_refused_with_its_file(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, {**TABLE, **change})
    assert raised.value.happened.startswith(f"{tmp_path / 'some-table.yaml'}")
    assert told in raised.value.happened


@pytest.mark.parametrize("key", ["title", "sources", "tolerance", "tolerance_reason", "columns", "rows"])
def test_a_table_without_a_needed_entry_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match="has the keys"):
        read(tmp_path, {k: v for k, v in TABLE.items() if k != key})


@pytest.mark.parametrize("key", ["reference", "measures", "kind", "decimals"])
def test_a_source_without_a_needed_entry_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=f"a source lacks '{key}'"):
        read(tmp_path, {**TABLE, "sources": [{k: v for k, v in SOURCE.items() if k != key}]})


@pytest.mark.parametrize(("text", "told"), [("a: [", "cannot be read"), ("- 1\n", "has the keys list")])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        read_paper_table(tmp_path / "x.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_paper_table(tmp_path / "absent.yaml")
