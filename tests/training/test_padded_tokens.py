"""MaxSim of token vectors and of their prefixes: by hand, and what padding and masked tokens change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from training_steps import random_step, random_tokens

from ir_bench.errors import InputError
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.l1 import L1
from ir_bench.training.objectives.list_kl import ListKL
from ir_bench.training.objectives.matryoshka import Matryoshka
from ir_bench.training.padded_tokens import PaddedTokens
from ir_bench.training.step import Step

QUERIES, CANDIDATES = 3, 4


def of_texts(vectors: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
    return [own[counts] for own, counts in zip(vectors, mask, strict=True)]


def max_sim(given: PaddedTokens, dimensions: int | None, normalise: bool) -> torch.Tensor:
    """Every pair of texts alone, from the tokens that count; in the precision of the vectors."""

    def shortened(tokens: torch.Tensor) -> torch.Tensor:
        cut = tokens[:, :dimensions]
        return cut / cut.square().sum(1, keepdim=True).sqrt() if normalise else cut

    rows = []
    for i, query in enumerate(of_texts(given.queries, given.queries_mask)):
        own = (given.documents, given.documents_mask)
        if given.documents.ndim == 4:
            own = (own[0][i], own[1][i])
        sums = [(shortened(query) @ shortened(d).T).amax(1).sum() for d in of_texts(*own)]
        rows.append(torch.stack(sums) / (len(query) if given.mean else 1))
    return torch.stack(rows)


def step(given: PaddedTokens) -> Step:
    made = random_step(4, queries=QUERIES, candidates=CANDIDATES, dtype=torch.float32)
    vectors = {"query_vectors": None, "document_vectors": None, "layers": None}
    return replace(made, scores=given.scores(), tokens=given, **vectors)


def learned(given: PaddedTokens, dtype: torch.dtype = torch.float32) -> PaddedTokens:
    leaves = {side: getattr(given, side).detach().to(dtype).requires_grad_() for side in ("queries", "documents")}
    return replace(given, **leaves)


def gradients(value: torch.Tensor, given: PaddedTokens) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(value, [given.queries, given.documents])


PREFIXES = Matryoshka(Contrastive(temperature=1), [6, 4, 2], {4: 0.5, 2: 2.0})


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("own_lists", [False, True])
@pytest.mark.parametrize(("dimensions", "normalise"), [(None, False), (6, True), (2, True), (3, False)])
def test_scores_by_hand(own_lists: bool, mean: bool, dimensions: int | None, normalise: bool) -> None:
    given = random_tokens(own_lists, mean=mean)
    found = given.at(dimensions, normalise).scores()
    torch.testing.assert_close(found, max_sim(given, dimensions, normalise), rtol=1e-5, atol=1e-6)
    assert found.shape == (QUERIES, CANDIDATES)


@pytest.mark.parametrize("own_lists", [False, True])
@pytest.mark.parametrize("base", [Contrastive(temperature=1), ListKL(in_batch=True)])
def test_matryoshka_is_the_weighted_sum_over_prefixes(own_lists: bool, base: Contrastive | ListKL) -> None:
    given = step(random_tokens(own_lists))
    assert given.tokens is not None
    expected = sum(
        weight * base(replace(given, scores=max_sim(given.tokens, d, True))).item()
        for d, weight in ((6, 1.0), (4, 0.5), (2, 2.0))
    )
    assert replace(PREFIXES, objective=base)(given).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("own_lists", [False, True])
def test_gradients_are_those_of_finite_differences(own_lists: bool) -> None:
    """Of the loops above in float64, which ours then equal: MaxSim itself sums in float32."""
    plain = random_tokens(own_lists, seed=2)
    precise = learned(plain, torch.float64)

    def value(queries: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
        made = step(plain)
        tokens = replace(precise, queries=queries, documents=documents)
        terms = [
            weight * PREFIXES.objective(replace(made, scores=max_sim(tokens, d, True), labels=made.labels.double()))
            for d, weight in ((6, 1.0), (4, 0.5), (2, 2.0))
        ]
        return torch.stack(terms).sum()

    assert torch.autograd.gradcheck(value, [precise.queries, precise.documents])
    ours = learned(plain)
    wanted = gradients(value(precise.queries, precise.documents), precise)
    for found, expected in zip(gradients(PREFIXES(step(ours)), ours), wanted, strict=True):
        torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("own_lists", [False, True])
def test_padding_and_masked_tokens_change_nothing(own_lists: bool) -> None:
    plain = random_tokens(own_lists)
    masks = {"queries": plain.queries_mask, "documents": plain.documents_mask}
    far = {side: torch.where(mask[..., None], getattr(plain, side), torch.tensor(1e3)) for side, mask in masks.items()}
    ours, others = learned(plain), learned(replace(plain, **far))
    value, again = PREFIXES(step(ours)), PREFIXES(step(others))
    assert value.item() == again.item()
    for found, expected, mask in zip(gradients(again, others), gradients(value, ours), masks.values(), strict=True):
        assert torch.equal(found, expected)
        assert not found[~mask].any()

    def longer(tensor: torch.Tensor, mask: bool) -> torch.Tensor:
        filled = torch.nn.functional.pad(tensor, (0, 2) if mask else (0, 0, 0, 2))
        assert filled.shape[: tensor.ndim - 2 + mask] == tensor.shape[: tensor.ndim - 2 + mask]
        return filled

    padded = replace(
        plain,
        queries=longer(plain.queries, False),
        queries_mask=longer(plain.queries_mask, True),
        documents=longer(plain.documents, False),
        documents_mask=longer(plain.documents_mask, True),
    )
    wide = learned(padded)
    value = PREFIXES(step(wide))
    assert value.item() == pytest.approx(again.item(), rel=1e-6)
    for found, expected in zip(gradients(value, wide), gradients(PREFIXES(step(ours)), ours), strict=True):
        assert torch.isfinite(found).all()  # vectors of padding are zero, and have no direction
        assert not found[..., expected.shape[-2] :, :].any()
        torch.testing.assert_close(found[..., : expected.shape[-2], :], expected)


def test_a_candidate_masked_out_changes_nothing() -> None:
    plain = random_tokens()
    made = step(learned(plain))
    mask, labels = made.mask.clone(), made.labels.clone()
    mask[:, 0], labels[:, 0] = False, 0
    labels[:, 1], labels[:, 2], mask[:, 1:3] = 1, 0, True
    made = replace(made, mask=mask, labels=labels)
    assert made.tokens is not None
    (_, found) = gradients(PREFIXES(made), made.tokens)
    assert not found[0].any()
    assert found[1].any()


def test_wrong_dimensions_and_objectives_over_texts() -> None:
    given = step(random_tokens())
    for dimensions in (7, 0):
        with pytest.raises(InputError, match=f"{dimensions} dimensions of vectors that have 6"):
            Matryoshka(Contrastive(), [dimensions])(given)
    with pytest.raises(InputError, match="scores and vectors of tokens"):
        L1()(given)
    with pytest.raises(InputError, match="no vectors of layers"):
        given.at(2, layer=1)
