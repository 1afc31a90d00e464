"""Which token matched which, of every index of token vectors: what is told adds up to the score of its search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.indexes import warp
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.indexes.plaid import PlaidIndex
from ir_bench.indexes.slim import SlimIndex
from ir_bench.indexes.warp import WarpIndex
from ir_bench.indexes.xtr import XTRIndex
from ir_bench.kernels.residual import Codec
from ir_bench.protocols import Aligning
from ir_bench.transforms.centroid_terms import CentroidTerms
from ir_bench.types import Alignment, MultiVector, Strings

CENTROIDS = {"centroids": 8, "iterations": 2}
INDEXES = {
    "maxsim": lambda: MaxSimIndex(),
    "maxsim in 8 bits": lambda: MaxSimIndex(storage="int8"),
    "plaid": lambda: PlaidIndex(**CENTROIDS, bits=2, nprobe=2),
    "warp": lambda: WarpIndex(**CENTROIDS, bits=2, nprobe=1, missing_tokens=12),
    "warp of all lists": lambda: WarpIndex(**CENTROIDS, nprobe=100),
    "xtr": lambda: XTRIndex(tokens=5),
    "xtr of all tokens": lambda: XTRIndex(tokens=10**6),
    "slim": lambda: SlimIndex(CentroidTerms(centroids=8, terms=2)),
}


def vectors(lengths, seed: int = 0, dims: int = 8) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims), dtype=np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    names = Strings.of(f"t{seed}.{n}" for n in range(len(values)))
    return MultiVector(values, np.cumsum([0, *lengths]), np.arange(len(values), dtype=np.int32), names)


def aligned(index: Aligning, query: MultiVector, row: int, documents: MultiVector) -> Alignment:
    return index.align(query, [row], documents)[0]


@pytest.mark.parametrize("name", INDEXES)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=12).filter(any),
    asked=st.integers(0, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=15, deadline=None)
def test_matches_of_a_hit_add_up_to_its_score(name, lengths, asked, seed):
    documents, query = vectors([*lengths, 0], seed), vectors([asked], seed + 100)
    index = INDEXES[name]()
    index.build(documents)
    hits = index.search(query, len(documents))
    for row, score in zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True):
        if row < 0:
            continue
        found = aligned(index, query, row, documents)
        assert sum(match.score for match in found.matches()) == pytest.approx(score, abs=1e-4)
        assert sum(found.adds()) == pytest.approx(score, abs=1e-4)
        assert list(found.query_terms) == query.names(0)
        assert list(found.document_terms) == documents.names(row)
        for match in found.matches():
            assert match.imputed == (match.document_term is None)
            assert match.score == pytest.approx(match.query_weight * match.document_weight)
    assert aligned(index, query, len(lengths), documents).matches() == []  # a document without tokens


@pytest.mark.parametrize("index", [PlaidIndex(bits=8, centroids=16), WarpIndex(bits=8, centroids=16, nprobe=4)])
def test_coded_tokens_keep_the_names_and_places_of_their_vectors(index):
    """Eight bits are nearly exact, so a token under another's name would show."""
    documents, query = vectors([7, 0, 30, 1], dims=64), vectors([5], 1, dims=64)
    index.build(documents)
    compared = 0
    for row in range(4):
        similarities = aligned(index, query, row, documents).similarities
        exact = query.values @ documents.row(row).T
        read = ~np.isnan(similarities)
        np.testing.assert_allclose(similarities[read], exact[read], atol=0.05)
        compared += read.sum()
    assert 0 < compared <= 5 * 38


def test_tokens_between_two_lists_stand_where_the_lists_have_them():
    centroids = np.eye(3, dtype=np.float32)
    between = np.array([[0, 1, 0], [0.7, 0.7, 0], [0, 0, 1], [1, 0, 0]], np.float32)
    for codes, expected in (([0, 0, 1, 2], [1, 3, 0, 2]), ([0, 1, 1, 2], [3, 0, 1, 2])):
        assert warp._places(between, centroids, np.array(codes, np.int32)).tolist() == expected


def test_saved_and_loaded_indexes_tell_the_same(tmp_path):
    documents, query = vectors([4, 0, 9]), vectors([3], 1)
    for name, again in (("plaid", PlaidIndex(bits=2)), ("warp", WarpIndex(bits=2, nprobe=1, missing_tokens=12))):
        index = INDEXES[name]()
        index.build(documents)
        index.save(tmp_path / name)
        again.load(tmp_path / name)
        first, second = (aligned(each, query, 2, documents).similarities for each in (index, again))
        np.testing.assert_array_equal(first, second)


def test_warp_imputes_the_product_with_a_farther_centroid():
    documents, query = vectors([3] * 20), vectors([4], 1)
    index = WarpIndex(centroids=8, nprobe=1, bound=1)
    index.build(documents)
    centroids = Codec.trained(documents, 8, 4, 4, 1 << 20, 0).centroids
    nearest = (query.values @ centroids.T).max(axis=1)
    row = int(index.search(query, 1).rows[0, 0])
    matches = aligned(index, query, row, documents).matches()
    assert any(match.imputed for match in matches)
    for match, product in zip(matches, nearest.tolist(), strict=True):
        assert not match.imputed or match.score == pytest.approx(product, abs=1e-5)


def test_slim_matches_only_tokens_that_share_a_term():
    documents = MultiVector(np.eye(3, dtype=np.float32)[[0, 1]], np.array([0, 2]))
    index = SlimIndex(CentroidTerms(centroids=2, terms=1))
    index.build(documents)
    query = replace(documents, values=np.array([[1, 0, 0], [0, 0, 1]], np.float32))
    found = aligned(index, query, 0, documents)
    assert [match.term for match in found.matches()] == ["#1"]
    assert found.nearest()[1] == -1
    assert found.adds()[1] == 0


@pytest.mark.parametrize("name", INDEXES)
def test_mistakes_are_told(name):
    index, documents = INDEXES[name](), vectors([2, 3])
    index.build(documents)
    with pytest.raises(InputError, match="dimensions"):
        index.align(vectors([1], dims=5), [0], documents)
    bad = vectors([2])
    bad.values[1, 0] = np.nan
    with pytest.raises(InputError, match=r"not finite|NaN or infinite"):
        index.align(bad, [0], documents)


@pytest.mark.parametrize("name", ["maxsim", "plaid", "warp", "slim"])
def test_nothing_is_told_before_build(name):
    with pytest.raises(InputError, match="before build"):
        INDEXES[name]().align(vectors([1]), [0], vectors([1]))
