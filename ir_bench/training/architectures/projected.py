"""One tower with a matrix over its pooled vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.errors import InputError
from ir_bench.training.architectures.bi_encoder import plain_bi_encoder

SAMPLE = 500  # documents that the principal components are computed from


@dataclass
class Projected:
    """Pooled vectors times a matrix [dims, `dimensions`], the same for queries and documents, then length 1.

    `init`: "identity" begins with the first `dimensions` of the checkpoint's vectors, so that an untrained model is the
    checkpoint, cut; "pca" with the principal components, not centred, of the pooled vectors of a sample of documents;
    "random" with neither. Raises InputError for more dimensions than the checkpoint has and for other modules than a
    transformer, a pooling and a normalisation.
    Source: Zhang et al. 2024, "Jasper and Stella: distillation of SOTA embedding models" (heads of fewer dimensions);
    Kusupati et al. 2022, "Matryoshka representation learning" (a matrix of all dimensions whose prefixes are trained).
    """

    dimensions: int = 384
    init: Literal["identity", "pca", "random"] = "pca"

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Dense, Normalize
        from torch import nn

        base, transformer, pooling = plain_bi_encoder(model)
        dims = base.get_embedding_dimension()
        if not 1 <= self.dimensions <= dims:
            raise InputError(
                f"{self.dimensions} dimensions of a model that has {dims}",
                f"1 to {dims}",
                "set architecture.dimensions",
            )
        weight = None
        if self.init == "identity":
            weight = torch.eye(dims)[: self.dimensions]
        elif self.init == "pca":
            vectors = torch.from_numpy(base.encode(list(documents[:SAMPLE]), normalize_embeddings=True)).double()
            _, components = torch.linalg.eigh(vectors.T @ vectors)
            found = components[:, -self.dimensions :].flip(1).T.float()
            # an eigenvector's sign is arbitrary, and differs between machines
            weight = (found * torch.sign(found.gather(1, found.abs().argmax(1, keepdim=True)))).contiguous()
        head = Dense(
            dims,
            self.dimensions,
            bias=False,
            activation_function=nn.Identity(),
            **({} if weight is None else {"init_weight": weight}),
        )
        return SentenceTransformer(
            modules=[transformer, pooling, head, Normalize()],
            device="cpu",
            similarity_fn_name="cosine",
            prompts=base.prompts,
        )
