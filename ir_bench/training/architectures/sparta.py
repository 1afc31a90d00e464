"""How well every term of the vocabulary matches a document: SPARTA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench.training.architectures.bi_encoder import BiEncoder


@dataclass
class SpartaMatching:
    """Token vectors, times a matrix that begins as the identity, against the model's input embeddings of all terms (see
    `modules.sparta`); queries are bags of words. `bias` is the head's to begin with: below zero keeps terms out.

    The matrix is what learns where the transformer is frozen; `table` True lets the embeddings learn, too.
    Source: Zhao, Lu and Lee 2021, SPARTA: Efficient Open-Domain Question Answering via Sparse Transformer Matching
    Retrieval. Differs: the matrix; token vectors are brought to length 1 first, as those of `encoder=token_states` are.
    """

    bias: float = 0.0
    table: bool = False

    def build(self, model: str, sample: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import SparseEncoder
        from sentence_transformers.base.modules import Dense, Normalize
        from torch import nn

        from ir_bench.modules.sparta import Sparta
        from ir_bench.modules.words import words_or

        transformer = next(iter(BiEncoder().build(model, sample).children()))
        tokenizer, dims = transformer.tokenizer, transformer.get_embedding_dimension()
        matrix = Dense(
            dims,
            dims,
            bias=False,
            activation_function=nn.Identity(),
            init_weight=torch.eye(dims),
            module_input_name="token_embeddings",
        )
        head = Sparta(dims, len(tokenizer), sorted(tokenizer.all_special_ids), frozen=not self.table)
        embeddings = transformer.model.get_input_embeddings().weight
        head.table.data = embeddings[: len(tokenizer)].detach().clone()
        head.bias.data.fill_(self.bias)
        modules = [transformer, Normalize("token_embeddings"), matrix, words_or(head, tokenizer)]
        return SparseEncoder(modules=modules, device="cpu", similarity_fn_name="dot")
