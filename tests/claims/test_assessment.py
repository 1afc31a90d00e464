"""A claim against results on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from reports.exports.cells import cell

from ir_bench.claims.assessment import Assessed, assess
from ir_bench.claims.claim import Check, Claim
from ir_bench.claims.finding import FAILS, HOLDS, NOT_MEASURED, UNDECIDED
from ir_bench.claims.kept import Kept
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import StaleResult

BETTER = {"q1": {"d1": 2.0, "d2": 1.0}, "q2": {"d2": 1.0}}  # RR 1 and 1, against 1 and 1/2 of the small cell
BOTH = {"of": "retriever=best", "over": "retriever=bm25"}


def check(
    quantity: str = "mean", size: float = 0.4, direction: str = "at least", cells: Mapping[str, Any] = BOTH,
    datasets: tuple[str, ...] = ("cacm",), **settings: object,
) -> Check:  # fmt: skip
    return Check("a check", quantity, cells, direction, size, settings or {"measure": "RR@10"}, datasets)


def outcome(root: Path, *checks: Check, level: float = 0.95) -> tuple[str, list[Assessed]]:
    claim = Claim("c", "C", "It is so.", {}, "", "", level, 0, (), checks)
    return assess(claim, Kept(root), lambda command: command, lambda command: f"no data for {command}")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for dataset in ("cacm", "med"):
        cell(tmp_path, dataset)
        cell(tmp_path, dataset, name="best", scored=BETTER)
    return tmp_path


ONE = {"of": "retriever=bm25"}  # RR 1 and 1/2: mean 3/4 in [1/2, 1]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (check(size=0.5, cells=ONE), HOLDS),
        (check(size=0.75, cells=ONE), UNDECIDED),
        (check(size=0.4, direction="at most", cells=ONE), FAILS),
        (check("difference", 0.0), HOLDS),
        (check("difference", 0.01), UNDECIDED),  # the query in which both find the same may be drawn twice
        (check("difference", 0.5, "within", measure="RR@10", margin=0.6), HOLDS),
        (check("ratio", 1.0), HOLDS),
        (check("ratio", 2.5), FAILS),
        (check("correlation", 0.9, "at most"), HOLDS),  # one of them does not vary
        (check("monotone", 0.0, cells={"of": ["retriever=bm25", "retriever=best"]}), HOLDS),
        (check("monotone", 0.0, cells={"of": ["retriever=best", "retriever=bm25"]}), UNDECIDED),
        (check("cost_ratio", 1.0, "at most", cost="build.documents"), NOT_MEASURED),
    ],
)
def test_a_check_of_each_quantity(results: Path, made: Check, expected: str) -> None:
    verdict, (found,) = outcome(results, made)
    assert verdict == found.verdict == expected
    assert (found.finding is None) == (expected == NOT_MEASURED) == bool(found.reason)


def test_all_datasets_of_a_check_are_looked_at(results: Path) -> None:
    _, (found,) = outcome(results, check("difference", 0.0, datasets=("cacm", "med")))
    assert found.finding is not None
    assert found.finding.per_dataset == {"cacm": "+0.2500", "med": "+0.2500"}
    assert found.finding.queries == 4


def test_a_dataset_that_was_not_measured_is_not_left_out(results: Path) -> None:
    verdict, (found,) = outcome(results, check("difference", 0.0, datasets=("cacm", "lisa")))
    assert verdict == found.verdict == NOT_MEASURED
    assert found.reason == "no data for dataset=lisa retriever=best"
    assert found.finding is None


def test_a_claim_needs_all_its_checks(results: Path) -> None:
    holds, fails, undecided = check(size=0.5, cells=ONE), check("ratio", 2.5), check(size=0.75, cells=ONE)
    missing = check(datasets=("lisa",))
    assert outcome(results, holds, holds)[0] == HOLDS
    assert outcome(results, holds, undecided)[0] == UNDECIDED
    assert outcome(results, undecided, fails)[0] == FAILS
    assert outcome(results, holds, missing)[0] == NOT_MEASURED
    verdict, assessed = outcome(results, missing, fails)
    assert (verdict, [each.verdict for each in assessed]) == (FAILS, [NOT_MEASURED, FAILS])


def test_the_level_of_the_claim_is_used(results: Path) -> None:
    _, (wide,) = outcome(results, check(cells=ONE), level=0.95)
    _, (narrow,) = outcome(results, check(cells=ONE), level=0.4)  # both queries the same: a quarter at each end
    assert wide.finding is not None
    assert narrow.finding is not None
    assert (wide.finding.low, wide.finding.high) == (0.5, 1)
    assert (narrow.finding.low, narrow.finding.high) == (0.75, 0.75)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (check(measure="RR@10", margin=1), "check 'a check' sets margin"),
        (check("difference", depth=3), "check 'a check' sets depth"),
        (check("difference", margin=1), "check 'a check' lacks measure"),
        (check("candidates", level=0.9), "check 'a check' lacks recall"),
        (check(measure="ERR@20"), "ERR@20 was not scored for cacm × best"),
        (check("difference", cells=ONE), "the role 'over' has 0 results"),
        (check(cells={"of": ["retriever=bm25", "retriever=best"]}), "the role 'of' has 2 results"),
        (check("cost_ratio", cost="search.total_s"), "search.total_s is a duration"),
    ],
)
def test_a_check_that_cannot_be_made_says_why(results: Path, made: Check, told: str) -> None:
    verdict, (found,) = outcome(results, made)
    assert verdict == found.verdict == NOT_MEASURED
    assert found.reason == told


def test_a_command_that_this_version_cannot_run_says_so(results: Path) -> None:
    def resolve(command: str) -> str:
        raise InputError("retriever=oracle is not part of this version")

    claim = Claim("c", "C", "It is so.", {}, "", "", 0.95, 0, (), (check(),))
    verdict, (found,) = assess(claim, Kept(results), resolve, str)
    assert (verdict, found.reason) == (NOT_MEASURED, "retriever=oracle is not part of this version")


def test_a_stale_folder_stops_the_claim(results: Path) -> None:
    cell(results, "cacm", k=100)
    with pytest.raises(StaleResult, match="two results were made by `ir-bench run dataset=cacm retriever=bm25`"):
        outcome(results, check("difference"))
