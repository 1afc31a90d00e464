"""One vector per token from a late-interaction checkpoint (ColBERT and its family), by sentence-transformers."""

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
    architectures,
    configuration,
    fitted,
    saved_as,
    threads,
    token_vectors,
    unpadded,
)
from ir_bench.errors import InputError
from ir_bench.types import Corpus, MultiVector

# Settings that only PyLate writes; its older checkpoints do not say what kind of model they are.
PYLATE = {"query_prefix", "document_prefix", "do_query_expansion", "attend_to_expansion_tokens", "skiplist_words"}


@dataclass
class MultiVectorEncoder:
    """Token vectors [tokens, dims] of each text as the checkpoint's own modules compute them, to be compared by MaxSim.

    `model` is a folder, a hub id or `package:NAME` in the format of sentence-transformers, PyLate or Stanford's
    ColBERT. Markers, query expansion by mask tokens, skipped punctuation, projection and normalisation are the
    checkpoint's. Prompts (which hold the markers) and token limits are the checkpoint's where they are None; a query
    expansion of fixed length gets the query limit as its length. `storage` is the number format of document vectors;
    queries are float32. `fit` raises token limits, the checkpoint's own too, to what the corpus needs, never beyond the
    model's positions. `language`: which adapter of an X-MOD checkpoint (ColBERT-XM) reads queries and documents, such
    as "de_DE"; None is the checkpoint's default, also for texts of another.

    Source: Khattab and Zaharia 2020, ColBERT, section 3.2; Santhanam et al. 2022, ColBERTv2; Louis et al. 2024,
    ColBERT-XM (arXiv 2402.15059), for `language`.
    Differs: texts are batched by token count, so padding and the last float32 digit differ from `model.encode`; a
    checkpoint scored by the mean over query tokens ("meanmaxsim") is scored by the sum, which ranks the same.
    Raises InputError for a model without token vectors or one that cannot be loaded, a limit beyond its positions, a
    language without an adapter, and NaN or infinite values.
    """

    produces: ClassVar[type] = MultiVector

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    query_prompt: str | None = field(default=None, metadata=OF_QUERIES)
    document_prompt: str | None = None
    query_tokens: int | None = field(default=None, metadata=OF_QUERIES)
    document_tokens: int | None = None
    language: str | None = field(default=None, metadata={"added": None})
    storage: Stored = "float16"
    trust_remote_code: bool = False
    dtype: Numbers = "float32"
    batch_tokens: int | None = field(default=None, metadata={"changes_results": False})
    device: str | Sequence[str] = field(default="auto", metadata={"changes_results": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _checkpoint: Checkpoint | None = field(default=None, init=False, repr=False, compare=False)
    _lengths: dict[str, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _needed: Mapping[str, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def fit(self, corpus: Corpus) -> None:
        self._needed = fitted(corpus)

    def encode_documents(self, texts: Sequence[str]) -> MultiVector:
        return self._encode(texts, "document", self.document_prompt, self.document_tokens, self.storage)

    def encode_queries(self, texts: Sequence[str]) -> MultiVector:
        return self._encode(texts, "query", self.query_prompt, self.query_tokens, "float32")

    def checkpoint(self) -> Checkpoint:
        """The loaded model, for an encoder around this one."""
        return self._opened()

    def _encode(
        self, texts: Sequence[str], task: Task, prompt: str | None, tokens: int | None, stored: Stored
    ) -> MultiVector:
        with threads(self.threads):
            checkpoint = self._opened()
            options = checkpoint.options(task, prompt, self._limited(checkpoint, task, tokens))

            def finish(features: dict[str, Any]) -> TokenVectors:
                return unpadded(features, features["attention_mask"], stored)

            def whole(some: list[str]) -> TokenVectors:
                vectors = checkpoint.model.encode(some, pool=checkpoint.pool, convert_to_numpy=True, **options)
                return TokenVectors(np.array([len(v) for v in vectors]), np.concatenate(vectors).astype(stored))

            some = list(texts) or [""]  # "" tells how many dims
            rows, parts = checkpoint.encode(some, options, self.batch_tokens, finish, whole)
        return token_vectors(rows, parts, f"a vector of {task}", checkpoint.vocabulary)[: len(texts)]

    def _limited(self, checkpoint: Checkpoint, task: Task, setting: int | None) -> int | None:
        """The limit to ask for; None where the checkpoint's own is in force."""
        body = _transformer(checkpoint.model)
        own, needed = self._lengths[task], self._needed.get(task)
        if setting is None and own is not None and needed is not None and needed > own:
            setting = own  # to be raised
        limit = checkpoint.limit(task, setting, needed)
        if task == "document" or not _fixed(body):
            return limit
        if checkpoint.pool is not None and (limit or own) != body.query_expansion["length"]:
            raise InputError(
                f"queries of {limit or own} tokens on several devices, which hold the checkpoint's length of {own}",
                "one device for another length",
                "set encoder.device=cuda, or leave encoder.query_tokens out",
            )
        body.query_expansion = {**body.query_expansion, "length": limit or own}
        return None

    def _opened(self) -> Checkpoint:
        if self._checkpoint is None:
            self._checkpoint = Checkpoint.open(self.model, self.device, self.dtype, self._load)
            body = _transformer(self._checkpoint.model)
            self._lengths = {task: getattr(body, f"{task}_length", None) for task in ("query", "document")}
            if _fixed(body):
                self._lengths["query"] = body.query_expansion["length"]
                body.query_length = None  # has no effect beside a fixed length, and would forbid a longer one
        return self._checkpoint

    def _load(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        from sentence_transformers import MultiVectorEncoder as Library

        from ir_bench import modules

        kind = saved_as(folder)
        classes = architectures(folder)
        # of other models the library makes a late-interaction one by a projection of random numbers
        late = kind in ("MultiVectorEncoder", "ColBERT") or (
            any(name == "HF_ColBERT" or name.endswith("ForRetrieval") for name in classes)
            if kind is None
            else bool(PYLATE.intersection(configuration(folder)))
        )
        if not late:
            raise InputError(
                f"{self.model} is not a late-interaction model but {kind or ', '.join(classes) or 'of no kind'}",
                "a checkpoint of sentence-transformers' MultiVectorEncoder, of PyLate, or of Stanford's ColBERT",
                "use encoder=token_states for the untrained token vectors of a bi-encoder",
            )
        model = modules.load(
            Library, folder, device=device, model_kwargs=weights, trust_remote_code=self.trust_remote_code
        )
        self._set_language(model)
        return model

    def _set_language(self, model: Any) -> None:
        body: Any = getattr(_transformer(model), "model", None)
        known = getattr(getattr(body, "config", None), "languages", None)
        if known is None:
            if self.language is not None:
                raise InputError(
                    f"language={self.language}, but {self.model} has no adapters of languages",
                    "an X-MOD checkpoint, such as ColBERT-XM",
                    "leave out encoder.language",
                )
            return
        language = body.config.default_language if self.language is None else self.language
        if language not in known:
            raise InputError(
                f"{self.model} has no adapter for "
                + ("a language that is not said" if language is None else f"the language {language!r}"),
                f"one of: {', '.join(known)}",
                "set encoder.language",
            )
        body.set_default_language(language)


def _fixed(body: Any) -> bool:
    """Whether every query gets the same number of tokens, filled up by mask tokens."""
    return body is not None and body.query_expansion is not None and body.query_expansion["strategy"] == "fixed"


def _transformer(model: Any) -> Any:
    from sentence_transformers.base.modules import Transformer

    return next((module for module in model.modules() if isinstance(module, Transformer)), None)
