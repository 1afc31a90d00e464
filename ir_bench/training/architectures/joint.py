"""A dense and a sparse vector from one pass of the transformer, trained on the sum of both scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_bench.training.architectures.bi_encoder import plain_bi_encoder


@dataclass
class Joint:
    """Weights of a text's own terms beside its pooled vector times a matrix, of length 1 (see `modules.side_by_side`).

    The score is the sum over common terms plus `dense_scale` times the cosine; 0 leaves the dense part out of it.
    Every weight begins as 1 and the matrix as the identity, so that an untrained model adds the number of common terms
    to a cosine near to the checkpoint's own. After training `transform=sparse_head` gives both, or one part by its
    name, "sparse" or "dense".
    Source: Efficient and Interpretable Information Retrieval for Product Question Answering with Heterogeneous Data
    (2024). Differs: terms of the text alone, where the paper expands it; a matrix over the pooled vector; token
    vectors are brought to length 1 first, as those of `encoder=token_states` are, before they are pooled too.
    Raises InputError for a checkpoint with other modules than a transformer, a pooling and a normalisation.
    """

    dense_scale: float = 20.0

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import SparseEncoder
        from sentence_transformers.base.modules import Dense, Normalize
        from torch import nn

        from ir_bench.modules.side_by_side import SideBySide
        from ir_bench.modules.term_impacts import TermImpacts

        _, transformer, pooling = plain_bi_encoder(model)
        tokenizer, dims = transformer.tokenizer, transformer.get_embedding_dimension()
        impacts = TermImpacts(dims, len(tokenizer), without=sorted(tokenizer.all_special_ids))
        last: Any = impacts.weigh[-1]
        last.weight.data.zero_()
        last.bias.data.fill_(1.0)
        matrix = Dense(dims, dims, bias=False, activation_function=nn.Identity(), init_weight=torch.eye(dims))
        parts = {"sparse": [impacts], "dense": [pooling, matrix, Normalize()]}
        head = SideBySide(parts, {"dense": self.dense_scale})
        modules = [transformer, Normalize("token_embeddings"), head]
        return SparseEncoder(modules=modules, device="cpu", similarity_fn_name="dot")
