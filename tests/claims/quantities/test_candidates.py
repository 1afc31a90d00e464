"""Candidates needed to reach a recall, against plain loops."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from claims.build import ranked, roles, scored

from ir_bench.claims.quantities.candidates import RESAMPLES, candidates
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured
from ir_bench.types import Run

Found = list[tuple[int, list[int]]]


def depth_by_loops(found: Found, recall: float, k: int) -> float:
    """The first depth at which the mean recall is reached; infinite where never."""
    for depth in range(1, k + 1):
        total = 0.0
        for relevant, ranks in found:
            hits = 0
            for rank in ranks:
                hits += rank <= depth
            total += hits / relevant
        if total / len(found) >= recall - 1e-12:
            return depth
    return math.inf


def drawn(seed: int, queries: int = 30, k: int = 40, near: float = 1.0) -> Found:
    """Ranks of random queries; the larger `near`, the closer to the top."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(queries):
        relevant = int(random.integers(1, 6))
        ranks = sorted({int(r) for r in 1 + (k - 1) * random.random(relevant) ** near})
        found.append((len(ranks), ranks))
    return found


def test_two_queries_by_hand(tmp_path: Path) -> None:
    # mean recall by depth: (1/2 + 0)/2 at 1, (1/2 + 1)/2 = 3/4 at 2, 1 at 8; the other is at 3/4 from 4 on
    of = ranked(tmp_path / "of", "of", [(2, [1, 8]), (1, [2])])
    over = ranked(tmp_path / "over", "over", [(2, [4]), (1, [3])])
    found = candidates({"a": roles(of=of, over=over)}, 0.75, 0.95, 0)
    assert found.value == pytest.approx(2 / 4)
    assert (found.per_dataset, found.queries) == ({"a": "2 / 4"}, 2)


@pytest.mark.parametrize("recall", [0.1, 0.5, 0.8, 1.0])
def test_the_depth_is_that_of_plain_loops(tmp_path: Path, recall: float) -> None:
    ours, theirs = drawn(1, near=2), drawn(2)
    cells = {"a": roles(of=ranked(tmp_path / "of", "of", ours, 40), over=ranked(tmp_path / "over", "over", theirs, 40))}
    expected = depth_by_loops(ours, recall, 40), depth_by_loops(theirs, recall, 40)
    found = candidates(cells, recall, 0.95, 0)
    assert found.value == pytest.approx(expected[0] / expected[1])
    assert found.per_dataset == {"a": f"{expected[0]} / {expected[1]}"}


def test_the_interval_is_that_of_a_plain_bootstrap(tmp_path: Path) -> None:
    ours, theirs = drawn(3, queries=25, near=2), drawn(4, queries=25)
    cells = {"a": roles(of=ranked(tmp_path / "of", "of", ours, 40), over=ranked(tmp_path / "over", "over", theirs, 40))}
    found = candidates(cells, 0.5, 0.9, 0)
    random, ratios = np.random.default_rng(9), []
    for _ in range(1500):
        queries = random.integers(0, 25, 25)  # the same queries of both systems
        depths = [depth_by_loops([each[q] for q in queries], 0.5, 40) for each in (ours, theirs)]
        ratios.append(depths[0] / depths[1])
    np.testing.assert_allclose([found.low, found.high], np.quantile(ratios, [0.05, 0.95]), rtol=0.08)
    assert found.low < found.value < found.high


def test_both_systems_are_resampled_with_the_same_queries(tmp_path: Path) -> None:
    of, over = (ranked(tmp_path / name, name, drawn(5), 40) for name in ("of", "over"))
    found = candidates({"a": roles(of=of, over=over)}, 0.5, 0.95, 0)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_datasets_are_averaged_geometrically(tmp_path: Path) -> None:
    cells = {}
    for name, of, over in (("a", 1, 4), ("b", 9, 1)):
        cells[name] = roles(
            of=ranked(tmp_path / name / "of", "of", [(1, [of])] * 2),
            over=ranked(tmp_path / name / "over", "over", [(1, [over])] * 2),
        )
    found = candidates(cells, 0.6, 0.95, 0)
    assert found.value == pytest.approx(math.sqrt(1 / 4 * 9))
    assert (found.low, found.high) == pytest.approx((found.value, found.value))
    assert found.queries == 4


def test_queries_without_a_relevant_document_do_not_count(tmp_path: Path) -> None:
    of = ranked(tmp_path / "of", "of", [(1, [2]), (0, []), (0, [])])
    found = candidates({"a": roles(of=of, over=of)}, 1.0, 0.95, 0)
    assert (found.value, found.queries, found.per_dataset) == (1, 1, {"a": "2 / 2"})


def test_all_of_ten_documents_is_a_recall_of_one_whatever_the_rounding(tmp_path: Path) -> None:
    of = ranked(tmp_path / "of", "of", [(10, list(range(1, 11)))])
    assert candidates({"a": roles(of=of, over=of)}, 1.0, 0.95, 0).per_dataset == {"a": "10 / 10"}


@pytest.mark.parametrize("role", ["of", "over"])
def test_a_recall_that_is_not_reached_is_refused(tmp_path: Path, role: str) -> None:
    good = ranked(tmp_path / "good", "good", [(1, [1]), (1, [2])])
    bad = ranked(tmp_path / "bad", "bad", [(1, [1]), (1, [])])
    both = {"of": good, "over": good, role: bad}
    with pytest.raises(InputError) as raised:
        candidates({"a": roles(**both)}, 0.6, 0.95, 0)
    assert raised.value.happened == "`dataset=tiny retriever=bad` reaches a recall of 0.5000 at depth 10"
    assert raised.value.expected == "at least 0.6"


def test_resamples_that_do_not_reach_the_recall_leave_the_interval_open(tmp_path: Path) -> None:
    """Half of the queries are found: a resample reaches the recall of 0.5 no more often than not."""
    half = ranked(tmp_path / "half", "half", [(1, [1]), (1, [])] * 10)
    whole = ranked(tmp_path / "whole", "whole", [(1, [1])] * 20)
    found = candidates({"a": roles(of=half, over=whole)}, 0.5, 0.95, 0)
    assert (found.value, found.low, found.high) == (1, 1, math.inf)
    found = candidates({"a": roles(of=whole, over=half)}, 0.5, 0.95, 0)
    assert (found.value, found.low, found.high) == (1, 0, 1)


def test_other_judgments_are_refused(tmp_path: Path) -> None:
    of = ranked(tmp_path / "of", "of", [(1, [1])])
    over = ranked(tmp_path / "over", "over", [(1, [1])], judgments="j1")
    with pytest.raises(InputError, match="different judgments"):
        candidates({"a": roles(of=of, over=over)}, 0.5, 0.95, 0)


def test_a_few_thousand_resamples_are_drawn() -> None:
    assert RESAMPLES >= 1000


def test_candidates_for_the_first_documents_of_an_exact_result() -> None:
    def found(name: str, *rankings: str) -> Measured:
        run = Run.of({f"q{i}": {d: -float(r) for r, d in enumerate(each)} for i, each in enumerate(rankings)})
        return scored(name, {"AP": [0.0] * len(rankings)}, run, k=6)

    exact = found("exact", "abcdef", "fedcba", "")  # whose two best are a, b and f, e; the third finds nothing
    of, over = found("of", "abcdef", "xfyedc", "a"), found("over", "cbadef", "xyzwfe", "a")
    # mean recall of the two best by depth: 1/4, 3/4, 3/4, 1 and 0, 1/4, 1/2, 1/2, 3/4, 1
    cells = {"a": roles(of=of, over=over, exact=exact)}
    for recall, depths in ((0.75, (2, 5)), (1.0, (4, 6))):
        both = candidates(cells, recall, 0.95, 0, best=2)
        assert both.per_dataset == {"a": f"{depths[0]} / {depths[1]}"}
        assert both.queries == 2
