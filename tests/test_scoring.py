import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.scoring import best, merge, require_depth, require_finite
from ir_bench.types import Hits


def oracle(row, k):
    return sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]


SCORES = st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=12)


@given(SCORES, st.integers(1, 15))
def test_best_is_a_full_sort_cut_at_k(row, k):
    hits = best(np.array([row], np.float32), k)
    assert hits.rows[0].tolist() == oracle(row, k)
    assert hits.scores[0].tolist() == [row[i] for i in hits.rows[0]]


@given(SCORES, st.integers(0, 12), st.integers(1, 15))
def test_merging_the_best_of_two_halves_is_the_best_of_the_whole(row, cut, k):
    cut = min(cut, len(row))
    parts = []
    for start, part in ((0, row[:cut]), (cut, row[cut:])):
        hits = best(np.array([part], np.float32), k) if part else None
        rows, scores = np.full((1, k), -1), np.full((1, k), -np.inf, np.float32)
        if hits is not None:
            rows[0, : hits.rows.shape[1]] = hits.rows[0] + start
            scores[0, : hits.rows.shape[1]] = hits.scores[0]
        parts.append(Hits(rows, scores))
    merged = merge(*parts, k)
    assert [r for r in merged.rows[0].tolist() if r >= 0] == oracle(row, k)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, None])
def test_depth_must_be_a_whole_number_of_at_least_one(k):
    with pytest.raises(InputError, match="number of hits"):
        require_depth(k)


def test_a_vector_of_nan_is_named():
    values = np.zeros((3, 2))
    require_finite(values, "document")
    values[1, 1] = np.nan
    with pytest.raises(InputError, match="document 1"):
        require_finite(values, "document")
