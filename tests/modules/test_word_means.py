"""Word means of a model against the transform over its token vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.modules.word_means import WordMeans
from ir_bench.transforms.whole_words import WholeWords
from ir_bench.types import MultiVector, Strings

PIECES = ["[PAD]", "[CLS]", "tide", "##s", "moon", "##less"]


@pytest.fixture(scope="module")
def words() -> WordMeans:
    made = WordMeans(len(PIECES))
    made.continues[:] = torch.tensor([piece.startswith("##") for piece in PIECES])
    return made


def test_by_hand(words: WordMeans) -> None:
    ids = torch.tensor([[1, 2, 3, 2, 2, 3], [4, 5, 4, 0, 0, 0]])  # [CLS] tides tide tides; moonless moon
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
    vectors = torch.arange(12.0).reshape(2, 6, 1)
    made = words({"input_ids": ids, "attention_mask": mask, "token_embeddings": vectors})
    assert made["token_embeddings"][:, :, 0].tolist() == [[0, (1 + 2 + 4 + 5) / 4, 3], [6.5, 8, 0]]
    assert made["attention_mask"].tolist() == [[True] * 3, [True, True, False]]
    assert made["input_ids"].tolist() == [[1, 2, 2], [4, 4, 0]]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.lists(st.integers(1, 5), max_size=8), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_equals_the_transform(texts: list[list[int]], seed: int) -> None:
    made = WordMeans(len(PIECES))
    made.continues[:] = torch.tensor([piece.startswith("##") for piece in PIECES])
    random, width = np.random.default_rng(seed), max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts]).long().reshape(len(texts), width)
    vectors = random.standard_normal((len(texts), width, 3)).astype(np.float32)
    lengths = np.array([len(text) for text in texts])
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    found = made({"input_ids": ids, "attention_mask": mask, "token_embeddings": torch.tensor(vectors)})
    flat = MultiVector(
        vectors[mask.numpy()], np.cumsum([0, *lengths]), np.concatenate(texts).astype(np.int32), Strings.of(PIECES)
    )
    transform = WholeWords(renormalise=False)
    transform.fit(flat)
    expected = transform.documents(flat)
    assert found["attention_mask"].sum(1).tolist() == np.diff(expected.offsets).tolist()
    ours = found["token_embeddings"][found["attention_mask"]].numpy()
    np.testing.assert_allclose(ours, expected.values, rtol=1e-5, atol=1e-6)
    assert not found["token_embeddings"][~found["attention_mask"]].any()


def test_gradients_reach_every_token_that_counts(words: WordMeans) -> None:
    ids, mask = torch.tensor([[1, 2, 3, 2]]), torch.tensor([[1, 1, 1, 0]])
    vectors = torch.randn(1, 4, 2, dtype=torch.float64, requires_grad=True)

    def means(tokens: torch.Tensor) -> torch.Tensor:
        return words({"input_ids": ids, "attention_mask": mask, "token_embeddings": tokens})["token_embeddings"]

    assert torch.autograd.gradcheck(means, [vectors])
    (gradient,) = torch.autograd.grad(means(vectors).sum(), vectors)
    assert gradient[0].tolist() == [[1, 1], [0.5, 0.5], [0.5, 0.5], [0, 0]]


def test_what_is_saved_is_what_is_loaded(words: WordMeans, tmp_path: Path) -> None:
    words.save(str(tmp_path))
    assert torch.equal(WordMeans.load(str(tmp_path)).continues, words.continues)
