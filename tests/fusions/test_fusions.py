"""Fusions: hand arithmetic, agreement with ranx, and properties that hold for any runs."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import yaml
from contracts import CONF
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.fusions.comb_mnz import CombMNZ
from ir_bench.fusions.comb_sum import CombSum
from ir_bench.fusions.linear import Linear
from ir_bench.fusions.product import Product
from ir_bench.fusions.reciprocal_rank import ReciprocalRank
from ir_bench.protocols import Fusion
from ir_bench.types import Run

EVERY = [ReciprocalRank(), Linear(), CombSum(), CombMNZ(), Product()]
FROM_RANKS_OR_SCORES = pytest.mark.parametrize("fusion", EVERY, ids=lambda f: type(f).__name__)

# lexical, min-max: a 1, b 0.25, c 0; dense, min-max: b 1, d 0
LEXICAL = Run.of({"q": {"a": 9.0, "b": 3.0, "c": 1.0}, "only lexical": {"a": 2.0, "b": 1.0}})
DENSE = Run.of({"q": {"b": 0.5, "d": 0.25}, "only dense": {"c": 1.0}, "only lexical": {}})
RUNS = {"lexical": LEXICAL, "dense": DENSE}


def fused(fusion, query="q", k=10):
    return fusion(RUNS, k).scored()[query]


@pytest.mark.parametrize(
    ("fusion", "expected"),
    [
        (ReciprocalRank(), {"b": 1 / 62 + 1 / 61, "a": 1 / 61, "d": 1 / 62, "c": 1 / 63}),
        (ReciprocalRank(k0=0), {"b": 1 / 2 + 1, "a": 1, "d": 1 / 2, "c": 1 / 3}),
        (
            ReciprocalRank(weights={"lexical": 2, "dense": 0.5}),
            {"b": 2 / 62 + 0.5 / 61, "a": 2 / 61, "c": 2 / 63, "d": 0.5 / 62},
        ),
        (Linear(), {"b": (0.25 + 1) / 2, "a": 1 / 2, "d": 0, "c": 0}),
        (Linear({"lexical": 0.8, "dense": 0.2}), {"a": 0.8, "b": 0.2 + 0.2, "d": 0, "c": 0}),
        (Linear({"lexical": 0.1, "dense": 1}, "none"), {"a": 0.9, "b": 0.3 + 0.5, "c": 0.1, "d": 0.25}),
        (
            Linear({"lexical": 0.1, "dense": 1}, "none", "minimum"),
            {"a": 0.9 + 0.25, "b": 0.3 + 0.5, "c": 0.1 + 0.25, "d": 0.1 + 0.25},
        ),
        (  # from the lowest possible scores 0 and -1: 9/9, 3/9, 1/9 and 1.5/1.5, 1.25/1.5
            Linear({"lexical": 1, "dense": 1}, lowest={"lexical": 0, "dense": -1}),
            {"a": 1, "b": 3 / 9 + 1, "c": 1 / 9, "d": 1.25 / 1.5},
        ),
        (CombSum(), {"b": 1.25, "a": 1, "d": 0, "c": 0}),
        (CombSum("none"), {"a": 9, "b": 3.5, "c": 1, "d": 0.25}),
        (CombMNZ(), {"b": 2 * 1.25, "a": 1, "d": 0, "c": 0}),
        (CombMNZ("none"), {"a": 9, "b": 2 * 3.5, "c": 1, "d": 0.25}),
        (Product(), {"b": 1.5, "a": 0, "c": 0, "d": 0}),
        (Product(missing="minimum"), {"a": 9 * 0.25, "b": 3 * 0.5, "c": 1 * 0.25, "d": 1 * 0.25}),
    ],
    ids=repr,
)
def test_by_hand(fusion, expected):
    found = fused(fusion)
    assert found == pytest.approx(expected, rel=1e-6)
    assert list(found) == sorted(expected, key=lambda d: (np.float32(expected[d]), d), reverse=True)


@FROM_RANKS_OR_SCORES
def test_queries_are_those_of_any_run(fusion):
    result = fusion(RUNS, 10)
    assert set(result) == {"q", "only lexical", "only dense"}
    assert list(result["only lexical"].documents) == ["a", "b"]
    assert list(result["only dense"].documents) == ["c"]


@FROM_RANKS_OR_SCORES
def test_a_query_without_results_anywhere_has_none(fusion):
    assert len(fusion({"x": Run.of({"q": {}}), "y": Run.of({})}, 5)["q"]) == 0


@FROM_RANKS_OR_SCORES
def test_k_cuts_and_is_checked(fusion):
    assert len(fusion(RUNS, 2)["q"]) == 2
    assert fusion(RUNS, 2) == fusion(RUNS, 100).top(2)
    for k in (0, -1, 1.5):
        with pytest.raises(InputError, match="number of hits"):
            fusion(RUNS, k)


@FROM_RANKS_OR_SCORES
def test_no_runs_are_an_error(fusion):
    with pytest.raises(InputError, match="no runs"):
        fusion({}, 5)


@pytest.mark.parametrize("make", [Linear, ReciprocalRank])
def test_weights_must_fit_the_runs(make):
    with pytest.raises(InputError, match=r"a weight for 'bm25'"):
        make(weights={"bm25": 1, "dense": 1})(RUNS, 5)
    with pytest.raises(InputError, match=r"'dense' has no weight"):
        make(weights={"lexical": 1})(RUNS, 5)


def test_settings_that_mean_nothing_are_errors():
    with pytest.raises(InputError, match="k0 is -61"):
        ReciprocalRank(k0=-61)(RUNS, 5)
    with pytest.raises(InputError, match="stated for 'bm25'"):
        Linear(lowest={"bm25": 0})(RUNS, 5)
    with pytest.raises(InputError, match="lowest scores are stated"):
        Linear(lowest={"lexical": 0}, normalisation="z_score")(RUNS, 5)


def test_a_product_refuses_negative_scores():
    # two negative cosines would multiply to a positive score
    runs = {"x": Run.of({"q": {"a": -0.5, "b": 0.1}}), "y": Run.of({"q": {"a": -0.9, "b": 0.1}})}
    with pytest.raises(InputError, match=r"query 'q' has the score -0\.9"):
        Product()(runs, 5)
    assert Product("min_max")(runs, 5)["q"].documents[0] == "b"


def test_weight_one_and_weights_zero_give_the_run_back():
    for fusion in (ReciprocalRank(weights={"lexical": 1, "dense": 0}), Linear({"lexical": 1, "dense": 0}, "none")):
        assert list(fusion(RUNS, 3)["q"].documents) == ["a", "b", "c"]
    assert fused(Linear({"lexical": 1, "dense": 0}, "none")) == {"a": 9, "b": 3, "c": 1, "d": 0}


def _runs(seed: int = 7) -> dict[str, Run]:
    """Three runs of six documents with scales of their own; the same numbers went through ranx."""
    rand = random.Random(seed)
    return {
        name: Run.of({"q0": {f"d{d}": round(rand.random() * scale + shift, 4) for d in rand.sample(range(12), 6)}})
        for name, scale, shift in (("lexical", 30.0, 0.0), ("dense", 1.0, -0.5), ("sparse", 8.0, 2.0))
    }


WEIGHTS = {"lexical": 0.5, "dense": 0.3, "sparse": 0.2}
# Computed with ranx 0.3.21 (PyPI) on 2026-11-22: fuse(runs, norm=..., method="rrf" | "sum" | "mnz" | "wsum").
DOCUMENTS = ["d0", "d1", "d2", "d3", "d5", "d6", "d7", "d8", "d9", "d10", "d11"]
# fmt: off
RANX = [
    (ReciprocalRank(),
     [0.047379, 0.031281, 0.032018, 0.031281, 0.016393, 0.047163, 0.015152, 0.015873, 0.015873, 0.015873, 0.015385]),
    (CombSum("min_max"),
     [2.249027, 0.85338, 1.658511, 0.808122, 1.0, 1.587106, 0.0, 0.611239, 0.794865, 0.789727, 0.120646]),
    (CombMNZ("min_max"),
     [6.74708, 1.706761, 3.317023, 1.616245, 1.0, 4.761319, 0.0, 0.611239, 0.794865, 0.789727, 0.120646]),
    (Linear(WEIGHTS, "min_max"),
     [0.787701, 0.256014, 0.529256, 0.161624, 0.5, 0.429763, 0.0, 0.183372, 0.397432, 0.157945, 0.036194]),
    (CombSum("z_score"),
     [1.320786, -0.495481, 1.307494, -0.95337, 1.053075, -0.313273,
      -2.035809, 0.245811, 0.547278, 0.437797, -1.114308]),
    (CombMNZ("z_score"),
     [3.962358, -0.990962, 2.614989, -1.906741, 1.053075, -0.939818,
      -2.035809, 0.245811, 0.547278, 0.437797, -1.114308]),
    (Linear(WEIGHTS, "z_score"),
     [0.545515, -0.431165, 0.324821, -0.335553, 0.526538, -0.323643,
      -0.407162, 0.073743, 0.273639, 0.087559, -0.334293]),
    (CombSum("max"),
     [1.967507, 0.800148, 1.682406, 0.040513, 1.0, 1.826191, 0.378809, 0.284566, 0.809218, 0.86938, -0.618271]),
    (CombMNZ("max"),
     [5.902521, 1.600296, 3.364812, 0.081025, 1.0, 5.478574, 0.378809, 0.284566, 0.809218, 0.86938, -0.618271]),
    (Linear(WEIGHTS, "max"),
     [0.694798, 0.254039, 0.541203, -0.075927, 0.5, 0.497708, 0.075762, 0.08537, 0.404609, 0.173876, -0.185481]),
    (CombSum("sum"),
     [0.643621, 0.272171, 0.447998, 0.207225, 0.290914, 0.470902, 0.0, 0.194944, 0.231238, 0.202508, 0.038478]),
    (CombMNZ("sum"),
     [1.930862, 0.544343, 0.895997, 0.41445, 0.290914, 1.412707, 0.0, 0.194944, 0.231238, 0.202508, 0.038478]),
    (Linear(WEIGHTS, "sum"),
     [0.228564, 0.081651, 0.147071, 0.041445, 0.145457, 0.129664, 0.0, 0.058483, 0.115619, 0.040502, 0.011543]),
]
# fmt: on


@pytest.mark.parametrize(("fusion", "expected"), RANX, ids=lambda x: "" if isinstance(x, list) else repr(x))
def test_agrees_with_ranx(fusion, expected):
    found = fusion(_runs(), 20).scored()["q0"]
    assert found == pytest.approx(dict(zip(DOCUMENTS, expected, strict=True)), abs=2e-6)


documents = st.dictionaries(st.sampled_from([f"d{i}" for i in range(12)]), st.integers(0, 50).map(float), max_size=8)
some_runs = st.dictionaries(
    st.sampled_from(["x", "y", "z"]), st.dictionaries(st.sampled_from(["q", "r"]), documents), min_size=1
).map(lambda runs: {name: Run.of(scored) for name, scored in runs.items()})
anything = st.sampled_from([*EVERY, Linear(missing="minimum"), CombSum("z_score"), CombMNZ("sum"), Product("sum")])


@settings(deadline=None)
@given(some_runs, anything)
def test_the_order_of_runs_does_not_matter(runs, fusion):
    results = [fusion({name: runs[name] for name in names}, 20) for names in itertools.permutations(runs)]
    assert all(result == results[0] for result in results)


@settings(deadline=None)
@given(some_runs, anything)
def test_documents_are_those_of_any_run_each_once(runs, fusion):
    result = fusion(runs, 1000)
    for query in result:
        union = set().union(*(run[query].documents for run in runs.values() if query in run.rankings))
        assert sorted(result[query].documents) == sorted(union)


@settings(deadline=None)
@given(documents, st.sampled_from(EVERY), st.integers(1, 3))
def test_fusing_a_run_with_itself_keeps_its_order(scored, fusion, copies):
    run = Run.of({"q": scored})
    result = fusion({f"copy {i}": run for i in range(copies)}, 1000)
    assert list(result["q"].documents) == list(run["q"].documents)


@settings(deadline=None)
@given(documents, documents, st.integers(1, 5), st.integers(-3, 3))
def test_reciprocal_ranks_do_not_depend_on_scores(first, second, power, shift):
    before = {"x": Run.of({"q": first}), "y": Run.of({"q": second})}
    # another score for each rank, equal ones kept equal: x -> (x + 1)^power + shift rises
    changed = {
        name: Run.of({"q": {d: (s + 1) ** power + shift for d, s in run.scored()["q"].items()}})
        for name, run in before.items()
    }
    if all(list(before[n]["q"].documents) == list(changed[n]["q"].documents) for n in before):
        assert ReciprocalRank()(before, 20) == ReciprocalRank()(changed, 20)


@settings(deadline=None)
@given(documents, documents, st.integers(1, 20), st.integers(-20, 20))
def test_min_max_sums_do_not_depend_on_scale_and_shift(first, second, factor, shift):
    """Integers, so that the changed scores are exact and equal scores stay equal."""
    before = {"x": Run.of({"q": first}), "y": Run.of({"q": second})}
    changed = {"x": Run.of({"q": {d: s * factor + shift for d, s in first.items()}}), "y": before["y"]}
    for fusion in (CombSum(), CombMNZ(), Linear(), Linear(missing="minimum")):
        ours, theirs = fusion(before, 20).scored()["q"], fusion(changed, 20).scored()["q"]
        assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("part", EVERY, ids=lambda f: type(f).__name__)
def test_the_configuration_states_the_defaults(part):
    assert isinstance(part, Fusion)
    module = type(part).__module__
    settings = yaml.safe_load((CONF / "fusion" / f"{module.rpartition('.')[2]}.yaml").read_text(encoding="utf-8"))
    assert settings.pop("_target_") == f"{module}.{type(part).__name__}"
    assert type(part)(**settings) == part
    assert set(settings) == set(part.__dataclass_fields__)
