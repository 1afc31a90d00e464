"""The same numbers as sentence-transformers' losses, where it has them, on small random vectors and models."""

from __future__ import annotations

import pytest
import torch
from sentence_transformers.cross_encoder.losses import RankNetLoss
from sentence_transformers.sentence_transformer.losses import (
    DistillKLDivLoss,
    EmbedDistillLoss,
    MarginMSELoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sparse_encoder.losses import FlopsLoss
from sentence_transformers.util import dot_score
from torch import nn

from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.flops import Flops
from ir_bench.training.objectives.list_kl import ListKL
from ir_bench.training.objectives.margin_mse import MarginMSE
from ir_bench.training.objectives.pairwise import Pairwise
from ir_bench.training.objectives.vector_matching import VectorMatching
from ir_bench.training.step import Step


@pytest.fixture
def columns() -> list[torch.Tensor]:
    """Query, positive and two negatives of five examples, eight dimensions."""
    generator = torch.Generator().manual_seed(11)
    return [torch.randn(5, 8, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(4)]


def in_batch(columns: list[torch.Tensor], similarity) -> Step:
    """Positives first, then all first negatives …, as sentence-transformers orders them."""
    scores = similarity(columns[0], torch.cat(columns[1:]))
    return Step(scores, torch.eye(*scores.shape), torch.ones_like(scores, dtype=torch.bool))


def own_lists(columns: list[torch.Tensor], teacher: torch.Tensor) -> Step:
    scores = torch.stack([(columns[0] * column).sum(1) for column in columns[1:]], 1)
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1
    return Step(scores, labels, torch.ones_like(scores, dtype=torch.bool), teacher=teacher)


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(a, dim=1) @ nn.functional.normalize(b, dim=1).T


def same(ours: torch.Tensor, theirs: torch.Tensor, inputs: list[torch.Tensor]) -> None:
    """Value and gradients."""
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    for a, b in zip(
        torch.autograd.grad(ours, inputs, retain_graph=True), torch.autograd.grad(theirs, inputs), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-11)


def test_multiple_negatives_ranking(columns):
    theirs = MultipleNegativesRankingLoss(None, scale=20.0).compute_loss_from_embeddings(columns, None)
    same(Contrastive(temperature=0.05)(in_batch(columns, cosine)), theirs, columns)
    theirs = MultipleNegativesRankingLoss(None, scale=1.0, similarity_fct=dot_score).compute_loss_from_embeddings(
        columns, None
    )
    same(Contrastive(temperature=1)(in_batch(columns, dot_score)), theirs, columns)


def test_multiple_negatives_ranking_in_both_directions(columns):
    theirs = MultipleNegativesRankingLoss(
        None, scale=20.0, directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
    ).compute_loss_from_embeddings(columns, None)
    same(Contrastive(temperature=0.05, symmetric=True)(in_batch(columns, cosine)), theirs, columns)


def test_margin_mse(columns):
    teacher = torch.randn(5, 3, dtype=torch.float64)
    theirs = MarginMSELoss(None).compute_loss_from_embeddings(columns, teacher)
    same(MarginMSE()(own_lists(columns, teacher)), theirs, columns)


@pytest.mark.parametrize("temperatures", [(1.0, 1.0), (0.7, 3.0)])
def test_distillation_by_divergence(columns, temperatures):
    teacher = torch.randn(5, 3, dtype=torch.float64)
    student, taught = temperatures
    theirs = DistillKLDivLoss(
        None, student_temperature=student, teacher_temperature=taught
    ).compute_loss_from_embeddings(columns, teacher)
    # theirs multiplies by the student's temperature squared
    same(student**2 * ListKL(student, taught)(own_lists(columns, teacher)), theirs, columns)


def test_rank_net(columns):
    """Theirs runs a cross-encoder on pairs and has logarithms of base 2; a module that looks scores up stands in."""
    scores = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    labels = [[1, 0, 2, 0], [0, 1, 0, 0], [3, 1, 0, 2]]

    class Lookup(nn.Module):
        device, num_labels = torch.device("cpu"), 1

        def preprocess(self, pairs, **kwargs):
            return {"rows": torch.tensor([[int(a), int(b)] for a, b in pairs])}

        def forward(self, features):
            return {"scores": scores[tuple(features["rows"].T)]}

    queries, documents = ["0", "1", "2"], [["0", "1", "2", "3"]] * 3
    loss = RankNetLoss(Lookup(), reduction_log="natural")
    theirs = loss([queries, documents], [torch.tensor(row) for row in labels])
    step = Step(scores, torch.tensor(labels), torch.ones(3, 4, dtype=torch.bool))
    torch.testing.assert_close(Pairwise()(step), theirs)


@pytest.mark.parametrize("threshold", [None, 3])
def test_flops(columns, threshold):
    documents = torch.cat(columns[1:]).relu()
    step = Step(torch.zeros(1, 15), torch.zeros(1, 15), torch.ones(1, 15, dtype=torch.bool))
    step = Step(step.scores, step.labels, step.mask, query_vectors=columns[0], document_vectors=documents)
    theirs = FlopsLoss(None, threshold).compute_loss_from_embeddings(documents)
    same(Flops(threshold=threshold)(step), theirs, columns[1:])


def test_matching_vectors_by_cosine(columns):
    student, teacher = columns[0], columns[1].detach()
    mask = torch.ones(1, 5, dtype=torch.bool)
    step = Step(torch.zeros(1, 5), torch.zeros(1, 5), mask, document_vectors=student, teacher_document_vectors=teacher)
    theirs = EmbedDistillLoss(None).compute_loss_from_embeddings([student], [teacher])
    same(VectorMatching(cosine=1, gram=0, order=0)(step), theirs, [student])
