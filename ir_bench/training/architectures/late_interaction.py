"""Token vectors, projected, that meet in MaxSim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ir_bench.training.architectures.bi_encoder import BiEncoder

SAMPLE, RANDOM = 400, 800  # documents, and texts of random words, that a projection is fitted to
STEPS = 1000  # of init=scores


@dataclass
class LateInteraction:
    """Token vectors of the last layer times a matrix [dims, `dimensions`], each of length 1, scored by MaxSim.

    `init`: "pca" begins with the principal components of token vectors of a sample of documents, not centred, which
    keeps most of what untrained vectors can do; "scores" changes them so that MaxSim keeps its order of documents,
    and of texts of random words, for other collections' sake; "random" as ColBERT does. `keep_punctuation` False leaves
    punctuation of documents out, as ColBERT does.
    Source: Khattab and Zaharia 2020, "ColBERT", section 3.2. Differs: no [MASK] expansion and no markers unless the
    checkpoint has them; the projection's beginning.
    """

    dimensions: int = 128
    init: Literal["pca", "scores", "random"] = "pca"
    keep_punctuation: bool = True

    def build(self, model: str, documents: Sequence[str]) -> Any:
        import string

        from sentence_transformers import MultiVectorEncoder
        from sentence_transformers.base.modules import Dense, Normalize
        from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
        from torch import nn

        from ir_bench.training.kept import random_texts
        from ir_bench.training.token_projection import keep_scores, principal_components, token_states

        base = BiEncoder().build(model, documents)
        transformer = next(iter(base.children()))
        dims = transformer.get_embedding_dimension()
        weight = None
        if self.init != "random":
            texts = list(documents[:SAMPLE])
            if self.init == "scores":
                texts += random_texts(transformer.tokenizer, RANDOM, 0)
            states = token_states(transformer, texts)
            weight = principal_components(states, self.dimensions)
            if self.init == "scores":
                weight = keep_scores(weight, states, STEPS)
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
