"""Weights of a text's own and other terms, against a float64 loop over the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ir_bench.modules.lexical_expansion import LexicalExpansion

DIMS, VOCABULARY = 8, 12
SAME_AS = [-1, 1, 2, 1, 4, -1, 6, 7, 8, 9, 10, 11]  # 3 counts as 1; 0 and 5 count for nothing
TERMS = [1, 4, 6, 9]


def module(**settings: int) -> LexicalExpansion:
    torch.manual_seed(0)
    made = LexicalExpansion(DIMS, VOCABULARY, len(TERMS), k1=0.9, b=0.4, average_length=3.0, **settings)
    made.same_as.copy_(torch.tensor(SAME_AS))
    made.terms.copy_(torch.tensor(TERMS))
    made.importance.copy_(torch.rand(VOCABULARY) + 0.5)
    made.centre.copy_(0.1 * torch.randn(DIMS))
    with torch.no_grad():
        made.bias.copy_(torch.randn(len(TERMS)))
        made.query_scale.fill_(0.3)
        made.document_scale.fill_(-1.0)
    return made.tie(torch.randn(VOCABULARY, DIMS)).eval()


def features() -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return {
        "token_embeddings": torch.randn(2, 6, DIMS, generator=drawn),
        "input_ids": torch.tensor([[0, 1, 3, 3, 4, 5], [2, 7, 0, 0, 0, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]]),
    }


def by_hand(made: LexicalExpansion, text: int, task: str) -> np.ndarray:
    given = features()
    used = given["attention_mask"][text].bool()
    states = given["token_embeddings"][text][used].double().numpy()
    pooled = sum(v / math.sqrt(v @ v) for v in states)
    apart = pooled / math.sqrt(pooled @ pooled) - made.centre.double().numpy()
    weights = {n: p.detach().double().numpy() for n, p in made.named_parameters()}
    inner = weights["inner.weight"] @ (10 * apart) + weights["inner.bias"]
    gelu = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in inner])
    hidden = weights["linear.weight"] @ apart + weights["linear.bias"] + weights["outer.weight"] @ gelu
    counts = np.zeros(VOCABULARY)
    for token in given["input_ids"][text][used].tolist():
        if SAME_AS[token] >= 0:
            counts[SAME_AS[token]] += 1
    made_of = np.zeros(VOCABULARY)
    for term in range(VOCABULARY):
        if task == "query":
            made_of[term] = made.importance[term] if counts[term] else 0
        else:
            made_of[term] = counts[term] / (counts[term] + 0.9 * (1 - 0.4 + 0.4 * counts.sum() / 3.0))
    scale = math.exp(0.3 if task == "query" else -1.0)
    for i, term in enumerate(TERMS):
        logit = made.embeddings[i].double().numpy() @ hidden + weights["bias"][i]
        made_of[term] += scale * math.log1p(max(0.0, logit))
    return made_of


@pytest.mark.parametrize("task", ["query", "document"])
@pytest.mark.parametrize("text", [0, 1])
def test_weights_are_those_of_the_definition(task, text):
    made = module()
    weights = made(features(), task=task)["sentence_embedding"][text]
    np.testing.assert_allclose(weights.detach().numpy(), by_hand(made, text, task), atol=1e-5)


def test_masked_tokens_never_contribute():
    made, given = module(), features()
    wanted = made(features(), task="document")["sentence_embedding"]
    given["token_embeddings"][1, 2:] = 100.0
    given["input_ids"][1, 2:] = 4
    assert torch.equal(made(given, task="document")["sentence_embedding"], wanted)


def test_the_largest_weights_are_kept_but_not_in_training():
    made = module(document_keep=3)
    whole = module()(features(), task="document")["sentence_embedding"]
    kept = made(features(), task="document")["sentence_embedding"]
    assert (kept != 0).sum(1).tolist() == [min(3, int((row != 0).sum())) for row in whole]
    assert torch.equal(kept[kept != 0], whole[kept != 0])
    assert kept.max(1).values.equal(whole.max(1).values)
    assert (made.train()(features(), task="document")["sentence_embedding"] != 0).sum() == (whole != 0).sum()


def test_a_text_of_nothing_that_counts_has_only_expansion():
    made, given = module(), features()
    given["input_ids"][:] = 5
    weights = made(given, task="query")["sentence_embedding"]
    assert set(weights.nonzero()[:, 1].tolist()) <= set(TERMS)
    given["attention_mask"][:] = 0
    assert torch.isfinite(made(given, task="document")["sentence_embedding"]).all()


def test_the_side_may_stand_in_the_features_as_in_training():
    made = module()
    for task in ("query", "document"):
        told = made(features() | {"task": task})["sentence_embedding"]
        assert torch.equal(told, made(features(), task=task)["sentence_embedding"])
