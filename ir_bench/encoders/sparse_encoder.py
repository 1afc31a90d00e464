"""One weighted bag of terms per text from a learned sparse model (SPLADE and its family), by sentence-transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.analyzers.model_tokens import bags, inverse_document_frequencies, token_ids
from ir_bench.checkpoints import (
    OF_QUERIES,
    Checkpoint,
    Numbers,
    Task,
    architectures,
    fitted,
    in_order,
    saved_as,
    threads,
)
from ir_bench.errors import InputError
from ir_bench.kernels.bags import largest, unit
from ir_bench.progress import bar
from ir_bench.scoring import require_finite
from ir_bench.types import Corpus, Sparse, Strings

BATCH_TOKENS_GPU = 8192  # a row of logits as wide as the vocabulary for each token: 1 GB
WHOLE_ROWS = 1024  # texts whose whole vectors, as wide as the vocabulary, several processes send back: 125 MB

Bags = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]  # terms of each text; their numbers; weights


@dataclass
class SparseEncoder:
    """The non-zero dimensions of each text's vector as the checkpoint's own modules compute it, as terms with weights.

    `model` is a folder, a hub id or `package:NAME`: one that sentence-transformers saved as a SparseEncoder (also with
    another side for queries, such as a table of term weights), or a bare masked language model, whose logits become
    weights max_tokens log(1 + relu(logit)). Terms are the tokenizer's tokens, or numbers where dimensions are not
    tokens. Prompts and token limits are the checkpoint's where they are None.
    `query_weighting`: "checkpoint" encodes queries as it says; "bow" and "bow_idf" need no model for them: each
    distinct token of a query, special and unknown ones left out, weighs 1 or its inverse document frequency in the
    corpus of `fit`, and with `count_repeats` that times how often it occurs.
    `pooling` replaces the checkpoint's rule, by which the weights of a text's tokens become one ("max" or "sum").
    `document_keep`, `query_keep`: only that many terms of largest weight stay (of equal ones the lower dimension), and
    never more than the checkpoint's own limit. `similarity`: "cosine" divides by the length of what stays, "dot" does
    not, "checkpoint" does what the checkpoint declares (dot where it declares nothing).
    `fit` raises token limits that are set to what the corpus needs, never beyond the model's positions.

    Source: Formal, Piwowarski and Clinchant 2021, SPLADE; Formal et al. 2021, SPLADE v2 (max pooling; queries as bags
    of words: SPLADE-doc); Geng, Ru and Yang 2024, Towards Competitive Search Relevance For Inference-Free Learned
    Sparse Retrievers (queries weighed by IDF).
    Differs: texts are batched by token count, so padding and the last float32 digit differ from `model.encode`.
    Raises InputError for a model of dense vectors or one that cannot be loaded, a limit beyond its positions or on a
    query side that reads whole texts, NaN or infinite weights, a pooling that the checkpoint does not have, and queries
    as bags of words where dimensions are not tokens or no corpus was seen.
    """

    produces: ClassVar[type] = Sparse

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    query_prompt: str | None = field(default=None, metadata=OF_QUERIES)
    document_prompt: str | None = None
    query_tokens: int | None = field(default=None, metadata=OF_QUERIES)
    document_tokens: int | None = None
    query_keep: int | None = field(default=None, metadata=OF_QUERIES)
    document_keep: int | None = None
    similarity: Literal["checkpoint", "cosine", "dot"] = "checkpoint"
    query_weighting: Literal["checkpoint", "bow", "bow_idf"] = field(default="checkpoint", metadata=OF_QUERIES)
    count_repeats: bool = field(default=False, metadata=OF_QUERIES)
    pooling: Literal["max", "sum"] | None = None
    trust_remote_code: bool = False
    dtype: Numbers = "float32"
    batch_tokens: int | None = field(default=None, metadata={"changes_results": False})
    device: str | Sequence[str] = field(default="auto", metadata={"changes_results": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _checkpoint: Checkpoint | None = field(default=None, init=False, repr=False, compare=False)
    _vocabulary: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _needed: Mapping[str, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _words: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _corpus: Corpus | None = field(default=None, init=False, repr=False, compare=False)
    _table: NDArray[np.float32] | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def fit(self, corpus: Corpus) -> None:
        self._needed = fitted(corpus)
        if self._corpus is None or self._corpus.identity != corpus.identity:
            self._corpus, self._table = corpus, None

    def encode_documents(self, texts: Sequence[str]) -> Sparse:
        return self._encode(texts, "document", self.document_prompt, self.document_tokens, self.document_keep)

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        if self.query_weighting != "checkpoint":
            return self._bags_of_words(texts)
        return self._encode(texts, "query", self.query_prompt, self.query_tokens, self.query_keep)

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text itself, for explanations."""
        return self._opened().model.tokenizer.tokenize(text)

    def _encode(
        self, texts: Sequence[str], task: Task, prompt: str | None, tokens: int | None, keep: int | None
    ) -> Sparse:
        with threads(self.threads):
            checkpoint = self._opened()
            model = checkpoint.model
            if tokens is not None and _reads_whole_texts(model, task):
                raise InputError(
                    f"{task}_tokens={tokens}, but {self.model} weighs a {task} by a table, without a model to limit",
                    f"no limit for {task} texts",
                    f"leave encoder.{task}_tokens out",
                )
            options = checkpoint.options(task, prompt, checkpoint.limit(task, tokens, self._needed.get(task)))
            keep = self._kept(task, keep)

            def finish(features: dict[str, Any]) -> Bags:
                return self._bags(checkpoint, features["sentence_embedding"], keep)

            def whole(some: list[str]) -> Bags:
                own = {"pool": checkpoint.pool, "convert_to_sparse_tensor": False, "save_to_cpu": True, **options}
                blocks = (some[i : i + WHOLE_ROWS] for i in range(0, len(some), WHOLE_ROWS))
                return _joined([self._bags(checkpoint, model.encode(block, **own), keep) for block in blocks])

            budget = self.batch_tokens or (None if model.device.type == "cpu" else BATCH_TOKENS_GPU)
            some = list(texts) or [""]  # "" tells how many dimensions
            rows, parts = checkpoint.encode(some, options, budget, finish, whole)
        counts, terms, weights = _joined(parts)
        offsets, (terms, weights) = in_order(rows, counts, terms, weights)
        require_finite(weights[:, None], f"the vector of {task}", offsets)
        assert self._vocabulary is not None  # made with the first vector
        return Sparse(terms, weights, offsets, self._vocabulary)[: len(texts)]

    def _bags(self, checkpoint: Checkpoint, vectors: Any, keep: int | None) -> Bags:
        """The non-zero dimensions of vectors [texts, dims], in ascending order."""
        import torch

        vectors = vectors.float()
        if bool((vectors < 0).any()) and bool((vectors != 0).all()):
            raise InputError(
                f"the vectors of {self.model} have no zeros: they are dense",
                "a sparse model, whose vectors are zero in most dimensions",
                "use encoder=sentence_transformer for a dense model",
            )
        if self._vocabulary is None:
            self._vocabulary = Strings.of(_terms(checkpoint.model, vectors.shape[1]))
        if keep is not None and keep < vectors.shape[1]:
            vectors = torch.where(_largest(vectors, keep), vectors, 0)
        if checkpoint.cosine(self.similarity):
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        rows, terms = vectors.nonzero(as_tuple=True)
        weights = vectors[rows, terms].cpu().numpy()
        counts = torch.bincount(rows, minlength=len(vectors)).cpu().numpy()
        return counts, terms.cpu().numpy().astype(np.int32), weights

    def _bags_of_words(self, texts: Sequence[str]) -> Sparse:
        """The tokens of each query, weighed without a model."""
        if self.query_prompt:
            raise InputError(
                f"query_prompt={self.query_prompt!r} with query_weighting={self.query_weighting}",
                "no prompt: its words would be searched",
                "leave encoder.query_prompt out, or take query_weighting=checkpoint",
            )
        checkpoint = self._opened()
        tokenizer = checkpoint.model.tokenizer
        vocabulary = self._tokens(checkpoint)
        limit = checkpoint.limit("query", self.query_tokens, self._needed.get("query"))
        terms, counts, offsets = bags(*token_ids(tokenizer, texts, limit))
        weights = counts if self.count_repeats else np.ones_like(counts)
        if self.query_weighting == "bow_idf":
            weights = weights * self._frequencies(tokenizer)[terms]
        if (keep := self._kept("query", self.query_keep)) is not None:
            terms, weights, offsets = largest(terms, weights, offsets, keep)
        if checkpoint.cosine(self.similarity):
            weights = unit(weights, offsets)
        return Sparse(terms, weights, offsets, vocabulary)

    def _tokens(self, checkpoint: Checkpoint) -> Strings:
        """The names of the dimensions that are the tokenizer's tokens: the first ones, or all."""
        if self._words is None:
            known, dims = len(checkpoint.model.tokenizer), checkpoint.model[-1].get_embedding_dimension()
            if _has_numbers(checkpoint.model) or (dims is not None and dims < known):
                raise InputError(
                    f"the dimensions of {self.model} are not the tokens of a text",
                    "a model that weighs tokens",
                    "leave encoder.query_weighting out",
                )
            self._words = Strings.of(_terms(checkpoint.model, known))
        return self._words

    def _frequencies(self, tokenizer: Any) -> NDArray[np.float32]:
        if self._corpus is None:
            raise InputError("IDF of a corpus before fit", "a corpus", "call fit(corpus) first, as build does")
        if self._table is None:
            corpus = self._corpus
            with bar(corpus.size, f"IDF of {corpus.name}", "documents") as progress:
                self._table = inverse_document_frequencies(tokenizer, _counted(corpus, progress))
        return self._table

    def _kept(self, task: Task, setting: int | None) -> int | None:
        if setting is not None and setting < 1:
            raise InputError(f"{task}_keep={setting}", "at least 1, or nothing to keep every term")
        limits = [limit for limit in (setting, self._opened().model.max_active_dims) if limit is not None]
        return min(limits, default=None)

    def _opened(self) -> Checkpoint:
        if self._checkpoint is None:
            self._checkpoint = Checkpoint.open(self.model, self.device, self.dtype, self._load)
        return self._checkpoint

    def _load(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        from sentence_transformers import SparseEncoder as Library

        kind = saved_as(folder)
        # of other models the library makes a sparse one by a layer of random numbers
        sparse = kind == "SparseEncoder" or (
            kind is None and any(name.endswith("ForMaskedLM") for name in architectures(folder))
        )
        if not sparse:
            raise InputError(
                f"{self.model} is not a sparse model but {kind or ', '.join(architectures(folder)) or 'of no kind'}",
                "a SparseEncoder of sentence-transformers, or a masked language model (…ForMaskedLM)",
                "use encoder=sentence_transformer for a dense model, encoder=multi_vector_encoder for a late one",
            )
        from ir_bench import modules

        model = modules.load(
            Library, folder, device=device, model_kwargs=weights, trust_remote_code=self.trust_remote_code
        )
        if self.pooling is not None:
            _pool(model, self.pooling, self.model)
        return model


def _terms(model: Any, dims: int) -> list[str]:
    """A name for each dimension, all different: as the head calls it, or the vocabulary's token, else its number."""
    known = len(model.tokenizer)
    for module in model.modules():
        if len(names := getattr(module, "names", ())) == dims:
            return list(names)
    if dims < known or _has_numbers(model):
        return [str(number) for number in range(dims)]
    # vocabularies of models are often padded a little beyond the tokenizer's
    tokens = [*model.tokenizer.convert_ids_to_tokens(list(range(known))), *[None] * (dims - known)]
    named: dict[str, int] = {}
    for number, token in enumerate(tokens):
        name = f"[{number}]" if token is None else token
        named[f"{name}[{number}]" if name in named else name] = number
    return list(named)


def _has_numbers(model: Any) -> bool:
    """Whether dimensions are no tokens: those of an autoencoder."""
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    return any(isinstance(module, SparseAutoEncoder) for module in model.modules())


def _pool(model: Any, pooling: str, name: str) -> None:
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    poolings = [module for module in model.modules() if isinstance(module, SpladePooling)]
    if not poolings or pooling not in SpladePooling.SPLADE_POOLING_MODES:
        raise InputError(
            f"pooling={pooling!r} of {name}, which has {len(poolings)} SPLADE poolings",
            "max or sum, of a SPLADE model",
            "leave encoder.pooling out",
        )
    for module in poolings:
        module.pooling_strategy = pooling


def _counted(corpus: Corpus, progress: Any) -> Iterator[str]:
    for document in corpus:
        yield corpus.contents(document)
        progress.update(1)


def _largest(vectors: Any, keep: int) -> Any:
    """Which entries of each row are among its `keep` largest in size, equal ones by ascending column; NaN always."""
    import torch

    size = vectors.abs()
    least = torch.topk(size, keep, dim=1).values[:, -1:]
    above, tied = size > least, size == least
    room = keep - above.sum(1, keepdim=True)
    return above | (tied & (tied.cumsum(1) <= room)) | ~torch.isfinite(vectors)


def _reads_whole_texts(model: Any, task: Task) -> bool:
    """Whether texts of a task go to a table of term weights instead of a transformer."""
    from sentence_transformers.base.modules import Router
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

    first = model[0]
    if isinstance(first, Router):
        first = first.sub_modules[task if task in first.sub_modules else first.default_route][0]
    return isinstance(first, SparseStaticEmbedding)


def _joined(parts: Sequence[Bags]) -> Bags:
    counts, terms, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return counts, terms, weights
