"""statistics.js against numpy and scipy, run in the browser."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

RUN = "g => { let step; do step = g.next(); while (!step.done); return step.value; }"


@pytest.fixture
def evaluate(browser, script):
    page = browser.new_page()
    page.set_content(f"<script>{script('statistics')}\nconst run = {RUN};</script>")
    yield lambda code, *values: page.evaluate(f"values => {{ const [x, y] = values; return {code}; }}", list(values))
    page.close()


def values(seed: int, size: int) -> list[float]:
    return np.random.default_rng(seed).beta(0.6, 0.7, size).round(4).tolist()


def test_mean_and_quantile(evaluate):
    x = sorted(values(1, 37))
    assert evaluate("mean(x)", x) == pytest.approx(np.mean(x))
    assert evaluate("[mean([]), mean([3])]") == [0, 3]
    for share in (0, 0.025, 0.5, 0.975, 1):
        assert evaluate("quantile(x, y)", x, share) == pytest.approx(np.quantile(x, share))


@pytest.mark.parametrize("size", [12, 300])
def test_the_interval_is_the_percentile_bootstrap(evaluate, size):
    x = values(2, size)
    known = scipy.stats.bootstrap(
        (x,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    width = known.high - known.low
    assert evaluate("run(bootstrapped(x))", x) == pytest.approx([known.low, known.high], abs=0.04 * width)


def randomisation(differences, **more):
    return scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", rng=np.random.default_rng(0), **more
    ).pvalue


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_randomisation_test_of_few_queries_is_exact(evaluate, seed):
    d = np.subtract(values(seed, 10), values(seed + 10, 10))
    found = evaluate("run(randomised(x))", d.tolist())
    assert found == {"p": pytest.approx(randomisation(d, n_resamples=np.inf)), "rounds": 2 ** np.count_nonzero(d)}


@pytest.mark.parametrize("shift", [0.0, 0.06])
def test_the_randomisation_test_of_many_queries(evaluate, shift):
    d = np.subtract(values(6, 200), values(7, 200)) + shift
    p = randomisation(d, n_resamples=20_000)
    error = 4 * np.sqrt(p * (1 - p) / 10_000) + 1e-3
    assert evaluate("run(randomised(x)).p", d.tolist()) == pytest.approx(p, abs=error)


def test_queries_without_a_difference_change_nothing(evaluate):
    d = np.subtract(values(8, 9), values(9, 9)).tolist()
    assert evaluate("run(randomised(x)).p", [*d, 0, 0, 0]) == evaluate("run(randomised(x)).p", d)
    assert evaluate("run(randomised([0, 0]))") == {"p": 1, "rounds": 0}


def test_wins_ties_and_losses(evaluate):
    found = evaluate("({...paired(x, y), differences: null})", [0.5, 0.5, 0.1, 0], [0.75, 0.5, 0, 1])
    expected = {"wins": 2, "ties": 1, "losses": 1, "difference": pytest.approx(0.2875), "differences": None}
    assert found == expected


def test_the_same_numbers_each_time(evaluate):
    x = values(10, 50)
    assert evaluate("run(bootstrapped(x))", x) == evaluate("run(bootstrapped(x))", x)


def test_work_that_is_no_longer_wanted_stops(evaluate):
    d = values(11, 400)
    assert evaluate("inPieces(bootstrapped(x), () => false)", d) is None
    assert evaluate("inPieces(bootstrapped(x), () => true)", d) == evaluate("run(bootstrapped(x))", d)
