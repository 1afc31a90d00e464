"""A change of queries that is made near to some centres only."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_bench.modules.gated_change import GatedChange


@pytest.fixture
def made() -> GatedChange:
    change = GatedChange(2, 1, low=0.6, high=0.8)
    change.centres.copy_(torch.tensor([[1.0, 0.0]]))
    with torch.no_grad():
        change.change.weight.copy_(torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    return change


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        ([0.0, 1.0], [0.0, 1.0]),  # cosine 0: closed
        ([0.6, 0.8], [0.6, 0.8]),  # cosine 0.6: still closed
        ([3.0, 0.0], [3.0, 6.0]),  # cosine 1, though 3 long: open, v + C v
        ([0.7, 0.51**0.5], [0.7 + 0.5 * 0.51**0.5, 0.51**0.5 + 0.5 * 1.4]),  # cosine 0.7: half open
    ],
)
def test_the_change_is_that_of_the_definition(made: GatedChange, vector: list[float], expected: list[float]) -> None:
    changed = made({"sentence_embedding": torch.tensor([vector])}, task="query")["sentence_embedding"][0]
    torch.testing.assert_close(changed, torch.tensor(expected))


@pytest.mark.parametrize("task", ["document", None])
def test_documents_stay(made: GatedChange, task: str | None) -> None:
    vectors = torch.tensor([[3.0, 0.0]])
    assert torch.equal(made({"sentence_embedding": vectors}, task=task)["sentence_embedding"], vectors)


def test_features_tell_the_task_where_nobody_else_does(made: GatedChange) -> None:
    changed = made({"sentence_embedding": torch.tensor([[3.0, 0.0]]), "task": "query"})["sentence_embedding"]
    assert changed.tolist() == [[3.0, 6.0]]


def test_the_nearest_of_several_centres_counts_and_nothing_is_changed_at_first() -> None:
    change = GatedChange(2, 2, low=0.0, high=1.0)
    change.centres.copy_(torch.eye(2))
    assert change.openness(torch.tensor([[0.0, 2.0], [0.6, 0.8], [-1.0, -1.0]])).tolist() == [
        [1.0], [pytest.approx(0.8)], [0.0]
    ]  # fmt: skip
    vectors = torch.tensor([[0.6, 0.8]])
    assert torch.equal(change({"sentence_embedding": vectors}, task="query")["sentence_embedding"], vectors)


def test_what_is_saved_is_what_is_loaded(made: GatedChange, tmp_path: Path) -> None:
    made.save(str(tmp_path))
    again = GatedChange.load(str(tmp_path))
    assert (again.low, again.high) == (0.6, 0.8)
    vectors = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    ours, theirs = (m({"sentence_embedding": vectors}, task="query")["sentence_embedding"] for m in (made, again))
    assert torch.equal(ours, theirs)


def test_token_vectors_change_by_the_gate_of_their_mean(made: GatedChange) -> None:
    made.tokens = True
    tokens = torch.tensor([[[2.0, 0.0], [0.6, 0.8], [9.0, -9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    mean = torch.tensor([1.6, 0.8])  # of the lengths 1, of those that are not masked: its cosine to the centre is .894
    assert made.openness(mean[None]).item() == 1
    changed = made({"token_embeddings": tokens.clone(), "attention_mask": mask}, task="query")["token_embeddings"][0]
    torch.testing.assert_close(changed[:2], torch.tensor([[2.0, 4.0], [0.6 + 0.8, 0.8 + 1.2]]))
    far = made({"token_embeddings": tokens.flip(2), "attention_mask": mask}, task="query")["token_embeddings"]
    assert torch.equal(far, tokens.flip(2))  # .447
    kept = made({"token_embeddings": tokens.clone(), "attention_mask": mask}, task="document")["token_embeddings"]
    assert torch.equal(kept, tokens)
