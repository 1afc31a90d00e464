"""SPLADE's head against sentence-transformers' pooling and a float64 loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_bench.modules.splade import SpladeHead


def head(**settings: object) -> SpladeHead:
    torch.manual_seed(0)
    made = SpladeHead(8, 20, without=[0, 1], **settings)
    made.table.copy_(torch.randn(20, 8))
    made.importance.copy_(torch.rand(20) + 0.5)
    with torch.no_grad():
        made.bias.copy_(torch.randn(20) - 1)
    return made


def features() -> dict[str, torch.Tensor]:
    return {
        "token_embeddings": torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(1)),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]),
        "input_ids": torch.tensor([[0, 5, 6, 6, 1], [0, 1, 9, 9, 9], [9, 9, 9, 9, 9]]),
    }


@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_agrees_with_the_pooling_of_sentence_transformers(pooling):
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    made, given = head(pooling=pooling), features()
    with torch.no_grad():
        logits = made.linear(given["token_embeddings"]) @ made.table.T + made.bias
        pooled = SpladePooling(pooling_strategy=pooling)({"token_embeddings": logits, **_mask(given)})
    wanted = pooled["sentence_embedding"].clone()
    wanted[:, [0, 1]] = 0
    found = made(given, task="document")["sentence_embedding"]
    np.testing.assert_allclose(found.detach()[:2], wanted[:2], atol=1e-5)
    assert (found[2] == 0).all()


def _mask(given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {"attention_mask": given["attention_mask"]}


def test_masked_tokens_never_contribute_and_gradients_are_those_without_recomputation():
    made, given = head(), features()
    found = made(features())["sentence_embedding"]
    found.sum().backward()
    gradient = made.linear.weight.grad.clone()
    made.zero_grad()
    given["token_embeddings"][1, 2:] = 1e3
    assert torch.equal(made(given)["sentence_embedding"], found)
    kept = [
        made._text(v[m]) for v, m in zip(features()["token_embeddings"], given["attention_mask"].bool(), strict=True)
    ]
    torch.stack(kept)[:, 2:].sum().backward()
    np.testing.assert_allclose(made.linear.weight.grad, gradient, atol=1e-6)


def test_queries_as_words_and_by_idf():
    words = head(queries="words")(features(), task="query")["sentence_embedding"]
    assert words.nonzero().tolist() == [[0, 5], [0, 6]]
    assert (words[words != 0] == 1).all()
    made = head(queries="idf")
    found = made(features(), task="query")["sentence_embedding"]
    np.testing.assert_allclose(found[0, [5, 6]], made.importance[[5, 6]])
    documents = made(features(), task="document")["sentence_embedding"]
    assert (documents != 0).sum() > 2


def test_the_side_may_stand_in_the_features_as_in_training():
    made = head(queries="words")
    told = made(features() | {"task": "query"})["sentence_embedding"]
    assert torch.equal(told, made(features(), task="query")["sentence_embedding"])
