"""Every number of a comparison, against scipy, statsmodels, ranx and by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from reports.comparison.made import FEW, random_results, result

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, read_measured
from ir_bench.reports.comparison.compare import compare

RESULTS = Path(__file__).parents[3] / "results" / "runs"
ONE = [0.8, 0.5, 0.5, 1.0, 0.0, 0.3]
OTHER = [0.6, 0.5, 0.4, 0.7, 0.1, 0.1]
# one − other: 0.2, 0, 0.1, 0.3, −0.1, 0.2; their sum is 0.7, the sum of their squares 0.19


def by_hand(**more):
    return compare([result("d", "one", ONE), result("d", "other", OTHER)], ["nDCG@10"], **more)


def test_means_and_wins_by_hand():
    found = by_hand()
    assert [m.value for m in found.means] == pytest.approx([3.1 / 6, 2.4 / 6])
    assert [m.best for m in found.means] == [True, False]
    (pair,) = found.pairs
    assert (pair.system, pair.other, pair.difference) == ("one", "other", pytest.approx(0.7 / 6))
    assert (pair.wins, pair.ties, pair.losses) == (4, 1, 1)
    assert found.queries == {"d": 6}


def test_cohens_d_by_hand():
    deviation = np.sqrt((0.19 - 0.7**2 / 6) / 5)
    assert by_hand().pairs[0].cohens_d == pytest.approx(0.7 / 6 / deviation)


def test_randomisation_by_hand():
    # of the 32 sign patterns of 0.2, 0.1, 0.3, −0.1, 0.2 the sums ±0.7 and ±0.9 reach 0.7: 0.9 in one way, and 0.7 by
    # turning one of the two 0.1: three patterns, and their three opposites
    assert by_hand().pairs[0].randomisation_p == 6 / 32


def test_equal_means_are_both_the_best():
    found = compare([result("d", "one", [0.1, 0.2]), result("d", "other", [0.2, 0.1])], ["nDCG@10"])
    assert [m.best for m in found.means] == [True, True]


def test_a_system_that_is_alone_on_a_dataset_is_not_called_the_best():
    found = compare([*random_results(), result("two", "first", [1.0])], ["nDCG@10"], permutations=FEW)
    assert found.mean("two", "nDCG@10", "first") is not None
    assert [m.best for m in found.means if m.dataset == "two"] == [False]
    assert {pair.dataset for pair in found.pairs} == {"one"}
    assert found.mean("two", "nDCG@10", "second") is None


@pytest.mark.parametrize("queries", [2, 7, 12])
def test_exact_p_values_are_those_of_scipy(queries):
    stats = pytest.importorskip("scipy.stats")
    results = random_results(queries=queries)
    for pair in compare(results, ["nDCG@10"]).pairs:
        x, y = (r.values("nDCG@10") for r in results if r.retriever in (pair.system, pair.other))
        by_chance = stats.permutation_test(
            (x, y), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
        )
        assert pair.randomisation_p == pytest.approx(by_chance.pvalue, abs=1e-12)
        assert pair.t_p == pytest.approx(stats.ttest_rel(x, y).pvalue)


def test_intervals_are_those_of_scipys_bootstrap():
    stats = pytest.importorskip("scipy.stats")
    results = random_results(retrievers=("first", "second"), queries=60)
    found = compare(results, ["nDCG@10"], level=0.9, permutations=FEW)
    x, y = (r.values("nDCG@10") for r in results)
    shown = [*found.means, *found.pairs]
    for values, row in zip((x, y, x - y), shown, strict=True):
        interval = stats.bootstrap(
            (values,), np.mean, confidence_level=0.9, method="percentile", rng=np.random.default_rng(1)
        ).confidence_interval
        noise = 0.05 * (row.high - row.low)  # both are of 10,000 resamples, which moves an end by some 2 %
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high), abs=noise)
    assert found.settings.level == 0.9


def test_equivalence_and_power_are_those_of_statsmodels():
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    results = random_results(queries=40)
    for pair in compare(results, ["nDCG@10"], margin=0.07, alpha=0.01, permutations=FEW).pairs:
        x, y = (r.values("nDCG@10") for r in results if r.retriever in (pair.system, pair.other))
        assert pair.equivalence_p == pytest.approx(weightstats.ttost_paired(x, y, -0.07, 0.07)[0])
        effect = power.solve_power(nobs=40, alpha=0.01, power=0.8)
        assert pair.detectable == pytest.approx(effect * (x - y).std(ddof=1), rel=1e-4)


@pytest.mark.parametrize("baseline", [None, "second"])
def test_holm_is_over_everything_shown(baseline):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    measures = ["nDCG@10", "R@100"]
    results = random_results(("one", "two"), measures=measures)
    found = compare(results, measures, baseline, permutations=FEW)
    shown = [
        (d, m, system, other)
        for d in ("one", "two")
        for m in measures
        for system, other in (
            combinations(("first", "second", "third"), 2)
            if baseline is None
            else [("first", "second"), ("third", "second")]
        )
    ]
    assert [(p.dataset, p.measure, p.system, p.other) for p in found.pairs] == shown
    assert found.settings.tests == len(shown)
    for kind in ("randomisation", "t", "equivalence"):
        plain = [getattr(p, f"{kind}_p") for p in found.pairs]
        adjusted = multitest.multipletests(plain, method="holm")[1]
        assert [getattr(p, f"{kind}_holm") for p in found.pairs] == pytest.approx(adjusted)
        assert max(adjusted) > max(plain) or max(plain) == 1


def test_a_baseline_is_compared_with_alone_and_corrected_over_fewer_tests():
    results = random_results()
    every, against = (compare(results, ["nDCG@10"], base, permutations=FEW) for base in (None, "first"))
    assert {(p.system, p.other) for p in against.pairs} == {("second", "first"), ("third", "first")}
    assert (every.settings.tests, against.settings.tests) == (3, 2)
    ours = {frozenset((p.system, p.other)): p for p in every.pairs}
    for pair in against.pairs:
        same = ours[frozenset((pair.system, pair.other))]
        assert pair.randomisation_p == same.randomisation_p
        assert pair.randomisation_holm <= same.randomisation_holm
    assert against.settings.baseline == "first"
    assert "b" not in {letter for mean in against.means for letter in mean.letters}


def test_letters_and_verdicts_follow_the_corrected_randomisation_test():
    high, low = [0.9, 0.8, 0.7] * 6, [0.2, 0.1, 0.3] * 6
    near = [v + 0.001 * (-1) ** i for i, v in enumerate(low)]
    results = [result("d", name, values) for name, values in (("high", high), ("low", low), ("near", near))]
    found = compare(results, ["nDCG@10"])
    assert found.letters == {"high": "a", "low": "b", "near": "c"}
    assert [m.letters for m in found.means] == ["bc", "", ""]
    assert [p.verdict for p in found.pairs] == ["high is better", "high is better", "equivalent within ±0.01"]
    wide = compare(results, ["nDCG@10"], margin=0.8)
    assert wide.pairs[0].verdict == "high is better, yet equivalent within ±0.8"
    assert compare(results[:2], ["nDCG@10"], alpha=1e-9, margin=1e-9).pairs[0].verdict == "undecided"


def test_the_better_system_is_named_in_whichever_place():
    low, high = result("d", "low", [0.1, 0.2] * 6), result("d", "high", [0.6, 0.9] * 6)
    (pair,) = (found := compare([low, high], ["nDCG@10"])).pairs
    assert pair.difference < 0
    assert pair.verdict == "high is better"
    assert [m.letters for m in found.means] == ["", "a"]


def test_queries_are_paired_by_id_not_by_place():
    one, other = result("d", "one", ONE), result("d", "other", OTHER)
    turned = replace(other, per_query={"nDCG@10": dict(reversed(other.per_query["nDCG@10"].items()))})
    straight, shuffled = (compare([one, second], ["nDCG@10"]).pairs for second in (other, turned))
    assert straight == shuffled


def test_more_tests_than_sign_patterns_can_decide_are_pointed_out():
    results = random_results(queries=25)
    assert compare(results, ["nDCG@10"], permutations=59).notes == []  # 3 · 1 / 60 is 0.05
    (note,) = compare(results, ["nDCG@10"], permutations=58).notes
    assert note.startswith("3 tests are too many for 58 random sign patterns")


def test_nothing_to_compare_is_refused():
    with pytest.raises(InputError, match=r"no dataset has two systems \(systems: one, other\)"):
        compare([result("d", "one", ONE), result("e", "other", OTHER)], ["nDCG@10"])
    with pytest.raises(InputError, match="systems: none"):
        compare([], ["nDCG@10"])
    same = result("d", "one", ONE)
    with pytest.raises(InputError, match="no dataset has two systems"):
        compare([same, same], ["nDCG@10"])


def test_a_baseline_that_nothing_can_be_compared_with_is_refused():
    results = random_results()
    with pytest.raises(InputError, match=r"no system named 'forth'\nExpected: one of: first, second, third"):
        compare(results, ["nDCG@10"], "forth")
    with pytest.raises(InputError, match="no other system has a dataset of alone: two"):
        compare([*results, result("two", "alone", [0.1])], ["nDCG@10"], "alone")


def test_a_measure_that_was_not_scored_is_refused():
    with pytest.raises(InputError, match="AP was not scored for one × first"):
        compare(random_results(), ["AP"])


grades = st.lists(st.tuples(*[st.integers(0, 20)] * 2), min_size=1, max_size=14)


@settings(max_examples=25, deadline=None)
@given(grades)
def test_the_order_of_two_systems_turns_the_sign_alone(values):
    one, other = (result("d", name, [v[i] / 20 for v in values]) for i, name in enumerate(("one", "other")))
    (pair,), (turned,) = (compare(both, ["nDCG@10"], permutations=200).pairs for both in ([one, other], [other, one]))
    assert turned.difference == -pair.difference
    assert (turned.low, turned.high) == pytest.approx((-pair.high, -pair.low), abs=1e-12)
    assert turned.cohens_d == pytest.approx(-pair.cohens_d)
    assert (turned.wins, turned.ties, turned.losses) == (pair.losses, pair.ties, pair.wins)
    for name in ("randomisation_p", "t_p", "equivalence_p", "detectable"):
        assert getattr(turned, name) == pytest.approx(getattr(pair, name))
    assert turned.verdict == pair.verdict


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_system_and_its_copy_are_all_ties(values):
    found = compare([result("d", name, values) for name in ("one", "copy")], ["nDCG@10"], permutations=200)
    (pair,) = found.pairs
    assert (pair.wins, pair.ties, pair.losses) == (0, len(values), 0)
    assert (pair.difference, pair.low, pair.high, pair.cohens_d) == (0, 0, 0, 0)
    assert (pair.randomisation_p, pair.t_p, pair.equivalence_p) == (1, 1, 0)
    assert pair.verdict == "equivalent within ±0.01"
    assert [m.best for m in found.means] == [True, True]
    assert [m.letters for m in found.means] == ["", ""]


def committed(dataset: str, retriever: str) -> Measured:
    """The result that this command made, without further settings."""
    for path in sorted((RESULTS / dataset).glob(f"{retriever}-*/system.yaml")):
        if yaml.safe_load(path.read_text(encoding="utf-8"))["command"] == f"dataset={dataset} retriever={retriever}":
            return read_measured(path.parent)
    raise AssertionError(f"no result of dataset={dataset} retriever={retriever}")


def test_committed_results_have_the_p_values_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    names = ("bm25", "minilm", "hybrid")
    results = {(d, r): committed(d, r) for d in ("beir/scifact", "beir/nfcorpus") for r in names}
    found = compare(list(results.values()), ["nDCG@10", "R@100"], "bm25", permutations=20_000)
    assert len(found.pairs) == 8
    p = []
    for pair in found.pairs:
        x, y = (results[pair.dataset, name].values(pair.measure) for name in (pair.system, pair.other))
        p.append(stats.ttest_rel(x, y).pvalue)
        assert pair.t_p == pytest.approx(p[-1])
        assert pair.randomisation_p == pytest.approx(p[-1], abs=0.02)  # of so many queries they say the same
    assert [pair.t_holm for pair in found.pairs] == pytest.approx(multitest.multipletests(p, method="holm")[1])
    for (dataset, name), measured in results.items():
        mean = found.mean(dataset, "nDCG@10", name)
        assert mean is not None
        assert mean.value == pytest.approx(measured.means["nDCG@10"])
        assert mean.low < mean.value < mean.high
    verdicts = {(p.dataset, p.system): p.verdict for p in found.pairs if p.measure == "nDCG@10"}
    assert verdicts["beir/scifact", "hybrid"] == verdicts["beir/nfcorpus", "hybrid"] == "hybrid is better"
    assert verdicts["beir/scifact", "minilm"] == verdicts["beir/nfcorpus", "minilm"] == "undecided"


@pytest.mark.slow  # ranx compiles for a minute
@pytest.mark.filterwarnings("ignore:unsafe cast from uint64 to int64")  # numba's, of ranx
@pytest.mark.parametrize("gain", [0.0, 0.4])
def test_it_is_the_comparison_of_ranx(gain):
    ranx = pytest.importorskip("ranx")
    from ir_bench.evaluation.measures import evaluate
    from ir_bench.types import Run

    random = np.random.default_rng(11)
    documents = [f"d{i}" for i in range(30)]
    qrels = {f"q{i}": {d: int(random.integers(1, 3)) for d in random.choice(documents, 5, False)} for i in range(80)}

    def searched(help_: float) -> dict[str, dict[str, float]]:
        return {q: {d: float(random.random() + help_ * (d in known)) for d in documents} for q, known in qrels.items()}

    runs = {"first": searched(0.1), "second": searched(0.1 + gain)}
    measured = [
        Measured("d", name, evaluate(Run.of(scored), qrels, ["nDCG@10"]).per_query) for name, scored in runs.items()
    ]
    given_runs = [ranx.Run(scored, name=name) for name, scored in runs.items()]
    student, fisher = (
        ranx.compare(ranx.Qrels(qrels), given_runs, ["ndcg@10"], kind, n_permutations=20_000, max_p=0.05)
        for kind in ("student", "fisher")
    )
    ours = compare(measured, ["nDCG@10"])  # one pair, one measure: Holm changes nothing
    (pair,) = ours.pairs
    key = ("first", "second")
    assert pair.t_holm == pair.t_p == pytest.approx(student.comparisons[key]["ndcg@10"]["p_value"])
    assert pair.randomisation_p == pytest.approx(fisher.comparisons[key]["ndcg@10"]["p_value"], abs=0.015)
    wins = student.win_tie_loss[key]["ndcg@10"]
    assert (pair.wins, pair.ties, pair.losses) == (wins["W"], wins["T"], wins["L"])
    for mean in ours.means:
        assert mean.value == pytest.approx(student.results[mean.system]["ndcg@10"])
        assert mean.letters == fisher.get_superscript_for_latex(mean.system, "ndcg@10")
    assert bool(ours.means[1].letters) == (gain > 0)
