"""One vector per text from a transformer checkpoint, loaded by sentence-transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ir_bench import models
from ir_bench.checkpoints import (
    OF_QUERIES,
    Checkpoint,
    Numbers,
    Task,
    architectures,
    first_layers,
    fitted,
    saved_as,
    threads,
)
from ir_bench.errors import InputError
from ir_bench.scoring import require_finite
from ir_bench.types import Corpus, Dense

DPR = {"DPRQuestionEncoder", "DPRContextEncoder"}


@dataclass
class SentenceTransformerEncoder:
    """Embeddings [texts, dims] float32 as the checkpoint's own modules compute them, to be compared by inner product.

    `model` is a folder, a hub id or `package:NAME`. Prompts and token limits are the checkpoint's where they are None.
    `similarity`: "cosine" normalises to length 1, "dot" does not, "checkpoint" does what the checkpoint declares
    (sentence-transformers takes one that declares nothing as cosine). A bare transformers checkpoint says nothing about
    `pooling` and needs it set ("mean", "cls", "lasttoken"); DPR checkpoints bring theirs.
    `fit` raises token limits that are set to what the corpus needs, never beyond the model's positions. `layers` reads
    the token vectors of that layer of the transformer, and computes no later one (2D Matryoshka, Starbucks).

    Differs: texts are batched by token count, so padding and the last float32 digit differ from `model.encode`; a
    prompt that a checkpoint names "passage" is used, where sentence-transformers 6.2 prefers its own empty "document".
    Raises InputError for a model that cannot be loaded, a limit beyond its positions, and NaN or infinite values.
    """

    produces: ClassVar[type] = Dense

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    query_prompt: str | None = field(default=None, metadata=OF_QUERIES)
    document_prompt: str | None = None
    query_tokens: int | None = field(default=None, metadata=OF_QUERIES)
    document_tokens: int | None = None
    similarity: Literal["checkpoint", "cosine", "dot"] = "checkpoint"
    pooling: str | None = None
    truncate_dim: int | None = None
    layers: int | None = field(default=None, metadata={"added": None})
    trust_remote_code: bool = False
    dtype: Numbers = "float32"
    batch_tokens: int | None = field(default=None, metadata={"changes_results": False})
    device: str | Sequence[str] = field(default="auto", metadata={"changes_results": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _checkpoint: Checkpoint | None = field(default=None, init=False, repr=False, compare=False)
    _needed: Mapping[str, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def fit(self, corpus: Corpus) -> None:
        self._needed = fitted(corpus)

    def encode_documents(self, texts: Sequence[str]) -> Dense:
        return self._encode(texts, "document", self.document_prompt, self.document_tokens)

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        return self._encode(texts, "query", self.query_prompt, self.query_tokens)

    def _encode(self, texts: Sequence[str], task: Task, prompt: str | None, tokens: int | None) -> Dense:
        with threads(self.threads):
            checkpoint = self._opened()
            options = checkpoint.options(task, prompt, checkpoint.limit(task, tokens, self._needed.get(task)))

            def finish(features: dict[str, Any]) -> Any:
                return self._finished(checkpoint, features["sentence_embedding"])

            def whole(some: list[str]) -> Any:
                vectors = checkpoint.model.encode(some, pool=checkpoint.pool, convert_to_tensor=True, **options)
                return self._finished(checkpoint, vectors)

            some = list(texts) or [""]  # "" tells how many dims
            rows, parts = checkpoint.encode(some, options, self.batch_tokens, finish, whole)
        vectors = np.concatenate(parts)
        vectors[rows] = vectors.copy()
        require_finite(vectors, f"the vector of {task}")
        return Dense(vectors[: len(texts)])

    def _finished(self, checkpoint: Checkpoint, vectors: Any) -> Any:
        """Cut to `truncate_dim`, float32, and of length 1 where the similarity is the cosine."""
        import torch

        vectors = vectors.float()
        if self.truncate_dim is not None:
            if not 1 <= self.truncate_dim <= vectors.shape[1]:
                raise InputError(
                    f"truncate_dim={self.truncate_dim}, but {self.model} has {vectors.shape[1]} dimensions",
                    f"1 to {vectors.shape[1]}",
                    "correct encoder.truncate_dim or leave it out",
                )
            vectors = vectors[:, : self.truncate_dim]
        if checkpoint.cosine(self.similarity):
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors.cpu().numpy()

    def _opened(self) -> Checkpoint:
        if self._checkpoint is None:
            self._checkpoint = Checkpoint.open(self.model, self.device, self.dtype, self._load)
        return self._checkpoint

    def _load(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        model = self._whole(folder, device, weights)
        return model if self.layers is None else first_layers(model, self.layers, self.model)

    def _whole(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        trust = {"trust_remote_code": self.trust_remote_code}
        if saved_as(folder) is not None:
            if self.pooling is not None:
                raise InputError(
                    f"pooling={self.pooling} is set, but {self.model} has a pooling of its own",
                    "pooling for a bare transformers checkpoint only",
                    "leave encoder.pooling out",
                )
            from ir_bench import modules

            return modules.load(SentenceTransformer, folder, device=device, model_kwargs=weights, **trust)
        if DPR.intersection(architectures(folder)):
            # transformers reads either tower as a question encoder, and would leave a context encoder's weights out
            names = {r"^ctx_encoder\.": "question_encoder."}
            tower = Transformer(
                str(folder),
                model_kwargs={**weights, "key_mapping": names},
                modality_config={"text": {"method": "forward", "method_output_name": "pooler_output"}},
                module_output_name="sentence_embedding",
            )
            return SentenceTransformer(modules=[tower], device=device, similarity_fn_name="dot")
        if self.pooling is None:
            raise InputError(
                f"{self.model} is a bare transformers checkpoint: it does not say how token vectors become one vector",
                "a pooling",
                "set encoder.pooling=mean, cls or lasttoken, as the model was trained (mostly with similarity=dot)",
            )
        body = Transformer(
            str(folder), model_kwargs={**weights, **trust}, config_kwargs=trust, processor_kwargs=dict(trust)
        )
        pooling = Pooling(body.get_embedding_dimension(), pooling_mode=self.pooling)
        return SentenceTransformer(modules=[body, pooling], device=device)
