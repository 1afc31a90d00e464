"""XTR against a double loop, and against MaxSim where every token is retrieved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.indexes import xtr
from ir_bench.indexes.xtr import XTRIndex
from ir_bench.scoring import maxsim
from ir_bench.types import MultiVector


def vectors(lengths, seed: int = 0, dims: int = 6) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims), dtype=np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


def built(documents: MultiVector, **settings) -> XTRIndex:
    index = XTRIndex(**settings)
    index.build(documents)
    return index


def by_hand(query: np.ndarray, documents: MultiVector, tokens: int) -> dict[int, float]:
    owners = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    total: dict[int, float] = {}
    found = []
    for vector in query.astype(float):
        products = documents.values.astype(float) @ vector
        best = np.argsort(-products, kind="stable")[:tokens]
        of_document: dict[int, float] = {}
        for token in best.tolist():
            row = int(owners[token])
            of_document[row] = max(of_document.get(row, -np.inf), products[token])
        found.append((of_document, products[best].min()))
    for row in {row for of_document, _ in found for row in of_document}:
        total[row] = sum(of_document.get(row, least) for of_document, least in found) / len(query)
    return total


@given(st.lists(st.integers(0, 6), min_size=1, max_size=10), st.integers(1, 40), st.integers(1, 4))
def test_equals_a_double_loop_across_blocks(lengths, tokens, asked):
    documents, queries = vectors(lengths), vectors([asked], seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xtr, "TOKENS", 7)
        hits = built(documents, tokens=tokens).search(queries, 20)
    expected = by_hand(queries.row(0), documents, tokens) if sum(lengths) else {}
    got = {r: s for r, s in zip(hits.rows[0].tolist(), hits.scores[0].tolist(), strict=True) if r >= 0}
    assert got.keys() == expected.keys()
    for row, score in expected.items():
        assert got[row] == pytest.approx(score, abs=1e-5)
    assert (np.diff(hits.scores[0][hits.rows[0] >= 0]) <= 0).all()


def test_all_tokens_are_maxsim_and_fewer_are_never_below_it():
    documents, queries = vectors([4, 0, 9, 2, 30]), vectors([3, 1, 5], seed=2)
    exact = maxsim(queries, documents) / np.diff(queries.offsets)[:, None]
    hits = built(documents, tokens=10**6).search(queries, 5)
    for i in range(3):
        found = hits.rows[i] >= 0
        assert found.sum() == 4
        np.testing.assert_allclose(hits.scores[i][found], exact[i][hits.rows[i][found]], atol=1e-6)
    few = built(documents, tokens=6).search(queries, 5)
    for i in range(3):
        found = few.rows[i] >= 0
        assert (few.scores[i][found] >= exact[i][few.rows[i][found]] - 1e-6).all()


def test_notes_its_work_and_queries_without_tokens_find_nothing():
    with cost.ledger() as notes:
        hits = built(vectors([4, 2]), tokens=3).search(vectors([0, 2]), 2)
    assert (hits.rows[0] == -1).all()
    assert notes["tokens_compared"] == 12
    assert 1 <= notes["documents_matched"] <= 2


def test_hostile_input_is_told():
    with pytest.raises(InputError, match="0 tokens are to be retrieved"):
        built(vectors([2]), tokens=0)
    with pytest.raises(InputError, match="before build"):
        XTRIndex().search(vectors([1]), 1)
    with pytest.raises(InputError, match="queries have 5 dimensions, the documents 6"):
        built(vectors([2])).search(vectors([1], dims=5), 1)
    bad = vectors([1, 2])
    bad.values[2, 0] = np.inf
    with pytest.raises(InputError, match="a vector of document 1 has NaN"):
        built(bad).search(vectors([1]), 1)
    with pytest.raises(InputError, match="a vector of query 1 has NaN"):
        built(vectors([1])).search(bad, 1)
    with pytest.raises(InputError, match="number of hits"):
        built(vectors([1])).search(vectors([1]), 0)
