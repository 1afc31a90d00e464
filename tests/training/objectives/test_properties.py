"""What holds for every objective on any step, and the gradients of each against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_steps import gradients, leaves, permuted, random_step

from ir_bench.training.nested import parameters
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.flops import Flops
from ir_bench.training.objectives.idf_flops import IdfFlops
from ir_bench.training.objectives.l1 import L1
from ir_bench.training.objectives.lambda_weighted import LambdaWeighted
from ir_bench.training.objectives.list_kl import ListKL
from ir_bench.training.objectives.margin_mse import MarginMSE
from ir_bench.training.objectives.matryoshka import Matryoshka
from ir_bench.training.objectives.matryoshka_2d import Matryoshka2D
from ir_bench.training.objectives.pairwise import Pairwise
from ir_bench.training.objectives.quadratic import Quadratic
from ir_bench.training.objectives.starbucks import Starbucks
from ir_bench.training.objectives.vector_matching import VectorMatching
from ir_bench.training.objectives.weighted import Weighted
from ir_bench.training.step import Step

OVER_SCORES = {
    "contrastive": Contrastive(),
    "contrastive, τ 1": Contrastive(temperature=1),
    "pairwise": Pairwise(),
    "lambda_weighted": LambdaWeighted(),
    "lambda_weighted, cut 2": LambdaWeighted(cut=2),
    "margin_mse": MarginMSE(in_batch=True),
    "list_kl": ListKL(0.5, 2.0, in_batch=True),
}
OVER_VECTORS = {
    "vector_matching": VectorMatching(margin=0.3),
    "flops": Flops(),
    "idf_flops": IdfFlops("queries"),
    "l1": L1(),
    "matryoshka": Matryoshka(Contrastive(temperature=1), [4, 2], {2: 0.3}),
    "matryoshka_2d": Matryoshka2D(Contrastive(temperature=1), [1, 2, 3], layers=[0, 1]),
    "starbucks": Starbucks(Contrastive(temperature=1), [(0, 2), (1, 3)]),
    "weighted": Weighted({"ranking": Contrastive(), "documents": Quadratic(Flops(), 10)}, {"documents": 0.1}),
}
ALL = OVER_SCORES | OVER_VECTORS
seeds = st.integers(0, 10**6)
few = settings(max_examples=8, deadline=None)


@pytest.mark.parametrize("name", ALL)
@few
@given(seed=seeds)
def test_the_order_of_candidates_does_not_matter(name, seed):
    given = random_step(seed)
    order = torch.randperm(given.scores.shape[1], generator=torch.Generator().manual_seed(seed))
    value, moved = ALL[name](given), ALL[name](permuted(given, order))
    assert moved.item() == pytest.approx(value.item(), rel=1e-9, abs=1e-12)
    for ours, theirs in zip(gradients(value, given), gradients(moved, given), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", ALL)
@few
@given(seed=seeds, score=st.sampled_from([0.0, -1e300, 1e300, math.inf, -math.inf, math.nan]))
def test_a_masked_candidate_changes_nothing(name, seed, score):
    given = random_step(seed)
    value = ALL[name](given)
    scores = given.scores.detach().masked_fill(~given.mask, score).requires_grad_()
    teacher = given.teacher.masked_fill(~given.mask, score)
    changed = replace(given, scores=scores, teacher=teacher)
    again = ALL[name](changed)
    assert again.item() == value.item()
    ours, theirs = gradients(value, given), gradients(again, changed)
    assert (theirs[0][~given.mask] == 0).all()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(b, a, rtol=0, atol=0)


@pytest.mark.parametrize("name", ALL)
@few
@given(seed=seeds)
def test_a_document_masked_for_every_query_changes_nothing(name, seed):
    given = random_step(seed)
    given.mask[:, 0] = False
    given.labels[:, 0] = 0
    given.labels[:, 1], given.labels[:, 2] = 1, 0
    given.mask[:, 1:3] = True
    value = ALL[name](given)
    assert all(torch.isfinite(g).all() for g in gradients(value, given))
    less = permuted(given, torch.arange(1, given.scores.shape[1]))
    assert ALL[name](less).item() == pytest.approx(value.item(), rel=1e-9)


SHIFT = ["contrastive", "pairwise", "lambda_weighted", "margin_mse", "list_kl"]


@pytest.mark.parametrize("name", SHIFT)
@few
@given(seed=seeds, shift=st.floats(-50, 50))
def test_a_shift_of_a_querys_scores_changes_nothing(name, seed, shift):
    given = random_step(seed)
    shifts = shift * torch.arange(len(given.scores), dtype=torch.float64)[:, None]
    moved = replace(given, scores=given.scores + shifts, teacher=given.teacher - shifts)
    assert OVER_SCORES[name](moved).item() == pytest.approx(OVER_SCORES[name](given).item(), rel=1e-8, abs=1e-10)


@few
@given(seed=seeds, scale=st.floats(0.01, 100))
def test_scaling_scores_is_dividing_the_temperature(seed, scale):
    given = random_step(seed)
    scaled = replace(given, scores=given.scores * scale)
    for plain, divided in (
        (Contrastive(temperature=1), Contrastive(temperature=1 / scale)),
        (Pairwise(), Pairwise(temperature=1 / scale)),
        (ListKL(), ListKL(student_temperature=1 / scale)),
        (MarginMSE(), MarginMSE(scale=scale)),
    ):
        assert plain(scaled).item() == pytest.approx(divided(given).item(), rel=1e-8, abs=1e-12)


@few
@given(seed=seeds, size=st.integers(2, 6))
def test_the_symmetric_loss_is_that_of_the_transposed_scores(seed, size):
    scores = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    given = Step(scores, torch.eye(size), torch.ones(size, size, dtype=torch.bool))
    both = Contrastive(symmetric=True)
    assert both(replace(given, scores=scores.T)).item() == pytest.approx(both(given).item(), rel=1e-12)


@few
@given(seed=seeds, name=st.sampled_from(["contrastive", "pairwise", "lambda_weighted"]))
def test_a_better_positive_lowers_the_loss(seed, name):
    """One gradient step raises every query's mean positive over its mean negative."""
    given = random_step(seed)
    (gradient,) = torch.autograd.grad(OVER_SCORES[name](given), given.scores)
    assert (gradient[given.positives] <= 0).all()
    assert (gradient[given.negatives] >= 0).all()
    assert (gradient != 0).any()


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_those_of_finite_differences(name):
    given = random_step(0)
    last = [tuple(v.detach() for v in given.layers[-1])]  # a fixed teacher: held still, and looked at below
    inputs = leaves(replace(given, layers=given.layers[:-1]))

    def value(scores, queries, documents, *layered):
        layers = [*zip(layered[::2], layered[1::2], strict=True), *last]
        return ALL[name](
            replace(given, scores=scores, query_vectors=queries, document_vectors=documents, layers=layers)
        )

    if name in OVER_VECTORS:  # absolute values and sharp corners: keep clear of them
        assert min(x.detach().abs().min() for x in inputs) > 1e-4
    assert torch.autograd.gradcheck(value, inputs)


@pytest.mark.parametrize(
    "make",
    [
        lambda kl: Starbucks(Contrastive(temperature=1), [(0, 2), (1, 3)], kl=kl),
        lambda kl: Matryoshka2D(Contrastive(temperature=1), [2], layers=[1], kl=kl),
    ],
)
def test_the_full_model_learns_nothing_from_teaching_smaller_ones(make):
    given = random_step(1)
    with_kl, without = (torch.autograd.grad(make(kl)(given), given.layers[-1]) for kl in (1.0, 0.0))
    for a, b in zip(with_kl, without, strict=True):
        torch.testing.assert_close(a, b)
    assert torch.autograd.gradcheck(
        lambda q, d: make(0.0)(replace(given, layers=[*given.layers[:-1], (q, d)])), given.layers[-1]
    )


def test_gradients_of_a_learned_temperature_and_of_the_symmetric_form():
    objective = Contrastive(temperature=0.5, learned=True, symmetric=True)
    (parameter,) = parameters(objective).values()
    parameter.data = parameter.data.double()
    scores = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.tensor([[1, 1, 0], [1, 1, 1], [1, 0, 1]]).bool()

    def value(scores, log_temperature):
        objective._log_temperature = log_temperature
        return objective(Step(scores, torch.eye(3), mask))

    assert torch.autograd.gradcheck(value, [scores, parameter])


def test_gradients_over_own_lists():
    given = random_step(5)
    own = torch.randn(3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    objective = Matryoshka(Contrastive(temperature=1), [4, 2])
    assert torch.autograd.gradcheck(lambda v: objective(replace(given, document_vectors=v)), [own])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", OVER_SCORES)
def test_short_floats_have_finite_values_and_gradients(name, dtype):
    given = random_step(2, dtype=dtype)
    value = OVER_SCORES[name](given)
    assert torch.isfinite(value)
    assert all(torch.isfinite(g).all() for g in gradients(value, given))
