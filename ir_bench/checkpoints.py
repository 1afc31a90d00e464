"""Checkpoints that sentence-transformers loads: prompts, token limits, devices, and texts fed in batches of tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.devices import named
from ir_bench.errors import InputError
from ir_bench.scoring import require_finite
from ir_bench.types import Corpus, MultiVector, Strings

PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}
TOKENISED_AT_ONCE = 2048
BATCH_TOKENS_CPU, BATCH_TOKENS_GPU = 1024, 65536  # small batches stay in a CPU's cache
OF_QUERIES = {"changes_documents": False}  # the metadata of a setting that matters to queries alone

Task = Literal["query", "document"]
Numbers = Literal["float32", "bfloat16", "float16"]
Stored = Literal["float32", "float16"]


@dataclass
class Checkpoint:
    """A loaded model (SentenceTransformer, SparseEncoder, MultiVectorEncoder) under the name that a user gave it.

    `pool` holds the processes of several devices, None for one device.
    """

    name: str
    model: Any
    pool: Any = None

    @classmethod
    def open(
        cls,
        name: str,
        device: str | Sequence[str],
        dtype: Numbers,
        load: Callable[[Path, str, dict[str, Any]], Any],
    ) -> Checkpoint:
        """The model that `load(folder, device, weights)` gives, ready to encode; several devices get a process each.

        Raises InputError for a model that cannot be loaded or lacks weights or tokenizer files.
        """
        import torch

        devices = [named(place) for place in ([device] if isinstance(device, str) else device)]
        with models.loading(name):
            model = load(models.folder(name), devices[0], {"dtype": getattr(torch, dtype)})
            model.eval()
            _require_tokenizer(model, name)
            return cls(name, model, model.start_multi_process_pool(devices) if len(devices) > 1 else None)

    def options(self, task: Task, prompt: str | None, tokens: int | None) -> dict[str, Any]:
        """What `encode` and `preprocess` of the library take: the checkpoint's own prompt and limit where they are
        None."""
        options: dict[str, Any] = {"prompt": self.prompt(task) if prompt is None else prompt, "task": task}
        if tokens is not None:
            options["processing_kwargs"] = {"text": {"max_length": tokens, "truncation": True}}
        return options

    @cached_property
    def vocabulary(self) -> Strings:
        """The tokens of the tokenizer by number."""
        tokenizer = self.model.tokenizer
        named = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        return Strings.of(f"[{number}]" if token is None else token for number, token in enumerate(named))

    def prompt(self, task: Task) -> str:
        return next((self.model.prompts[name] for name in PROMPTS[task] if self.model.prompts.get(name)), "")

    def limit(self, task: Task, setting: int | None, fitted: int | None) -> int | None:
        """The token limit `setting`, raised to `fitted` as far as the model has positions; None where it is not set.

        Raises InputError for a setting beyond the model's positions.
        """
        if setting is None:
            return None
        limit = positions(self.model)
        if setting < 1 or (limit is not None and setting > limit):
            raise InputError(
                f"{task}_tokens={setting}, but {self.name} reads {limit or 'one or more'} tokens",
                f"1 to {limit}" if limit else "at least 1",
                f"correct encoder.{task}_tokens or leave it out for the checkpoint's own limit",
            )
        return max(setting, fitted or 0) if limit is None else min(max(setting, fitted or 0), limit)

    def cosine(self, similarity: str) -> bool:
        """Whether vectors are compared by their cosine; `similarity` is "cosine", "dot", or "checkpoint" for its own.

        Raises InputError for a checkpoint that compares by a distance.
        """
        name = self.model.similarity_fn_name if similarity == "checkpoint" else similarity
        if name not in ("cosine", "dot"):
            raise InputError(
                f"{self.name} compares its vectors by {name} similarity",
                "cosine or dot",
                "set encoder.similarity to one of them if that is meant",
            )
        return name == "cosine"

    def encode(
        self,
        texts: Sequence[str],
        options: dict[str, Any],
        tokens: int | None,
        finish: Callable[[dict[str, Any]], Any],
        whole: Callable[[list[str]], Any],
    ) -> tuple[NDArray[np.int64], list[Any]]:
        """Results of batches of similar length, and the rows of `texts` [texts] that they hold one after another.

        A batch has at most `tokens` tokens with padding; `finish` makes its result from the model's output features.
        `whole` makes one from texts by the library's own `encode`: for several devices, and for models that do not
        take one padded row of tokens a text (static embeddings, several media).
        """
        import torch

        if self.pool is not None:
            return np.arange(len(texts)), [whole(list(texts))]
        order: list[NDArray[np.int64]] = []
        results = []
        for start in range(0, len(texts), TOKENISED_AT_ONCE):
            block = list(texts[start : start + TOKENISED_AT_ONCE])
            with torch.inference_mode():
                features = self.model.preprocess(block, **options)
                used = _used(features)
                if used is None:
                    order.append(np.arange(start, start + len(block)))
                    results.append(whole(block))
                    continue
                for rows in batches(used.sum(1).numpy(), tokens or self._budget()):
                    order.append(start + rows)
                    results.append(finish(self.model(self._batch(features, used, rows), task=options["task"])))
        return np.concatenate([np.empty(0, np.int64), *order]), results

    def _budget(self) -> int:
        return BATCH_TOKENS_CPU if self.model.device.type == "cpu" else BATCH_TOKENS_GPU

    def _batch(self, features: Mapping[str, Any], used: Any, rows: NDArray[np.int64]) -> dict[str, Any]:
        import torch

        columns = used[rows].any(0)  # tokenised once and padded to the longest text: cut to this batch's
        return {
            name: value[rows][:, columns].to(self.model.device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }


def saved_as(folder: Path) -> str | None:
    """The kind of model that sentence-transformers saved in a folder; None for a bare transformers checkpoint."""
    if not (folder / "modules.json").is_file():
        return None
    return configuration(folder).get("model_type", "SentenceTransformer")  # older ones do not say


def configuration(folder: Path) -> dict[str, Any]:
    """What sentence-transformers saved beside the modules: prompts, similarity, the kind of model."""
    path = folder / "config_sentence_transformers.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def architectures(folder: Path) -> list[str]:
    """The classes that a transformers checkpoint says it is."""
    path = folder / "config.json"
    return (json.loads(path.read_text(encoding="utf-8")).get("architectures") or []) if path.is_file() else []


def fitted(corpus: Corpus) -> dict[str, int | None]:
    """The token limits that a corpus needs."""
    return {"query": corpus.query_tokens, "document": corpus.document_tokens}


def batches(lengths: NDArray[np.integer], budget: int) -> Iterator[NDArray[np.int64]]:
    """Rows in batches of at most `budget` tokens with padding, longest texts first."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def in_order(
    rows: NDArray[np.int64], counts: NDArray[np.int64], *arrays: NDArray[Any]
) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
    """Ragged arrays sorted by `rows` [texts], of which each has `counts` [texts] entries: (offsets, sorted arrays)."""
    order = np.argsort(rows, kind="stable")
    ends = np.cumsum(counts)
    spans = list(zip((ends - counts)[order].tolist(), ends[order].tolist(), strict=True))
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts[order], out=offsets[1:])
    return offsets, [np.concatenate([array[:0], *(array[a:b] for a, b in spans)]) for array in arrays]


@dataclass(frozen=True)
class TokenVectors:
    """Vectors [tokens, dims] of a batch of texts, how many each text has [texts], and of which tokens they are
    [tokens], where that is known."""

    counts: NDArray[np.int64]
    values: NDArray[np.floating]
    tokens: NDArray[np.int32] | None = None


def unpadded(features: Mapping[str, Any], mask: Any, stored: Stored) -> TokenVectors:
    """The token vectors [texts, tokens, dims] of the model's output that the mask [texts, tokens] leaves."""
    mask = mask.bool()
    tokens = features.get("input_ids")
    return TokenVectors(
        mask.sum(1).cpu().numpy(),
        features["token_embeddings"][mask].to(getattr(_torch(), stored)).cpu().numpy(),
        None if tokens is None else tokens[mask].cpu().numpy().astype(np.int32),
    )


def token_vectors(
    rows: NDArray[np.int64], parts: Sequence[TokenVectors], what: str, vocabulary: Strings
) -> MultiVector:
    """Batches of `unpadded` vectors as those of texts. Raises InputError for NaN and infinite values."""
    counts, values = (np.concatenate([getattr(part, name) for part in parts]) for name in ("counts", "values"))
    known = [part.tokens for part in parts if part.tokens is not None]
    if len(known) < len(parts):
        offsets, (values,) = in_order(rows, counts, values)
        require_finite(values, what, offsets)
        return MultiVector(values, offsets)
    offsets, (values, tokens) = in_order(rows, counts, values, np.concatenate(known))
    require_finite(values, what, offsets)
    return MultiVector(values, offsets, tokens, vocabulary)


def _torch() -> Any:
    import torch

    return torch


def positions(model: Any) -> int | None:
    """How many tokens the model has positions for, special tokens included; None where nothing limits it."""
    body = model.transformers_model
    if body is None:
        return None
    for name, module in body.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            # RoBERTa's and MPNet's first positions belong to padding
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return getattr(body.config, "max_position_embeddings", None)


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """At most so many threads of torch inside; None leaves their number alone."""
    if number is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _used(features: dict[str, Any]) -> Any:
    """Which positions [texts, tokens] the model reads or scores; None unless every tensor is of that shape."""
    import torch

    mask = features.get("attention_mask")
    tensors = {name: value for name, value in features.items() if isinstance(value, torch.Tensor)}
    if mask is None or any(value.shape != mask.shape for value in tensors.values()):
        return None
    if mask.numel() == 0:  # texts without any token, which a tokenizer gives as float numbers
        features.update({name: value.long() for name, value in tensors.items()})
    # positions that expand a query may be scored though the model does not attend to them
    expanded = features.get("query_expansion_positions")
    return mask.bool() if expanded is None else mask.bool() | expanded.bool()


def first_layers(model: Any, count: int, name: str) -> Any:
    """The model with its transformer's first layers alone; raises InputError where it has fewer, or none are seen."""
    from torch import nn

    body: Any = getattr(next(iter(model.children())), "auto_model", None)
    there = getattr(getattr(body, "config", None), "num_hidden_layers", 0)
    lists = [] if body is None else [m for m in body.modules() if isinstance(m, nn.ModuleList) and len(m) == there]
    if len(lists) != 1 or not 1 <= count <= there:
        raise InputError(
            f"layers={count}, but the transformer of {name} has {there or 'no layers to be seen'}",
            f"1 to {there}" if there else "a transformer with a list of layers",
            "correct encoder.layers or leave it out",
        )
    del lists[0][count:]
    body.config.num_hidden_layers = count
    return model


def _require_tokenizer(model: Any, name: str) -> None:
    """Without its files transformers makes an empty tokenizer, to which every word is the same unknown one."""
    called_for = getattr(model.config, "vocab_size", None)
    if called_for and len(model.tokenizer) < called_for // 2:  # vocabularies of models are often padded a little
        raise InputError(
            f"the tokenizer of {name} knows {len(model.tokenizer)} tokens, its model {called_for}",
            "tokenizer.json (or vocab.txt, or a sentencepiece model) beside config.json",
            "download the model again with its tokenizer files",
        )
