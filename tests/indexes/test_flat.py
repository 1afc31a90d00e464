"""The exact index against a float64 double loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes import flat
from ir_bench.indexes.flat import FlatIndex
from ir_bench.types import Dense


def by_hand(queries: np.ndarray, documents: np.ndarray, k: int) -> list[list[tuple[int, float]]]:
    """Best k of each query as (row, score), equal scores by ascending row."""
    found = []
    for q in queries:
        scores = [sum(float(a) * float(b) for a, b in zip(q, d, strict=True)) for d in documents]
        found.append(sorted(enumerate(scores), key=lambda hit: (-hit[1], hit[0]))[:k])
    return found


def pairs(hits) -> list[list[tuple[int, float]]]:
    return [list(zip(r, s, strict=True)) for r, s in zip(hits.rows.tolist(), hits.scores.tolist(), strict=True)]


def built(documents: np.ndarray) -> FlatIndex:
    index = FlatIndex()
    index.build(Dense(documents))
    return index


# Small whole numbers: many ties, and sums that float32 holds exactly.
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 4), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_equals_a_double_loop_with_ties_by_row_across_blocks(queries, documents, dims, k, seed):
    random = np.random.default_rng(seed)
    q = random.integers(-2, 3, (queries, dims)).astype(np.float32)
    d = random.integers(-2, 3, (documents, dims)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "ROWS", 7)
        patch.setattr(flat, "QUERIES", 4)
        assert pairs(built(d).search(Dense(q), k)) == by_hand(q, d, k)


def test_real_numbers_in_one_block_and_in_several(monkeypatch):
    random = np.random.default_rng(0)
    d, q = random.standard_normal((500, 48)), random.standard_normal((20, 48))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    expected = by_hand(q, d, 10)
    index = built(d.astype(np.float32))
    whole = index.search(Dense(q.astype(np.float32)), 10)
    monkeypatch.setattr(flat, "ROWS", 64)
    blocks = index.search(Dense(q.astype(np.float32)), 10)
    for hits in (whole, blocks):
        assert hits.rows.tolist() == [[row for row, _ in ranking] for ranking in expected]
        np.testing.assert_allclose(hits.scores, [[s for _, s in ranking] for ranking in expected], atol=2e-6)


def test_one_query_scores_as_in_a_batch():
    random = np.random.default_rng(1)
    d, q = random.standard_normal((2, 300, 64), dtype=np.float32)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    index = built(d)
    together = index.search(Dense(q), 20)
    for i in range(0, 300, 50):
        alone = index.search(Dense(q[i : i + 1]), 20)
        np.testing.assert_allclose(alone.scores[0], together.scores[i], atol=1e-6)


def test_memory_mapped_half_precision_documents_are_scored_in_float32(tmp_path):
    documents = np.array([[60000.0, 60000.0], [1.0, 0.0]], np.float16)  # a float16 product would overflow
    np.save(tmp_path / "values.npy", documents)
    index = built(np.load(tmp_path / "values.npy", mmap_mode="r"))
    hits = index.search(Dense(np.ones((1, 2), np.float64)), 2)
    assert hits.rows.tolist() == [[0, 1]]
    assert hits.scores.dtype == np.float32
    assert hits.scores.tolist() == [[119936.0 + 64.0, 1.0]]  # 60000 is 59968 + 32 in steps of 32: exact


def test_k_beyond_the_documents_gives_them_all():
    hits = built(np.eye(3, dtype=np.float32)).search(Dense(np.eye(3, dtype=np.float32)), 10)
    assert hits.rows.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]


def test_no_queries_give_no_hits():
    assert built(np.eye(3, dtype=np.float32)).search(Dense(np.empty((0, 3), np.float32)), 2).rows.shape[0] == 0


@pytest.mark.parametrize("k", [0, -1, True, 1.5])
def test_k_below_one_is_an_error(k):
    with pytest.raises(InputError, match="number of hits"):
        built(np.eye(3)).search(Dense(np.eye(3)), k)


def test_other_dimensions_are_an_error():
    with pytest.raises(InputError, match="queries have 4 dimensions, the documents 3"):
        built(np.eye(3)).search(Dense(np.eye(4)), 1)


def test_search_before_build_is_an_error():
    with pytest.raises(InputError, match="before build"):
        FlatIndex().search(Dense(np.eye(3)), 1)


def test_threads_do_not_change_the_identity_or_the_hits():
    assert fingerprint(FlatIndex(threads=1)) == fingerprint(FlatIndex())
    documents = np.random.default_rng(2).standard_normal((300, 32), dtype=np.float32)
    one = FlatIndex(threads=1)
    one.build(Dense(documents))
    assert (one.search(Dense(documents), 5).rows == built(documents).search(Dense(documents), 5).rows).all()


def test_notes_the_bytes_of_its_vectors():
    with cost.ledger() as notes:
        built(np.zeros((10, 4), np.float32))
    assert notes == {"index_bytes": 160}


def test_scores_are_those_of_faiss():
    import faiss

    random = np.random.default_rng(3)
    d, q = random.standard_normal((2000, 96), dtype=np.float32), random.standard_normal((40, 96), dtype=np.float32)
    index = faiss.IndexFlatIP(96)
    index.add(d)
    scores, rows = index.search(q, 50)
    ours = built(d).search(Dense(q), 50)
    assert (ours.rows == rows).all()
    np.testing.assert_allclose(ours.scores, scores, rtol=1e-5, atol=1e-5)
