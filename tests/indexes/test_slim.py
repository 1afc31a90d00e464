"""Sparse late interaction: the bounds hold, and the limit is a double loop over dense vectors."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.slim import SlimIndex
from ir_bench.transforms.centroid_terms import CentroidTerms
from ir_bench.transforms.token_pca import TokenPCA
from ir_bench.types import MultiVector, Sparse, Strings


@dataclass
class AsTheyAre:
    """Positive coordinates are the weights of so many terms; a token at a time, so nothing is folded."""

    accepts = MultiVector
    produces = Sparse

    def fit(self, documents):
        pass

    def documents(self, vectors):
        assert (np.diff(vectors.offsets) == 1).all()
        at, which = np.nonzero(vectors.values > 0)
        counts = np.bincount(at, minlength=len(vectors))
        weights = vectors.values[at, which].astype(np.float32)
        names = Strings.of(map(str, range(vectors.values.shape[1])))
        return Sparse(which.astype(np.int32), weights, np.cumsum([0, *counts]), names)

    queries = documents


def vectors(lengths, seed: int = 0, dims: int = 9) -> MultiVector:
    random = np.random.default_rng(seed)
    values = random.standard_normal((sum(lengths), dims)) * (random.random((sum(lengths), dims)) < 0.4)
    return MultiVector(values.astype(np.float32), np.cumsum([0, *lengths]))


def built(documents: MultiVector, **settings) -> SlimIndex:
    index = SlimIndex(AsTheyAre(), **settings)
    index.build(documents)
    return index


def by_hand(query: np.ndarray, document: np.ndarray) -> tuple[float, float, float]:
    """(lower bound, score, upper bound) in float64."""
    q, d = np.maximum(query, 0).astype(float), np.maximum(document, 0).astype(float)
    heaviest = np.zeros_like(q)
    at = np.arange(len(q)), q.argmax(1)
    heaviest[at] = q[at]
    largest = d.max(0)
    return heaviest.sum(0) @ largest, (q @ d.T).max(1).sum(), q.sum(0) @ largest


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_bounds_hold_and_all_candidates_are_exact(lengths, asked, seed):
    documents, queries = vectors(lengths, seed), vectors([asked], seed + 1)
    hits = built(documents, candidates=100).search(queries, 100)
    got = {r: s for r, s in zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True) if r >= 0}
    for row in range(len(lengths)):
        lower, score, upper = by_hand(queries.row(0), documents.row(row))
        assert lower <= score + 1e-5
        assert score <= upper + 1e-5
        assert got.get(row, 0) == pytest.approx(score, abs=1e-5)
        assert (row in got) == (upper > 0)


def test_candidates_are_those_of_the_highest_bounds():
    documents, queries = vectors([3] * 30), vectors([4], 5)
    bounds = []
    for row in range(30):
        lower, _, upper = by_hand(queries.row(0), documents.row(row))
        bounds.append(0.2 * lower + 0.8 * upper)
    with cost.ledger() as notes:
        hits = built(documents, candidates=7, beta=0.2).search(queries, 30)
    assert set(hits.rows[0][:7].tolist()) == set(np.argsort(bounds)[-7:].tolist())
    assert (hits.rows[0][7:] == -1).all()
    assert notes["documents_compared"] == 7
    json.dumps(notes)  # as the harness writes them
    assert notes["postings_read"] >= notes["documents_matched"] >= 7


def test_small_weights_can_be_left_out_of_the_lists():
    documents, queries = vectors([2] * 20), vectors([3], 5)
    with cost.ledger() as all_of_them:
        built(documents).search(queries, 5)
    with cost.ledger() as some:
        built(documents, least_weight=0.8).search(queries, 5)
    assert 0 < some["postings_read"] < all_of_them["postings_read"]


def test_empty_texts_and_hostile_input():
    documents = vectors([0, 3, 0, 2])
    hits = built(documents).search(vectors([0, 2], 3), 4)
    assert (hits.rows[0] == -1).all()
    assert set(hits.rows[1].tolist()) <= {-1, 1, 3}
    with pytest.raises(InputError, match="before build"):
        SlimIndex(AsTheyAre()).search(documents, 1)
    with pytest.raises(InputError, match="number of hits"):
        built(documents).search(documents, 0)
    with pytest.raises(InputError, match="TokenPCA does not turn token vectors into sparse ones"):
        SlimIndex(TokenPCA())


def test_centroid_terms_of_single_tokens_and_their_foldings():
    documents = vectors([6, 0, 4], dims=5)
    lexical = CentroidTerms(centroids=8, terms=3)
    lexical.fit(documents)
    weights = np.log1p(np.maximum(documents.values @ lexical._centroids.T, 0))
    weights[weights < np.sort(weights, axis=1)[:, [-3]]] = 0
    for folded, rule in ((lexical.documents(documents), np.max), (lexical.queries(documents), np.sum)):
        for i in range(3):
            span = slice(documents.offsets[i], documents.offsets[i + 1])
            expected = rule(weights[span], axis=0) if i != 1 else np.zeros(8)
            got = np.zeros(8)
            of_text = slice(folded.offsets[i], folded.offsets[i + 1])
            got[folded.terms[of_text]] = folded.weights[of_text]
            np.testing.assert_allclose(got, expected, atol=1e-5)
    with pytest.raises(InputError, match="at least one of each"):
        CentroidTerms().fit(vectors([0]))
    with pytest.raises(InputError, match="vectors have 9 dimensions, the centroids 5"):
        lexical.queries(vectors([1]))
