"""Token vectors, projected, that meet in MaxSim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.training.architectures.bi_encoder import BiEncoder

SAMPLE = 400  # documents that principal components are computed from


@dataclass
class LateInteraction:
    """Token vectors of the last layer times a matrix [dims, `dimensions`], each of length 1, scored by MaxSim.

    `init`: "pca" begins with the principal components of token vectors of a sample of documents, not centred, which
    keeps most of what untrained vectors can do; "random" as ColBERT does. `keep_punctuation` False leaves punctuation
    of documents out, as ColBERT does.
    Source: Khattab and Zaharia 2020, "ColBERT", section 3.2. Differs: no [MASK] expansion and no markers unless the
    checkpoint has them; the projection's beginning.
    """

    dimensions: int = 128
    init: Literal["pca", "random"] = "pca"
    keep_punctuation: bool = True

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import string

        from sentence_transformers import MultiVectorEncoder
        from sentence_transformers.base.modules import Dense, Normalize
        from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
        from torch import nn

        base = BiEncoder().build(model, documents)
        transformer = next(iter(base.children()))
        dims = transformer.get_embedding_dimension()
        weight = None
        if self.init == "pca":
            weight = _components(transformer, list(documents[:SAMPLE]), self.dimensions)
        head = Dense(
            dims,
            self.dimensions,
            bias=False,
            activation_function=nn.Identity(),
            init_weight=weight,
            module_input_name="token_embeddings",
        )
        skip = [] if self.keep_punctuation else list(string.punctuation)
        return MultiVectorEncoder(
            modules=[transformer, head, Normalize("token_embeddings"), MultiVectorMask(skiplist_words=skip)],
            device="cpu",
            prompts=base.prompts,
        )


def _components(transformer: Any, texts: Sequence[str], count: int) -> Any:
    """The first `count` eigenvectors [count, dims] of the second moments of token vectors."""
    import torch

    total: Any = 0
    with torch.inference_mode():
        for start in range(0, len(texts), 16):
            features = transformer.preprocess(list(texts[start : start + 16]))
            output = transformer(features)
            vectors = output["token_embeddings"][output["attention_mask"].bool()]
            vectors = torch.nn.functional.normalize(vectors, dim=-1).double()
            total = total + vectors.T @ vectors
    _, vectors = torch.linalg.eigh(total)
    components = vectors[:, -count:].flip(1).T.float()
    # an eigenvector's sign is arbitrary, and differs between machines
    signs = torch.sign(components.gather(1, components.abs().argmax(1, keepdim=True)))
    return (components * signs).contiguous()
