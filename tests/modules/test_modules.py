"""Modules of ours are saved with a model, and loaded without trusting code that a folder brings."""

from __future__ import annotations

import json

import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.base.modules.module import Module
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

from ir_bench import modules
from ir_bench.modules.sparta import Sparta
from ir_bench.modules.term_impacts import TermImpacts

TEXTS = ["the cat sat on the mat", "a dog"]


@pytest.fixture
def body(bare_bert) -> Transformer:
    return Transformer(str(bare_bert))


def sparta() -> Sparta:
    head = Sparta(16, 22, frozen=True)
    head.table.data.normal_(generator=torch.Generator().manual_seed(0))
    return head


@pytest.mark.parametrize("make", [lambda: TermImpacts(16, 22, hidden=8, without=[2, 3]), sparta])
def test_a_saved_model_gives_the_same_vectors(make, body, tmp_path):
    model = SparseEncoder(modules=[body, make()], device="cpu")
    model.save_pretrained(str(tmp_path), create_model_card=False)
    again = modules.load(SparseEncoder, tmp_path, device="cpu")
    assert type(again[1]) is type(model[1])
    assert [p.requires_grad for p in again[1].parameters()] == [p.requires_grad for p in model[1].parameters()]
    for task in ("encode_query", "encode_document"):
        ours, theirs = (getattr(m, task)(TEXTS, convert_to_sparse_tensor=False) for m in (model, again))
        assert torch.equal(ours, theirs)


def test_inside_a_router_too(body, tmp_path):
    query = SparseStaticEmbedding(body.tokenizer)
    router = Router({"query": [query], "document": [TermImpacts(16, 22)]}, default_route="document")
    SparseEncoder(modules=[body, router], device="cpu").save_pretrained(str(tmp_path), create_model_card=False)
    again = modules.load(SparseEncoder, tmp_path, device="cpu")
    assert isinstance(again[1].sub_modules["document"][0], TermImpacts)


def test_modules_of_others_are_not_imported(body, tmp_path):
    SparseEncoder(modules=[body, TermImpacts(16, 22)], device="cpu").save_pretrained(str(tmp_path))
    listed = json.loads((tmp_path / "modules.json").read_text())
    listed[1]["type"] = "antigravity.Head"
    (tmp_path / "modules.json").write_text(json.dumps(listed))
    with pytest.raises(ValueError, match="trust_remote_code"):
        modules.load(SparseEncoder, tmp_path, device="cpu")


def test_every_module_is_known_by_its_name():
    known = modules.own()
    assert known["ir_bench.modules.sparta.Sparta"] is Sparta
    assert all(issubclass(kind, Module) and kind.__module__ in name for name, kind in known.items())
