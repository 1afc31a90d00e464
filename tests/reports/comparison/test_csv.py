"""A comparison as CSV, read back."""

from __future__ import annotations

import csv as table
import io
import math
from dataclasses import asdict

from reports.comparison.forms import AWKWARD, awkward
from reports.comparison.made import FEW, random_results, result

from ir_bench.evaluation.averages import members
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.csv import COLUMNS, csv


def rows(comparison) -> dict[str, list[dict[str, str]]]:
    reader = table.DictReader(io.StringIO(csv(comparison)))
    found: dict[str, list[dict[str, str]]] = {"mean": [], "pair": [], "overall": [], "average": []}
    for row in reader:
        assert None not in row  # no row is longer than the head
        found[row["kind"]].append(row)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return found


def same(written: str, value: object) -> bool:
    return (
        written == ""
        if value is None
        else float(written) == value
        if isinstance(value, float)
        else written == str(value)
    )


def test_every_row_and_every_number_comes_back_in_full():
    comparison = awkward()
    found = rows(comparison)
    left_out = {"best", "difference", "name"}
    for kind, given in (
        ("mean", comparison.means),
        ("pair", comparison.pairs),
        ("overall", comparison.overall),
        ("average", comparison.averages),
    ):
        assert len(found[kind]) == len(given) > 0
        for row, item in zip(found[kind], given, strict=True):
            for name, value in asdict(item).items():
                assert name in left_out or same(row[name], value), (kind, name)
    assert [float(row["value"]) for row in found["pair"]] == [pair.difference for pair in comparison.pairs]
    assert {row["system"] for row in found["mean"]} == set(AWKWARD)
    assert {row["queries"] for row in found["mean"] + found["pair"]} == {"30"}


def test_settings_are_in_every_row():
    results = random_results()
    found = rows(compare(results, ["nDCG@10"], "first", level=0.9, alpha=0.1, margin=0.02, seed=5, permutations=FEW))
    for row in found["mean"] + found["pair"]:
        numbers = [row[name] for name in ("level", "alpha", "margin", "seed", "permutations", "tests", "baseline")]
        assert numbers == ["0.9", "0.1", "0.02", "5", str(FEW), "2", "first"]


def test_means_over_datasets_name_them_and_averages_their_kind():
    found = rows(awkward())
    assert {row["dataset"] for row in found["overall"]} == {"beir/scifact;beir/nfcorpus"}
    assert {(row["dataset"], row["value"]) for row in found["average"]} == {("BEIR-13", "")}
    assert all(row["missing"].startswith("not complete: 11 of 13") for row in found["average"])
    results = [result(d, r, [v]) for d in members("beir13") for r, v in (("x", 0.5), ("y", 0.25))]
    complete = {(row["dataset"], row["system"]): row["value"] for row in rows(compare(results, ["nDCG@10"]))["average"]}
    assert complete["BEIR-13", "x"] == "0.5"
    assert complete["BEIR-14", "x"] == ""


def test_infinite_numbers_are_numbers():
    found = rows(compare([result("d", "x", [0.5, 0.5]), result("d", "y", [0.25, 0.25])], ["nDCG@10"]))
    assert float(found["pair"][0]["cohens_d"]) == math.inf
