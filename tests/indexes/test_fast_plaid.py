"""fast-plaid against exact MaxSim where it is installed, and what is said where it is not."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.indexes.fast_plaid import FastPlaidIndex
from ir_bench.scoring import maxsim
from ir_bench.types import MultiVector

installed = pytest.mark.skipif(find_spec("fast_plaid") is None, reason="fast-plaid is not installed")


def vectors(lengths, seed: int = 0, dims: int = 64) -> MultiVector:
    random = np.random.default_rng(seed)
    topics = np.random.default_rng(9).standard_normal((20, dims))
    values = topics[random.integers(0, 20, sum(lengths))] + 0.5 * random.standard_normal((sum(lengths), dims))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return MultiVector(values.astype(np.float32), np.cumsum([0, *lengths]))


@installed
def test_finds_what_maxsim_finds_and_is_saved(tmp_path):
    documents = vectors([0, *np.random.default_rng(3).integers(5, 40, 150).tolist()])
    queries = vectors([8, 0, 5], seed=4)
    index = FastPlaidIndex(nprobe=32)
    index.build(documents)
    hits = index.search(queries, 10)
    exact = maxsim(queries, documents)
    assert (hits.rows[1] == -1).all()
    for i in (0, 2):
        best = set(np.argsort(-exact[i])[:10].tolist())
        assert len(best & set(hits.rows[i].tolist())) >= 8
        np.testing.assert_allclose(hits.scores[i], exact[i][hits.rows[i]], rtol=0.03)
    index.save(tmp_path)
    again = FastPlaidIndex(nprobe=32)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.search(queries, 10).rows, hits.rows)
    with pytest.raises(InputError, match="queries have 8 dimensions, the documents 64"):
        index.search(vectors([2], dims=8), 1)


@pytest.mark.skipif(find_spec("fast_plaid") is not None, reason="fast-plaid is installed")
def test_without_the_package_it_says_what_to_install():
    with pytest.raises(InputError, match="fast-plaid cannot be imported"):
        FastPlaidIndex().build(vectors([2]))


def test_search_before_build_and_k_below_one_are_told():
    with pytest.raises(InputError, match="before build"):
        FastPlaidIndex().search(vectors([1]), 1)
    with pytest.raises(InputError, match="number of hits"):
        FastPlaidIndex().search(vectors([1]), 0)
