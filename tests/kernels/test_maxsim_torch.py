"""MaxSim by torch against a float64 double loop and the path by numpy, on the CPU and on a GPU where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ir_bench import scoring
from ir_bench.errors import InputError
from ir_bench.kernels import maxsim_torch
from ir_bench.types import MultiVector

CPU = torch.device("cpu")
BLOCKS = st.sampled_from([(65_536, 2048), (4, 3), (1, 1)])
LENGTHS = st.lists(st.integers(0, 6), max_size=8)
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from([np.float32, np.float16, np.float64])
DEVICES = st.sampled_from([("cpu", "cuda"), ()])  # a maximum of each kind


def vectors(lengths: list[int], random: np.random.Generator, dtype: type = np.float32) -> MultiVector:
    values = random.standard_normal((sum(lengths), 3)).astype(dtype)
    return MultiVector(values, np.cumsum([0, *lengths]))


def by_hand(queries: MultiVector, documents: MultiVector) -> np.ndarray:
    """Two loops in float64; -inf where there is nothing to compare."""
    scores = np.full((len(queries), len(documents)), -np.inf)
    for i in range(len(queries)):
        for j in range(len(documents)):
            products = queries.row(i).astype(np.float64) @ documents.row(j).astype(np.float64).T
            if products.size:
                scores[i, j] = products.max(axis=1).sum()
    return scores


@given(LENGTHS, LENGTHS, KINDS, KINDS, BLOCKS, DEVICES, SEEDS)
def test_equals_two_loops_and_numpy_whatever_the_blocks(queries, documents, asked, stored, blocks, segmented, seed):
    random = np.random.default_rng(seed)
    q, d = vectors(queries, random, asked), vectors(documents, random, stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maxsim_torch, "DOCUMENT_TOKENS", blocks[0])
        patch.setattr(maxsim_torch, "QUERY_TOKENS", blocks[1])
        patch.setattr(maxsim_torch, "SEGMENTED", segmented)
        scores = maxsim_torch.maxsim(q, d, CPU)
    assert (scores.dtype, scores.device) == (torch.float32, CPU)
    np.testing.assert_allclose(scores.numpy(), by_hand(q, d), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scores.numpy(), scoring.maxsim(q, d), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("segmented", [("cpu", "cuda"), ()])
def test_a_block_is_no_larger_than_the_setting_or_one_text(segmented, monkeypatch):
    random = np.random.default_rng(0)
    q, d = vectors([2, 0, 5, 1, 3], random), vectors([3, 4, 0, 9, 1, 1, 2], random)
    sizes, largest = [], maxsim_torch._largest

    def seen(products, bounds):
        sizes.append(tuple(products.shape))
        return largest(products, bounds)

    monkeypatch.setattr(maxsim_torch, "_largest", seen)
    monkeypatch.setattr(maxsim_torch, "SEGMENTED", segmented)
    monkeypatch.setattr(maxsim_torch, "DOCUMENT_TOKENS", 7)
    monkeypatch.setattr(maxsim_torch, "QUERY_TOKENS", 4)
    maxsim_torch.maxsim(q, d, CPU)
    assert sizes == [(documents, asked) for documents in (7, 9, 4) for asked in (2, 5, 4)]


def test_half_precision_is_multiplied_and_added_up_in_float32():
    values = np.array([[60000, 60000], [2048, 1]], np.float16)
    query = MultiVector(np.ones((1, 2), np.float16), np.array([0, 1]))
    scores = maxsim_torch.maxsim(query, MultiVector(values, np.array([0, 1, 2])), CPU)
    assert scores.tolist() == [[120000.0, 2049.0]]  # beyond float16, and between two of its numbers


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("segmented", [("cpu", "cuda"), ()])
def test_a_document_that_is_not_finite_is_told_and_no_other(value, segmented, monkeypatch):
    monkeypatch.setattr(maxsim_torch, "SEGMENTED", segmented)
    documents = MultiVector(np.ones((5, 2), np.float32), np.array([0, 2, 4, 4, 5]))
    documents.values[3, 0] = value
    queries = MultiVector(np.array([[1, 0], [-1, 0], [1, 1]], np.float32), np.array([0, 2, 3]))
    finite = (maxsim_torch.maxsim(queries, documents, CPU) < torch.inf).all(dim=0)
    assert finite.tolist() == [True, False, True, True]


SCORES = st.lists(st.sampled_from([-1.0, 0.0, 2.0, -np.inf]), max_size=8)


@given(st.lists(SCORES, max_size=4), st.integers(1, 12))
def test_the_best_of_blocks_is_a_full_sort_with_ties_by_row(blocks, k):
    rows, scores = torch.empty((1, 0), dtype=torch.int64), torch.empty((1, 0))
    for i, block in enumerate(blocks):
        found = torch.tensor(block).reshape(1, -1)
        rows, scores = maxsim_torch.best(rows, scores, found, sum(map(len, blocks[:i])), k)
    every = [score for block in blocks for score in block]
    expected = sorted(range(len(every)), key=lambda row: (-every[row], row))[:k]
    assert rows[0].tolist() == expected
    assert scores[0].tolist() == [every[row] for row in expected]


def test_other_dimensions_are_an_error():
    documents = MultiVector(np.ones((1, 4), np.float32), np.array([0, 1]))
    with pytest.raises(InputError, match="queries have 3 dimensions, the documents 4"):
        maxsim_torch.maxsim(vectors([1], np.random.default_rng(0)), documents, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("segmented", [("cpu", "cuda"), ()])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_gpu_gives_what_numpy_does(segmented, dtype, monkeypatch):
    monkeypatch.setattr(maxsim_torch, "SEGMENTED", segmented)
    monkeypatch.setattr(maxsim_torch, "DOCUMENT_TOKENS", 4096)
    monkeypatch.setattr(maxsim_torch, "QUERY_TOKENS", 64)
    random = np.random.default_rng(0)
    lengths = [random.integers(0, most, texts).tolist() for most, texts in ((40, 20), (200, 500))]
    q, d = vectors(lengths[0], random), vectors(lengths[1], random, dtype)
    scores = maxsim_torch.maxsim(q, d, torch.device("cuda"))
    assert scores.device.type == "cuda"
    np.testing.assert_allclose(scores.cpu().numpy(), scoring.maxsim(q, d), rtol=1e-5, atol=1e-4)
    d.values[d.offsets[7]] = np.nan
    assert not (maxsim_torch.maxsim(q, d, torch.device("cuda")) < torch.inf).all(dim=0)[7]
