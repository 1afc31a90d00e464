"""Lucene's impact search over the same vectors: exact for whole weights, and off by the rounding of others."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.indexes.lucene_impact import LuceneImpactIndex
from ir_bench.similarities.dot import Dot
from ir_bench.types import Sparse, Strings

pytestmark = pytest.mark.lucene


def sparse(matrix: np.ndarray, names: list[str] | None = None) -> Sparse:
    rows, terms = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int64)
    vocabulary = Strings.of(names or [f"t {i}|3" for i in range(matrix.shape[1])])  # blanks and bars are no danger
    return Sparse(terms.astype(np.int32), matrix[rows, terms].astype(np.float32), offsets, vocabulary)


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(2)
    rates = np.minimum(0.9, 4 / np.arange(1, 61))
    documents = generator.integers(1, 9, (300, 60)) * (generator.random((300, 60)) < rates)  # small: ties abound
    queries = generator.integers(1, 9, (30, 60)) * (generator.random((30, 60)) < rates)
    documents[[5, 299]] = 0
    queries[3] = 0
    return documents.astype(np.float32), queries.astype(np.float32)


def test_whole_weights_give_the_scores_of_the_inverted_index(problem, tmp_path):
    documents, queries = problem
    ours, index, loaded = InvertedIndex(Dot()), LuceneImpactIndex(), LuceneImpactIndex(threads=2)
    for part in (ours, index):
        part.build(sparse(documents))
    index.save(tmp_path)
    with cost.ledger() as costs:
        loaded.load(tmp_path)
    assert costs["index_bytes"] > 0
    for theirs in (index, loaded):
        for k in (1, 10, 1000):
            expected, hits = ours.search(sparse(queries), k), theirs.search(sparse(queries), k)
            np.testing.assert_array_equal(hits.rows, expected.rows)
            np.testing.assert_array_equal(hits.scores, expected.scores)


def test_other_weights_are_rounded_by_the_scale(problem):
    documents, queries = problem[0] / 9 * np.float32(4.9), problem[1] / 7
    for scale, tolerance in ((None, 0.02), (10_000.0, 1e-4)):
        index = LuceneImpactIndex(document_scale=scale, query_scale=scale)
        index.build(sparse(documents))
        hits = index.search(sparse(queries), 20)
        exact = queries.astype(np.float64) @ documents.T
        for i in range(len(queries)):
            found = hits.rows[i] >= 0
            np.testing.assert_allclose(hits.scores[i][found], exact[i, hits.rows[i][found]], rtol=tolerance)


def test_unknown_terms_and_empty_queries_give_padding(problem):
    index = LuceneImpactIndex()
    index.build(sparse(problem[0]))
    hits = index.search(sparse(np.array([[5.0, 0.0], [5.0, 1.0]]), ["nowhere", "t 3|3"]), 3)
    assert (hits.rows[0] == -1).all()
    assert hits.scores[1].tolist() == np.sort(problem[0][:, 3])[::-1][:3].tolist()


def test_misuse_is_refused(problem):
    with pytest.raises(InputError, match="before build"):
        LuceneImpactIndex().search(sparse(problem[1]), 1)
    with pytest.raises(InputError, match="negative"):
        LuceneImpactIndex().build(sparse(-problem[0]))
    with pytest.raises(InputError, match="NaN"):
        LuceneImpactIndex().build(sparse(np.full((2, 2), np.nan)))
    index = LuceneImpactIndex()
    index.build(sparse(problem[0]))
    with pytest.raises(InputError, match="number of hits"):
        index.search(sparse(problem[1]), 0)
