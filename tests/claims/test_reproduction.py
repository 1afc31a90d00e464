"""A paper's table against results on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from reports.exports.cells import cell

from ir_bench.claims.kept import Kept
from ir_bench.claims.paper_table import Cell, PaperTable, Source
from ir_bench.claims.reproduction import commands, reproduce
from ir_bench.claims.verdict import DIFFERS, HOLDS, NOT_MEASURED, WITHIN_NOISE, Outcome
from ir_bench.errors import InputError
from ir_bench.evaluation.averages import GROUPS, members
from ir_bench.evaluation.measured import StaleResult

# The small cell: RR is 1 and 1/2, recall 1/2 and 1; this run finds nothing for the second query.
WORSE = {"q1": {"d3": 2.0, "d1": 1.0}, "q2": {"d3": 1.0}}  # RR 1/2 and 0
FORUMS = GROUPS["beir/cqadupstack"]


def table(*cells: Cell, tolerance: float = 0.0001) -> PaperTable:
    source = Source("one", ("RR@10", "AP", "R@1"), "primary", 4, "a/b")
    return PaperTable("t", "T", {}, (source,), tolerance, "because", (), (), {}, cells)


def outcomes(root: Path, content: PaperTable, groups: Mapping[str, tuple[str, ...]] = GROUPS) -> list[Outcome]:
    def expand(command: str) -> list[str]:
        dataset, _, rest = command.removeprefix("dataset=").partition(" ")
        return [f"dataset={each} {rest}" for each in groups.get(dataset, (dataset,))]

    return reproduce(content, Kept(root, expand), lambda command: command, lambda command: f"no data for {command}")


def one(published: Mapping[str, float], dataset: str = "beir/scifact") -> Cell:
    return Cell("bm25", dataset, published, f"dataset={dataset} retriever=bm25")


def test_published_ours_and_verdict(tmp_path: Path) -> None:
    cell(tmp_path)
    exact, noisy, wrong = outcomes(tmp_path, table(one({"RR@10": 0.75, "AP": 0.51, "R@1": 0.9})))
    assert exact == Outcome(
        "bm25", "beir/scifact", "RR@10", 0.75, 4, HOLDS, ours=0.75, low=0.5, high=1.0, queries=2,
        command="dataset=beir/scifact retriever=bm25",
    )  # fmt: skip
    assert (noisy.ours, noisy.low, noisy.high, noisy.verdict) == (0.5, 0.5, 0.5, DIFFERS)
    assert noisy.difference == pytest.approx(-0.01)
    assert (wrong.verdict, wrong.ours) == (NOT_MEASURED, None)  # the cell keeps no ranks: R@1 does not follow


def test_within_the_interval_is_noise(tmp_path: Path) -> None:
    cell(tmp_path)
    (found,) = outcomes(tmp_path, table(one({"RR@10": 0.9})))
    assert (found.ours, found.verdict) == (0.75, WITHIN_NOISE)


def test_the_tolerance_and_the_printed_digits_are_those_of_the_table(tmp_path: Path) -> None:
    cell(tmp_path)
    assert outcomes(tmp_path, table(one({"AP": 0.5014})))[0].verdict == DIFFERS
    assert outcomes(tmp_path, table(one({"AP": 0.5014}), tolerance=0.0014))[0].verdict == HOLDS


def test_what_was_not_measured_has_the_reason_and_no_value(tmp_path: Path) -> None:
    closed = Cell("x", "cacm", {"AP": 0.5}, reason="its weights were never published")
    no_command, not_here = outcomes(tmp_path, table(closed, one({"AP": 0.5})))
    assert (no_command.verdict, no_command.ours, no_command.command) == (NOT_MEASURED, None, None)
    assert no_command.reason == "its weights were never published"
    assert (not_here.verdict, not_here.ours, not_here.difference) == (NOT_MEASURED, None, None)
    assert not_here.reason == "no data for dataset=beir/scifact retriever=bm25"


def test_a_command_that_this_version_cannot_run_says_so(tmp_path: Path) -> None:
    def resolve(command: str) -> str:
        raise InputError("retriever=oracle is not part of this version")

    (found,) = reproduce(table(one({"AP": 0.5})), Kept(tmp_path), resolve, str)
    assert (found.verdict, found.reason) == (NOT_MEASURED, "retriever=oracle is not part of this version")


def test_one_measure_that_was_not_scored_spares_the_others(tmp_path: Path) -> None:
    cell(tmp_path)
    scored, missing = outcomes(tmp_path, table(one({"AP": 0.5, "ERR@20": 0.5})))
    assert scored.verdict == HOLDS
    assert (missing.verdict, missing.ours) == (NOT_MEASURED, None)
    assert missing.reason == "ERR@20 was not scored for beir/scifact × bm25"


def test_a_stale_folder_stops_the_whole_table(tmp_path: Path) -> None:
    scores = cell(tmp_path) / "scores.json"
    scores.write_text(json.dumps({**json.loads(scores.read_text()), "fingerprint": "0" * 12}))
    with pytest.raises(StaleResult, match="the scores belong to 000000000000"):
        outcomes(tmp_path, table(one({"AP": 0.5})))


def test_the_commands_of_a_cell() -> None:
    assert commands(Cell("x", "cacm", {}, reason="none")) == []
    assert commands(one({})) == ["dataset=beir/scifact retriever=bm25"]
    average = Cell("x", "BEIR-13", {}, "retriever=bm25", "beir13", exceptions={"beir/nq": "retriever=ql"})
    assert commands(average) == [
        f"dataset={d} retriever={'ql' if d == 'beir/nq' else 'bm25'}" for d in members("BEIR-13")
    ]


def test_an_average_over_thirteen_sets(tmp_path: Path) -> None:
    for dataset in members("BEIR-13"):
        cell(tmp_path, dataset, scored=WORSE if dataset == "beir/nq" else None)
    (found,) = outcomes(tmp_path, table(Cell("bm25", "BEIR-13", {"RR@10": 0.7115}, "retriever=bm25", "beir13")))
    assert found.ours == pytest.approx((12 * 0.75 + 0.25) / 13, abs=1e-6)  # 0.711538
    assert (found.verdict, found.queries, found.command) == (HOLDS, 26, None)
    assert found.low < found.ours < found.high  # type: ignore[operator]


def test_an_average_with_a_hole_is_not_measured_and_names_it(tmp_path: Path) -> None:
    for dataset in members("BEIR-13"):
        if dataset not in ("beir/nq", "beir/fever"):
            cell(tmp_path, dataset)
    (found,) = outcomes(tmp_path, table(Cell("bm25", "BEIR-13", {"RR@10": 0.75}, "retriever=bm25", "beir13")))
    assert (found.verdict, found.ours) == (NOT_MEASURED, None)
    assert found.reason == "the average is not complete: 2 of 13 are missing: beir/fever, beir/nq"


def test_twelve_forums_weigh_as_one_set(tmp_path: Path) -> None:
    for dataset in members("BEIR-14"):
        if dataset != "beir/cqadupstack":
            cell(tmp_path, dataset)
    for forum in FORUMS:
        cell(tmp_path, forum, scored=WORSE)
    (found,) = outcomes(tmp_path, table(Cell("bm25", "BEIR-14", {"RR@10": 0.5}, "retriever=bm25", "beir14")))
    assert found.ours == pytest.approx((13 * 0.75 + 0.25) / 14, abs=1e-6)
    assert found.queries == 2 * (13 + 12)


def test_a_group_without_one_of_its_forums_is_a_hole(tmp_path: Path) -> None:
    for forum in FORUMS[1:]:
        cell(tmp_path, forum)
    (found,) = outcomes(tmp_path, table(one({"RR@10": 0.75}, "beir/cqadupstack")))
    assert found.verdict == NOT_MEASURED
    cell(tmp_path, FORUMS[0], scored=WORSE)
    (found,) = outcomes(tmp_path, table(one({"RR@10": 0.75}, "beir/cqadupstack")))
    assert found.ours == pytest.approx((11 * 0.75 + 0.25) / 12, abs=1e-6)


def test_an_average_that_is_not_known_says_so(tmp_path: Path) -> None:
    (found,) = outcomes(tmp_path, table(Cell("bm25", "BEIR-16", {"RR@10": 0.75}, "retriever=bm25", "beir16")))
    assert (found.verdict, found.reason) == (NOT_MEASURED, "there is no average named 'beir16'")
