"""The gate of document vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ir_bench.modules.token_gate import TokenGate


@pytest.fixture
def gate() -> TokenGate:
    made = TokenGate(2)
    made.gate.weight.data[:] = torch.tensor([[1.0, -2.0]])
    made.gate.bias.data[:] = 0.5
    return made


def features() -> dict[str, Any]:
    vectors = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [1.0, 0.0]]])  # gates 1.5, 0, 0, and padding
    return {"token_embeddings": vectors, "attention_mask": torch.tensor([[1, 1, 1, 0]])}


def test_an_untrained_gate_changes_nothing() -> None:
    made = TokenGate(2).eval()(features(), task="document")
    assert torch.equal(made["token_embeddings"], features()["token_embeddings"])
    assert made["attention_mask"].tolist() == [[True, True, True, False]]


@pytest.mark.parametrize("task", ["document", None])
def test_closed_gates_leave_out_vectors_of_documents(gate: TokenGate, task: Any) -> None:
    made = gate.eval()(features(), task=task)
    assert made["attention_mask"].tolist() == [[True, False, False, False]]
    assert made["token_embeddings"][0, 0].tolist() == [1.5, 0]


def test_in_training_they_stay_as_zeros(gate: TokenGate) -> None:
    made = gate.train()(features(), task="document")
    assert made["attention_mask"].tolist() == [[1, 1, 1, 0]]
    assert not made["token_embeddings"][0, 1:3].any()


def test_queries_stay(gate: TokenGate) -> None:
    for made in (gate.eval()(features(), task="query"), gate(features() | {"task": "query"})):
        assert torch.equal(made["token_embeddings"], features()["token_embeddings"])
        assert made["attention_mask"].tolist() == [[1, 1, 1, 0]]


def test_what_is_saved_is_what_is_loaded(gate: TokenGate, tmp_path: Path) -> None:
    gate.save(str(tmp_path))
    again = TokenGate.load(str(tmp_path))
    assert torch.equal(again.gate.weight, gate.gate.weight)
    assert torch.equal(again.gate.bias, gate.gate.bias)
