"""Sparse codes against sentence-transformers' module, at their exact limits, and steering by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.indexes.flat import FlatIndex
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.transforms.sae_steer import SaeSteer
from ir_bench.transforms.sparse_coder import SparseCoder
from ir_bench.types import Corpus, Dense, Document, Sparse

SMALL = {"hidden": 32, "k": 4, "steps": 18, "batch_size": 32, "auxiliary": 8}


def vectors(rows: int = 200, dims: int = 8, seed: int = 0) -> Dense:
    """Sums of a few of 24 directions: what a sparse code can learn."""
    drawn = np.random.default_rng(seed)
    dictionary = np.random.default_rng(99).standard_normal((24, dims))
    picked = drawn.random((rows, 24)) * (drawn.random((rows, 24)) < 0.08)
    values = picked @ dictionary + 0.3 + 0.01 * drawn.standard_normal((rows, dims))
    return Dense(values.astype(np.float32))


def matrix(codes: Sparse) -> np.ndarray:
    values = np.zeros((len(codes), len(codes.vocabulary)), np.float32)
    values[np.repeat(np.arange(len(codes)), np.diff(codes.offsets)), codes.terms] = codes.weights
    return values


def fitted(documents: Dense, **given) -> SparseCoder:
    coder = SparseCoder(**{**SMALL, **given})
    coder.fit(documents)
    return coder


@pytest.mark.parametrize("objective", ["recon", "csr"])
def test_equals_the_library_module_with_the_same_weights(objective):
    documents = vectors()
    coder = fitted(documents, objective=objective)
    state = coder._state
    library = SparseAutoEncoder(8, 32, k=4)
    library.encoder.weight.data = torch.from_numpy(state["encoder"])
    library.latent_bias.data = torch.from_numpy(state["bias"])
    with torch.inference_mode():
        scaled = torch.from_numpy((documents.values - state["centre"]) * state["scale"])
        expected = library({"sentence_embedding": scaled})["sentence_embedding"]
        decoded = library.decode(expected).numpy() / state["scale"] + state["centre"]
    codes = coder.documents(documents)
    np.testing.assert_allclose(matrix(codes), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(coder.decode(codes).values, decoded, atol=1e-5)
    assert np.diff(codes.offsets).max() <= 4
    assert (codes.weights > 0).all()


def test_training_lowers_the_error_and_no_steps_leaves_the_documents_directions():
    documents = vectors()
    errors = {}
    for steps in (0, 12, 240):
        coder = fitted(documents, steps=steps, learning_rate=0.003)
        decoded = coder.decode(coder.documents(documents)).values
        errors[steps] = float(((decoded - documents.values) ** 2).mean() / documents.values.var(0).mean())
    assert errors[240] < errors[12] < errors[0] < 1
    assert errors[240] < 0.15
    rows = fitted(documents, steps=0)._state["encoder"]
    lengths = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-5)
    centred = documents.values - documents.values.mean(0)
    cosines = rows @ centred.T / lengths[0] / np.linalg.norm(centred, axis=1)
    np.testing.assert_allclose(cosines.max(1), 1, rtol=1e-4)  # each latent is a document


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(0, 99))
def test_all_latents_of_both_signs_of_the_axes_are_the_vector_itself(dims, seed):
    """hidden = 2 dims, W = [I, -I] and k = hidden: nothing is lost, and decode is exact."""
    documents = Dense(np.random.default_rng(seed).standard_normal((9, dims)).astype(np.float32))
    coder = SparseCoder(k=2 * dims, hidden=2 * dims)
    both = np.concatenate([np.eye(dims), -np.eye(dims)]).astype(np.float32)
    coder._state = {
        "encoder": both,
        "bias": np.zeros(2 * dims, np.float32),
        "centre": np.zeros(dims, np.float32),
        "scale": np.ones(1, np.float32),
    }
    codes = coder.documents(documents)
    np.testing.assert_array_equal(
        matrix(codes), np.concatenate([np.maximum(documents.values, 0), np.maximum(-documents.values, 0)], 1)
    )
    np.testing.assert_array_equal(coder.decode(codes).values, documents.values)


def test_k_above_hidden_is_all_of_them():
    documents = vectors()
    some = fitted(documents, k=32, steps=6)
    many = fitted(documents, k=500, steps=6)
    np.testing.assert_array_equal(matrix(some.documents(documents)), matrix(many.documents(documents)))


def test_codes_of_length_one():
    documents = vectors()
    coder, plain = fitted(documents, normalise=True), fitted(documents)
    lengths = np.linalg.norm(matrix(coder.documents(documents)), axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 1, rtol=1e-5)
    raw = matrix(plain.documents(documents))
    np.testing.assert_array_equal(matrix(coder.encode(documents)), raw)
    np.testing.assert_allclose(
        matrix(coder.documents(documents)) * np.linalg.norm(raw, axis=1, keepdims=True), raw, atol=1e-5
    )


@pytest.mark.parametrize("objective", ["recon", "csr"])
def test_the_same_seed_gives_the_same_coder_and_another_another(objective, tmp_path):
    documents = vectors()
    first, again = fitted(documents, objective=objective), fitted(documents, objective=objective)
    other = fitted(documents, objective=objective, seed=1)
    for name, array in first._state.items():
        np.testing.assert_array_equal(array, again._state[name])
    assert not np.array_equal(first._state["encoder"], other._state["encoder"])
    first.save(tmp_path)
    again = SparseCoder(**SMALL, objective=objective)
    again.load(tmp_path)
    np.testing.assert_array_equal(matrix(again.queries(documents)), matrix(first.queries(documents)))


def test_dead_latents_and_the_error_are_noted():
    with cost.ledger() as notes:
        coder = fitted(vectors())
    assert 0 <= notes["dead_latents"] < 32
    values = vectors().values
    left = ((coder.decode(coder.documents(vectors())).values - values) ** 2).mean()
    assert notes["reconstruction_error"] == pytest.approx(float(left / values.var(0).mean()), rel=1e-4)


def test_one_document_equal_documents_and_no_documents_to_code():
    for documents in (vectors(1), Dense(np.ones((5, 8), np.float32))):
        coder = fitted(documents)
        assert np.isfinite(coder.decode(coder.documents(documents)).values).all()
    codes = fitted(vectors()).documents(Dense(np.empty((0, 8), np.float32)))
    assert len(codes) == 0
    assert fitted(vectors()).decode(codes).values.shape == (0, 8)


def test_errors_say_what_is_wrong():
    with pytest.raises(InputError, match="codes before fit"):
        SparseCoder().documents(vectors())
    with pytest.raises(InputError, match="7 dimensions, the sparse coder learned from 8"):
        fitted(vectors()).queries(vectors(3, 7))
    bad = vectors()
    bad.values[3, 2] = np.nan
    with pytest.raises(InputError, match="document 3 has NaN"):
        fitted(bad)
    with pytest.raises(InputError, match="query 3 has NaN"):
        fitted(vectors()).queries(bad)
    with pytest.raises(InputError, match="objective='mse'"):
        SparseCoder(objective="mse")
    with pytest.raises(InputError, match="k=0"):
        SparseCoder(k=0)


class Table:
    """An encoder of given vectors."""

    produces = Dense

    def fit(self, corpus):
        pass

    def encode_documents(self, texts):
        return Dense(np.stack([vectors().values[int(t)] for t in texts]))

    encode_queries = encode_documents

    def provenance(self):
        return {}


def test_a_retriever_fits_it_once_and_reads_it_from_the_store_after(store, monkeypatch):
    documents = [Document(str(i), str(i)) for i in range(60)]
    corpus = Corpus("c", "c", lambda: iter(documents), 60)
    from dataclasses import dataclass

    from ir_bench.indexes.inverted import InvertedIndex
    from ir_bench.similarities.dot import Dot

    encoder = dataclass(Table)()

    def made():
        return VectorRetriever(encoder, InvertedIndex(Dot()), {"code": SparseCoder(**SMALL)})

    first = made()
    first.build(corpus, store)
    run = first.search({"q": "7"}, 5)
    monkeypatch.setattr(SparseCoder, "fit", lambda *_: pytest.fail("learned again"))
    again = made()
    again.build(corpus, store)
    assert again.search({"q": "7"}, 5) == run


class TestSteering:
    def test_without_latents_queries_are_the_same_and_documents_always(self):
        steer = SaeSteer(SparseCoder(**SMALL))
        steer.fit(vectors())
        given = vectors(5)
        assert steer.queries(given) is given
        assert SaeSteer(steer.coder, {"3": 2.0}).documents(given) is given

    @pytest.mark.parametrize("keep_residual", [False, True])
    def test_a_raised_latent_is_the_float64_arithmetic(self, keep_residual):
        coder, queries = fitted(vectors()), vectors(6, seed=5)
        steered = SaeSteer(coder, {"3": 2.5, "7": -9.0}, keep_residual).queries(queries)
        state = {name: array.astype(np.float64) for name, array in coder._state.items()}
        for vector, found in zip(queries.values.astype(np.float64), steered.values, strict=True):
            latents = state["encoder"] @ ((vector - state["centre"]) * state["scale"]) + state["bias"]
            code = np.where(latents >= np.sort(latents)[-4], np.maximum(latents, 0), 0)
            raised = code.copy()
            raised[3] += 2.5
            raised[7] = max(raised[7] - 9, 0)
            decoded = raised @ state["encoder"] / state["scale"] + state["centre"]
            if keep_residual:
                decoded = vector + decoded - (code @ state["encoder"] / state["scale"] + state["centre"])
            expected = decoded / np.linalg.norm(decoded) * np.linalg.norm(vector)
            np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_no_gain_keeps_a_query_with_its_residual(self):
        coder, queries = fitted(vectors()), vectors(6)
        steered = SaeSteer(coder, {"3": 0.0}, keep_residual=True).queries(queries)
        np.testing.assert_allclose(steered.values, queries.values, atol=1e-5)

    def test_documents_with_the_latent_rise(self):
        documents = vectors(300)
        coder = fitted(documents, steps=270, learning_rate=0.003)
        weights = matrix(coder.documents(documents))
        latent = int((weights > 0).sum(0).argmax())
        index = FlatIndex()
        unit = Dense(documents.values / np.linalg.norm(documents.values, axis=1, keepdims=True))
        index.build(unit)
        shares = []
        for gain in (0.0, 1.0, 10.0):
            steer = SaeSteer(coder, {str(latent): gain})
            rows = index.search(steer.queries(vectors(20, seed=3)), 10).rows
            shares.append(float((weights[rows, latent] > 0).mean()))
        assert shares[0] < shares[1] <= shares[2]

    def test_an_unknown_latent_is_an_error(self):
        with pytest.raises(InputError, match="latent 32 of a sparse coder with 32 latents"):
            SaeSteer(fitted(vectors()), {"32": 1.0}).queries(vectors(2))

    def test_what_is_steered_does_not_change_the_index(self):
        plain, steered = SaeSteer(SparseCoder()), SaeSteer(SparseCoder(), {"3": 1.0})
        assert fingerprint(plain) != fingerprint(steered)
        assert describe(plain, of_documents=True) == describe(steered, of_documents=True)
