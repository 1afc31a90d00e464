"""The mean of a measure."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import roles, scored, two_datasets
from scipy import stats

from ir_bench.claims.quantities.mean import mean
from ir_bench.errors import InputError


def test_datasets_weigh_the_same() -> None:
    cells = {"a": roles(of=scored("x", {"AP": [0.25, 0.75]})), "b": roles(of=scored("x", {"AP": [1, 1, 1, 1]}))}
    found = mean(cells, "AP", 0.95, 0)
    assert found.value == (0.5 + 1) / 2  # over queries it would be 5/6
    assert (found.low, found.high) == ((0.25 + 1) / 2, (0.75 + 1) / 2)  # both queries of the first set the same one
    assert (found.queries, found.p, found.per_dataset) == (6, None, {"a": "0.5000", "b": "1.0000"})


def test_the_interval_is_that_of_scipy() -> None:
    x, _, z, _ = two_datasets()
    found = mean({n: roles(of=scored("x", {"AP": v})) for n, v in (("a", x), ("b", z))}, "AP", 0.95, 0)
    theirs = stats.bootstrap(
        (x, z), lambda a, b, axis=-1: (a.mean(axis=axis) + b.mean(axis=axis)) / 2, n_resamples=10_000,
        method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose([found.low, found.high], theirs, atol=0.003)


def test_a_measure_that_was_not_scored_is_refused() -> None:
    with pytest.raises(InputError, match="RR was not scored for tiny × x"):
        mean({"a": roles(of=scored("x", {"AP": [1]}))}, "RR", 0.95, 0)
