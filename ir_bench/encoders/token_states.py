"""One vector per token from any bi-encoder, though it was trained to give one per text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ir_bench import models
from ir_bench.checkpoints import (
    OF_QUERIES,
    Checkpoint,
    Numbers,
    Stored,
    Task,
    TokenVectors,
    fitted,
    saved_as,
    threads,
    token_vectors,
    unpadded,
)
from ir_bench.errors import InputError
from ir_bench.types import Corpus, MultiVector


@dataclass
class TokenStatesEncoder:
    """The last hidden states [tokens, dims] of each text's tokens, of length 1, to be compared by MaxSim.

    `model` is a folder, a hub id or `package:NAME` of a SentenceTransformer or a bare transformers checkpoint; whatever
    it does after the transformer (pooling, projections) is left out. `special_tokens`: those that the tokenizer puts
    around a text ([CLS], [SEP]) stay. Prompts and token limits are the checkpoint's where they are None. `storage` is
    the number format of document vectors; queries are float32.
    `fit` raises token limits that are set to what the corpus needs, never beyond the model's positions.

    Source: Khattab and Zaharia 2020, ColBERT, section 3.2, without its projection, markers and training.
    Raises InputError for a model without token vectors or one that cannot be loaded, a limit beyond its positions, and
    NaN or infinite values.
    """

    produces: ClassVar[type] = MultiVector

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    query_prompt: str | None = field(default=None, metadata=OF_QUERIES)
    document_prompt: str | None = None
    query_tokens: int | None = field(default=None, metadata=OF_QUERIES)
    document_tokens: int | None = None
    special_tokens: bool = True
    storage: Stored = "float16"
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

    def encode_documents(self, texts: Sequence[str]) -> MultiVector:
        return self._encode(texts, "document", self.document_prompt, self.document_tokens, self.storage)

    def encode_queries(self, texts: Sequence[str]) -> MultiVector:
        return self._encode(texts, "query", self.query_prompt, self.query_tokens, "float32")

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text itself, for explanations."""
        return self._opened().model.tokenizer.tokenize(text)

    def checkpoint(self) -> Checkpoint:
        """The loaded model, for an encoder around this one."""
        return self._opened()

    def _encode(
        self, texts: Sequence[str], task: Task, prompt: str | None, tokens: int | None, stored: Stored
    ) -> MultiVector:
        with threads(self.threads):
            checkpoint = self._opened()
            options = checkpoint.options(task, prompt, checkpoint.limit(task, tokens, self._needed.get(task)))

            def finish(features: dict[str, Any]) -> TokenVectors:
                return self._states(checkpoint, features, stored)

            def whole(some: list[str]) -> TokenVectors:
                found = checkpoint.model.encode(some, pool=checkpoint.pool, output_value=None, **options)
                parts = [self._states(checkpoint, _one(features), stored) for features in found]
                counts, values, tokens = zip(*((p.counts, p.values, p.tokens) for p in parts), strict=True)
                return TokenVectors(np.concatenate(counts), np.concatenate(values), np.concatenate(tokens))

            some = list(texts) or [""]  # "" tells how many dims
            rows, parts = checkpoint.encode(some, options, self.batch_tokens, finish, whole)
        return token_vectors(rows, parts, f"a vector of {task}", checkpoint.vocabulary)[: len(texts)]

    def _states(self, checkpoint: Checkpoint, features: dict[str, Any], stored: Stored) -> TokenVectors:
        import torch

        if not {"token_embeddings", "attention_mask", "input_ids"} <= set(features):
            raise InputError(
                f"{self.model} computes no token vectors",
                "a model with a transformer",
                "choose another encoder.model",
            )
        mask = features["attention_mask"].bool()
        if not self.special_tokens:
            mask &= ~around(features["input_ids"], checkpoint.model.tokenizer)
        states = torch.nn.functional.normalize(features["token_embeddings"].float(), dim=-1)
        return unpadded({**features, "token_embeddings": states}, mask, stored)

    def _opened(self) -> Checkpoint:
        if self._checkpoint is None:
            self._checkpoint = Checkpoint.open(self.model, self.device, self.dtype, self._load)
        return self._checkpoint

    def _load(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        from sentence_transformers import SentenceTransformer

        kind = saved_as(folder)
        if kind not in (None, "SentenceTransformer"):
            raise InputError(
                f"{self.model} is not a bi-encoder but a {kind}",
                "a SentenceTransformer or a bare transformers checkpoint",
                "use encoder=multi_vector_encoder for a late-interaction model",
            )
        return SentenceTransformer(
            str(folder), device=device, model_kwargs=weights, trust_remote_code=self.trust_remote_code
        )


def around(tokens: Any, tokenizer: Any) -> Any:
    """Which of the tokens [texts, tokens] are of those that the tokenizer puts around a text, as a mask."""
    import torch

    added = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)
    return torch.isin(tokens, torch.tensor([number for number in added if number is not None], device=tokens.device))


def _one(features: dict[str, Any]) -> dict[str, Any]:
    """The features of one text as a batch of one."""
    import torch

    return {name: value[None] if isinstance(value, torch.Tensor) else value for name, value in features.items()}
