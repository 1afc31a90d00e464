"""The ratio between two systems."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import roles, scored, two_datasets
from scipy import stats

from ir_bench.claims.finding import UNDECIDED, decide
from ir_bench.claims.quantities.ratio import ratio
from ir_bench.errors import InputError


def test_it_is_of_means_and_datasets_weigh_the_same() -> None:
    cells = {
        "a": roles(of=scored("x", {"AP": [0.5, 0.5]}), over=scored("y", {"AP": [0.25, 0.25]})),
        "b": roles(of=scored("x", {"AP": [0.25] * 4}), over=scored("y", {"AP": [0.5] * 4})),
    }
    found = ratio(cells, "AP", 0.95, 0, size=1)
    assert found.value == pytest.approx(((0.5 + 0.25) / 2) / ((0.25 + 0.5) / 2)) == 1
    assert (found.queries, found.per_dataset) == (6, {"a": "0.5000 / 0.2500", "b": "0.2500 / 0.5000"})


def test_the_interval_is_that_of_scipy() -> None:
    x, y, _, _ = two_datasets()
    found = ratio({"a": roles(of=scored("x", {"AP": x}), over=scored("y", {"AP": y}))}, "AP", 0.95, 0, size=1)
    theirs = stats.bootstrap(
        (x, y), lambda a, b, axis=-1: a.mean(axis=axis) / b.mean(axis=axis), n_resamples=10_000, method="percentile",
        paired=True, rng=1,
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx(x.mean() / y.mean())
    np.testing.assert_allclose([found.low, found.high], theirs, atol=0.005)


def test_p_is_of_the_claimed_size() -> None:
    over = [0.25, 0.5, 0.75]
    cells = {"a": roles(of=scored("x", {"AP": [2 * v for v in over]}), over=scored("y", {"AP": over}))}
    assert ratio(cells, "AP", 0.95, 0, size=2).p == 1  # of − 2 · over is zero in every query
    assert ratio(cells, "AP", 0.95, 0, size=1).p == 2 / 8


def test_where_over_finds_nothing_there_is_no_ratio() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [0.5, 0.5]}), over=scored("y", {"AP": [0, 0]}))}
    with pytest.raises(InputError, match="AP of `over` is zero for every query"):
        ratio(cells, "AP", 0.95, 0, size=1)


def test_where_many_resamples_have_no_ratio_nothing_is_decided() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [0, 1]}), over=scored("y", {"AP": [0, 1]}))}
    found = ratio(cells, "AP", 0.95, 0, size=1)  # a quarter of the resamples is the first query twice: 0 / 0
    assert found.value == 1
    for direction in ("at least", "at most", "within"):
        assert decide(found, direction, 0.5) == UNDECIDED


def test_another_corpus_is_refused() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [1]}), over=scored("y", {"AP": [1]}, corpus="c1"))}
    with pytest.raises(InputError, match="different corpus"):
        ratio(cells, "AP", 0.95, 0, size=1)
