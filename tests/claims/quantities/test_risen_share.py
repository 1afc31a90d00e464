"""On how many queries a measure is higher by some amount."""

from __future__ import annotations

import numpy as np
import pytest
from claims.build import roles, scored
from scipy import stats

from ir_bench.claims.quantities.risen_share import risen_share
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured
from ir_bench.types import Ranking, Run

GIVEN = {"measure": "P@10", "by": 0.3, "level": 0.95, "seed": 0}


def result(values: list[float], silent: tuple[int, ...] = ()) -> Measured:
    """A result of queries q0, q1, … of which `silent` find nothing."""
    found = Run({f"q{i}": Ranking(["d"], np.ones(1, np.float32)) for i in range(len(values)) if i not in silent})
    return scored("x", {"P@10": values}, run=found)


def test_a_rise_of_exactly_that_much_counts() -> None:
    """0.7 - 0.4 is 0.29999999999999993 in binary."""
    found = risen_share({"a": roles(of=result([0.8, 0.7, 0.5, 0.2]), over=result([0.5, 0.4, 0.3, 0.4]))}, **GIVEN)
    assert found.value == 2 / 4
    assert found.per_dataset == {"a": "2 of 4"}
    assert found.queries == 4


def test_queries_that_find_nothing_or_have_no_room_do_not_count() -> None:
    of, over = result([0.9, 0.0, 0.9, 0.9], silent=(1,)), result([0.1, 0.0, 0.8, 0.3])
    assert risen_share({"a": roles(of=of, over=over)}, **GIVEN).per_dataset == {"a": "2 of 3"}
    assert risen_share({"a": roles(of=of, over=over)}, **GIVEN, most=0.7).per_dataset == {"a": "2 of 2"}
    silent = result([0.1, 0.0, 0.8, 0.3], silent=(3,))
    assert risen_share({"a": roles(of=of, over=silent)}, **GIVEN).per_dataset == {"a": "1 of 2"}
    with pytest.raises(InputError, match="no query of a counts"):
        risen_share({"a": roles(of=of, over=over)}, **GIVEN, most=0.05)


def test_datasets_weigh_the_same_and_the_interval_is_that_of_the_binomial() -> None:
    random = np.random.default_rng(3)
    risen = random.random(400) < 0.6
    many = roles(of=result((0.5 * risen).tolist()), over=result([0.0] * 400))
    found = risen_share({"a": many}, **GIVEN)
    low, high = stats.binom.ppf([0.025, 0.975], 400, risen.mean()) / 400
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=0.005)
    one = roles(of=result([1.0]), over=result([0.0]))
    assert risen_share({"a": many, "b": one}, **GIVEN).value == pytest.approx((risen.mean() + 1) / 2)


def test_other_data_are_refused() -> None:
    with pytest.raises(InputError, match="different queries"):
        risen_share({"a": roles(of=result([0.5]), over=result([0.5, 0.1]))}, **GIVEN)
