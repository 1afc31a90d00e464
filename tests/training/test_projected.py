"""A matrix over pooled vectors begins as the checkpoint, cut, or as its principal components."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.training.architectures.projected import Projected

TEXTS = ["cat sat", "the dog ran", "fast wing", "a cat on the mat", "air flow", "dog", "mat"]


def plain(model: Path) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(model), device="cpu").encode(TEXTS, normalize_embeddings=True)


def test_the_identity_is_the_checkpoint(checkpoint: Callable[..., Path]) -> None:
    model = checkpoint()
    vectors = plain(model)
    whole = Projected(vectors.shape[1], "identity").build(str(model), [])
    np.testing.assert_allclose(whole.encode(TEXTS), vectors, atol=1e-6)
    cut = Projected(5, "identity").build(str(model), []).encode(TEXTS)
    expected = vectors[:, :5] / np.linalg.norm(vectors[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-5)


def test_principal_components_keep_all_similarities_and_the_first_the_most(checkpoint: Callable[..., Path]) -> None:
    model = checkpoint()
    vectors = plain(model)
    rotated = Projected(vectors.shape[1], "pca").build(str(model), TEXTS).encode(TEXTS)
    np.testing.assert_allclose(rotated @ rotated.T, vectors @ vectors.T, atol=1e-5)
    kept = (rotated**2).sum(0)
    assert (np.diff(kept) <= 1e-6).all()
    np.testing.assert_allclose(kept[: len(TEXTS)], np.linalg.svd(vectors, compute_uv=False) ** 2, atol=1e-4)


def test_more_dimensions_than_there_are_is_an_error(checkpoint: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="9999 dimensions of a model that has"):
        Projected(9999).build(str(checkpoint()), TEXTS)
