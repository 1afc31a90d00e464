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
        (made.linear(v[m]) @ made.table.T + made.bias).relu().log1p().amax(0)
        for v, m in zip(features()["token_embeddings"], given["attention_mask"].bool(), strict=True)
        if m.any()
    ]
    torch.stack(kept)[:, 2:].sum().backward()
    np.testing.assert_allclose(made.linear.weight.grad, gradient, atol=1e-6)


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_no_term_is_lost_by_looking_coarsely_first(pooling, scale):
    torch.manual_seed(0)
    made = SpladeHead(64, 3000, pooling)
    made.table.copy_(torch.randn(3000, 64) * torch.rand(3000, 1))
    given = scale * torch.randn(1, 40, 64)
    with torch.no_grad():
        logits = made.linear(given[0]) @ made.table.T
        made.bias.copy_(-logits.amax(0) + 1e-3 * scale * torch.randn(3000))  # just above or below zero
        wanted = (logits + made.bias).relu().log1p()
        wanted = wanted.amax(0) if pooling == "max" else wanted.sum(0)
        found = made({"token_embeddings": given, "attention_mask": torch.ones(1, 40)})["sentence_embedding"][0]
    assert 1000 < (wanted > 0).sum() < 2000
    np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, scale))


def test_what_is_not_a_number_stays_to_be_seen():
    made, given = head(), features()
    given["token_embeddings"][0, 1] = torch.nan
    found = made(given)["sentence_embedding"]
    assert found[0, 2:].isnan().all()
    assert not found[1:].isnan().any()


def test_weights_without_saturation_are_those_before_the_logarithm():
    found = head(pooling="max", saturation="none")(features())["sentence_embedding"].detach()
    np.testing.assert_allclose(found.log1p(), head(pooling="max")(features())["sentence_embedding"].detach(), atol=1e-6)
    summed = head(pooling="sum", saturation="none")(features())["sentence_embedding"].detach()
    assert (summed >= found).all()
    assert (summed > found).any()


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
