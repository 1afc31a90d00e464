"""Means over datasets, typed averages and intervals of ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reports.comparison.made import FEW, random_results, result

from ir_bench.evaluation.averages import GROUPS, members
from ir_bench.evaluation.significance.ranks import rank_intervals
from ir_bench.reports.comparison.across import averages, common_datasets, overall
from ir_bench.reports.comparison.compare import compare
from ir_bench.reports.comparison.systems import systems

FORUMS = GROUPS["beir/cqadupstack"]


def test_common_datasets_are_those_that_every_system_has():
    results = random_results(("one", "two", "three"), ("first", "second"))
    cells = systems([r for r in results if (r.dataset, r.retriever) != ("two", "second")])
    assert common_datasets(cells) == ["one", "three"]


def test_a_group_counts_as_one_dataset_where_it_is_whole():
    whole = random_results(("one", *FORUMS), ("first", "second"), queries=4)
    assert common_datasets(systems(whole)) == ["one", "beir/cqadupstack"]
    holed = systems([r for r in whole if (r.dataset, r.retriever) != (FORUMS[3], "second")])
    assert common_datasets(holed) == ["one", *(forum for forum in FORUMS if forum != FORUMS[3])]


def test_means_and_ranks_over_datasets_by_hand():
    values = {("one", "good"): [0.9, 0.7], ("one", "poor"): [0.1], ("two", "good"): [0.4], ("two", "poor"): [0.2, 0.2]}
    sizes = {"one": 2, "two": 2}
    results = [result(d, r, (v * 2)[: sizes[d]]) for (d, r), v in values.items()]
    good, poor = overall(systems(results), ["nDCG@10"], 0.95, 0)
    assert (good.value, good.rank, good.rank_low, good.rank_high, good.best) == (pytest.approx(0.6), 1, 1, 1, True)
    assert (poor.value, poor.rank, poor.mean_rank, poor.best) == (pytest.approx(0.15), 2, 2, False)
    # only 0.9 and 0.7 vary, and weigh one half: 0.55, 0.6 and 0.65 are the means that occur
    assert (good.low, good.high) == pytest.approx((0.55, 0.65))
    assert (poor.low, poor.high) == pytest.approx((0.15, 0.15))


def test_forums_weigh_a_twelfth_of_a_dataset_each():
    results = [result("one", r, [v, v]) for r, v in (("first", 0.8), ("second", 0.1))]
    results += [result(forum, r, [i / 12, i / 12]) for i, forum in enumerate(FORUMS) for r in ("first", "second")]
    first, second = overall(systems(results), ["nDCG@10"], 0.95, 0)
    assert first.value == first.low == first.high == pytest.approx((0.8 + np.mean(np.arange(12) / 12)) / 2)
    assert second.value == pytest.approx((0.1 + np.mean(np.arange(12) / 12)) / 2)


def test_ranks_pair_queries_by_id_not_by_place():
    results = random_results(("one", "two"), queries=20)
    names = ("first", "second", "third")
    given = {name: {m.dataset: m.values("nDCG@10") for m in results if m.retriever == name} for name in names}
    turned = [
        replace(m, per_query={"nDCG@10": dict(reversed(m.per_query["nDCG@10"].items()))})
        if m.retriever != "first"
        else m
        for m in results
    ]
    expected = rank_intervals(given, 0.9, seed=3)
    for row in overall(systems(turned), ["nDCG@10"], 0.9, 3):
        rank = expected[row.system]
        assert (row.rank, row.mean_rank, row.rank_low, row.rank_high) == (
            rank.rank,
            rank.mean_rank,
            rank.low,
            rank.high,
        )


def test_one_common_dataset_has_no_mean_over_datasets():
    assert overall(systems(random_results(("one",))), ["nDCG@10"], 0.95, 0) == []
    found = compare(random_results(("one",)), ["nDCG@10"], permutations=FEW)
    assert (found.overall, found.common, found.averages) == ([], ["one"], [])


def test_a_complete_average_has_a_value_and_the_next_says_what_it_lacks():
    names = members("beir13")
    results = [result(name, "bm25", [i / 10, 0]) for i, name in enumerate(names)]
    complete, refused = averages(systems(results), ["nDCG@10"])
    assert (complete.name, complete.system) == ("BEIR-13", "bm25")
    assert complete.value == pytest.approx(np.mean([i / 20 for i in range(13)]))
    assert (refused.name, refused.value) == ("BEIR-14", None)
    assert refused.missing == "not complete: 1 of 14 sets are missing: beir/cqadupstack"


def test_a_hole_is_refused():
    results = [result(name, "bm25", [0.5]) for name in members("beir13") if name != "beir/fever"]
    (refused,) = averages(systems(results), ["nDCG@10"])
    assert refused.value is None
    assert refused.missing == "not complete: 1 of 13 sets are missing: beir/fever"


def test_forums_complete_an_average():
    names = [name for name in members("beir14") if name != "beir/cqadupstack"]
    results = [result(name, "bm25", [0.5]) for name in names] + [result(forum, "bm25", [1.0]) for forum in FORUMS]
    found = {a.name: a.value for a in averages(systems(results), ["nDCG@10"])}
    assert found == {"BEIR-13": 0.5, "BEIR-14": pytest.approx(7.5 / 14), "BEIR-15": None}


@pytest.mark.parametrize(("split", "said"), [("dev", None), ("test", "beir/msmarco was measured on its split 'test'")])
def test_ms_marco_is_averaged_over_dev(split, said):
    names = members("beir15")
    results = [result(name, "bm25", [0.5], split=split if name == "beir/msmarco" else "test") for name in names]
    found = {a.name: a for a in averages(systems(results), ["nDCG@10"])}
    assert found["BEIR-14"].value == 0.5
    if said is None:
        assert found["BEIR-15"].value == 0.5
    else:
        assert (found["BEIR-15"].value, found["BEIR-15"].missing) == (None, said)


def test_one_dataset_of_an_average_is_no_attempt_at_it():
    assert averages(systems(random_results(("beir/scifact", "cacm"))), ["nDCG@10"]) == []
