"""Winners against a loop over tokens, at their exact limits, and what ultra-high dimensions are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.kernels.winners import winners
from ir_bench.similarities.dot import Dot
from ir_bench.transforms.winner_take_all import WinnerTakeAll
from ir_bench.types import MultiVector, Sparse


def tokens(lengths: list[int], dims: int = 6, seed: int = 0) -> MultiVector:
    values = np.random.default_rng(seed).standard_normal((sum(lengths), dims)).astype(np.float32)
    return MultiVector(values, np.cumsum([0, *lengths]))


def matrix(codes: Sparse) -> np.ndarray:
    values = np.zeros((len(codes), len(codes.vocabulary)), np.float32)
    values[np.repeat(np.arange(len(codes)), np.diff(codes.offsets)), codes.terms] = codes.weights
    return values


def fitted(documents: MultiVector, **given) -> WinnerTakeAll:
    transform = WinnerTakeAll(**{"dimensions": 40, "k": 5, **given})
    transform.fit(documents)
    return transform


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), max_size=5), st.integers(1, 4))
def test_winners_are_those_of_sorting(rows, k):
    columns, values = winners(np.array(rows, np.float32).reshape(-1, 4), k)
    for row, found, kept in zip(rows, columns, values, strict=True):
        expected = sorted(range(4), key=lambda i: (-row[i], i))[:k]
        assert found.tolist() == expected
        assert kept.tolist() == [row[i] for i in expected]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.booleans(), st.booleans(), st.integers(0, 99))
def test_equals_a_loop_over_tokens(lengths, binary, centre, seed):
    documents = tokens(lengths, seed=seed)
    transform = fitted(documents, binary=binary, centre=centre, seed=seed)
    projection = transform._matrix.astype(np.float64)
    mean = documents.values.astype(np.float64).mean(0) if centre and len(documents.values) else 0
    expected = np.zeros((len(lengths), 40))
    for text in range(len(lengths)):
        for vector in documents.row(text).astype(np.float64):
            products = (vector - mean) @ projection
            for winner in np.argsort(-products)[:5]:
                expected[text, winner] = max(expected[text, winner], products[winner])
    np.testing.assert_allclose(matrix(transform.documents(documents)), expected > 0 if binary else expected, atol=1e-5)


def test_all_dimensions_of_the_identity_are_the_largest_values_of_a_text(tmp_path):
    save_file({"projection": np.eye(6, dtype=np.float32)}, tmp_path / "identity.safetensors")
    documents = tokens([3, 1, 4])
    transform = fitted(
        documents, dimensions=6, k=6, binary=False, centre=False, projection=str(tmp_path / "identity.safetensors")
    )
    expected = np.maximum(np.stack([documents.row(i).max(0) for i in range(3)]), 0)
    np.testing.assert_array_equal(matrix(transform.documents(documents)), expected)


def test_winners_of_a_text_can_be_limited_again():
    documents = tokens([30, 2])
    whole, kept = fitted(documents, binary=False), fitted(documents, document_keep=4, query_keep=2)
    for full, few in zip(matrix(whole.documents(documents)), matrix(kept.documents(documents)), strict=True):
        assert set(np.flatnonzero(few).tolist()) == set(np.argsort(-full)[:4].tolist())
    assert np.diff(kept.queries(documents).offsets).tolist() == [2, 2]


def test_binary_codes_rank_like_weighted_ones_the_more_dimensions_there_are():
    """The capacity that the paper argues with: the gap of recall of exact neighbours shrinks as dimensions grow."""
    documents, queries = tokens([6] * 300, 16), tokens([3] * 60, 16, seed=1)
    for query in range(60):  # each query is near three tokens of one document
        queries.values[3 * query : 3 * query + 3] = (
            0.5 * queries.values[3 * query : 3 * query + 3] + documents.row(query)[:3]
        )
    gaps, recalls = [], []
    for dimensions in (64, 512, 4096):
        recall = []
        for binary in (True, False):
            transform = fitted(documents, dimensions=dimensions, k=dimensions // 32, binary=binary)
            index = InvertedIndex(Dot())
            index.build(transform.documents(documents))
            rows = index.search(transform.queries(queries), 1).rows[:, 0]
            recall.append(float((rows == np.arange(60)).mean()))
        gaps.append(recall[1] - recall[0])
        recalls.append(recall[0])
    assert recalls == sorted(recalls)
    assert recalls[-1] > 0.9
    assert gaps[-1] <= max(gaps[0], 0.02)


def test_the_seed_and_the_given_projection_are_its_identity(tmp_path):
    documents = tokens([3, 2])
    first = matrix(fitted(documents).documents(documents))
    np.testing.assert_array_equal(first, matrix(fitted(documents).documents(documents)))
    assert not np.array_equal(first, matrix(fitted(documents, seed=1).documents(documents)))
    paths = [tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.safetensors")]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        save_file({"projection": np.random.default_rng(seed).random((6, 40), np.float32)}, path)
    same, copied, other = (fingerprint(WinnerTakeAll(40, 5, projection=str(path))) for path in paths)
    assert same == copied != other


def test_work_is_noted_and_nothing_gives_nothing():
    documents = tokens([3, 0])
    transform = fitted(documents)
    with cost.ledger() as notes:
        codes = transform.documents(documents)
    assert notes["tokens_read"] == 3
    assert codes.row(1) == {}
    assert len(transform.queries(tokens([])[:0])) == 0


def test_errors_say_what_is_wrong(tmp_path):
    documents = tokens([3])
    with pytest.raises(InputError, match="winners before fit"):
        WinnerTakeAll().documents(documents)
    with pytest.raises(InputError, match="41 winners of 40 dimensions"):
        WinnerTakeAll(40, 41)
    with pytest.raises(InputError, match="vectors of 5 dimensions, the projection takes 6"):
        fitted(documents).queries(tokens([3], 5))
    with pytest.raises(InputError, match="no file"):
        fitted(documents, projection=str(tmp_path / "none"))
    save_file({"projection": np.eye(6, dtype=np.float32)}, tmp_path / "small.safetensors")
    with pytest.raises(InputError, match=r"has one of shape \[6, 6\]"):
        fitted(documents, projection=str(tmp_path / "small.safetensors"))
    documents.values[1] = np.inf
    with pytest.raises(InputError, match="document 0 has NaN or infinite"):
        fitted(tokens([3])).documents(documents)
