"""Vectors as their codes give them back."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.encoding import fit_once
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.store import Store
from ir_bench.transforms.reconstruct import Reconstruct
from ir_bench.transforms.sae_steer import SaeSteer
from ir_bench.transforms.sparse_coder import SparseCoder
from ir_bench.types import Dense

SMALL = {"hidden": 24, "k": 3, "steps": 20, "batch_size": 32, "auxiliary": 8}


def vectors(rows: int = 60, dims: int = 8) -> Dense:
    return Dense(np.random.default_rng(4).standard_normal((rows, dims)).astype(np.float32))


def exact(dims: int) -> SparseCoder:
    """W = [I, -I] and all latents: nothing is lost."""
    coder = SparseCoder(k=2 * dims, hidden=2 * dims)
    coder._state = {
        "encoder": np.concatenate([np.eye(dims), -np.eye(dims)]).astype(np.float32),
        "bias": np.zeros(2 * dims, np.float32),
        "centre": np.zeros(dims, np.float32),
        "scale": np.ones(1, np.float32),
    }
    return coder


def test_all_latents_of_both_signs_of_the_axes_give_the_vectors_back() -> None:
    part, given = Reconstruct(exact(8)), vectors()
    for found in (part.documents(given), part.queries(given)):
        np.testing.assert_allclose(found.values, given.values, rtol=1e-6)


def test_it_is_the_decoded_code_at_the_length_of_the_vector() -> None:
    part, given = Reconstruct(SparseCoder(**SMALL)), vectors()
    part.fit(given)
    found = part.documents(given).values
    decoded = part.coder.decode(part.coder.encode(given)).values.astype(np.float64)
    for vector, code, own in zip(found, decoded, given.values.astype(np.float64), strict=True):
        np.testing.assert_allclose(vector, code / np.sqrt((code**2).sum()) * np.sqrt((own**2).sum()), rtol=1e-5)
    np.testing.assert_array_equal(part.queries(given).values, found)


def test_one_side_leaves_the_other() -> None:
    given, coder = vectors(), SparseCoder(**SMALL)
    coder.fit(given)
    assert Reconstruct(coder, "queries").documents(given) is given
    assert Reconstruct(coder, "documents").queries(given) is given
    assert not np.array_equal(Reconstruct(coder, "queries").queries(given).values, given.values)
    with pytest.raises(InputError, match="sides='query'"):
        Reconstruct(coder, "query")  # type: ignore[arg-type]


def test_parts_around_equal_coders_share_one_fit(tmp_path, monkeypatch) -> None:
    given, store = vectors(), Store(tmp_path)
    first = Reconstruct(SparseCoder(**SMALL))
    fit_once(["v"], first, given, store)
    monkeypatch.setattr(SparseCoder, "fit", lambda *_: pytest.fail("learned again"))
    for other in (Reconstruct(SparseCoder(**SMALL), "queries"), SaeSteer(SparseCoder(**SMALL), {"3": 1.0})):
        fit_once(["v"], other, given, store)
        np.testing.assert_array_equal(other.coder.encode(given).weights, first.coder.encode(given).weights)
    fit_once(["v"], SparseCoder(**SMALL), given, store)
    assert describe(first) != describe(Reconstruct(SparseCoder(**SMALL), "queries"))
