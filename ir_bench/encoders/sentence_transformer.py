"""One vector per text from a transformer checkpoint, loaded by sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.errors import InputError
from ir_bench.scoring import require_finite
from ir_bench.types import Corpus, Dense

PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}
TOKENISED_AT_ONCE = 2048
BATCH_TOKENS_CPU, BATCH_TOKENS_GPU = 1024, 65536  # small batches stay in a CPU's cache
OF_QUERIES = {"changes_documents": False}
DPR = {"DPRQuestionEncoder", "DPRContextEncoder"}


@dataclass
class SentenceTransformerEncoder:
    """Embeddings [texts, dims] float32 as the checkpoint's own modules compute them, to be compared by inner product.

    `model` is a folder, a hub id or `package:NAME`. Prompts and token limits are the checkpoint's where they are None.
    `similarity`: "cosine" normalises to length 1, "dot" does not, "checkpoint" does what the checkpoint declares
    (sentence-transformers takes one that declares nothing as cosine). A bare transformers checkpoint says nothing about
    `pooling` and needs it set ("mean", "cls", "lasttoken"); DPR checkpoints bring theirs.
    `fit` raises token limits that are set to what the corpus needs, never beyond the model's positions.

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
    trust_remote_code: bool = False
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_tokens: int | None = field(default=None, metadata={"changes_results": False})
    device: str | Sequence[str] = field(default="auto", metadata={"changes_results": False})
    threads: int | None = field(default=None, metadata={"changes_results": False})
    _model: Any = field(default=None, init=False, repr=False, compare=False)
    _pool: Any = field(default=None, init=False, repr=False, compare=False)
    _limits: dict[str, int | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def fit(self, corpus: Corpus) -> None:
        needed = {"query": corpus.query_tokens, "document": corpus.document_tokens}
        self._limits = {task: limit and max(limit, needed[task] or 0) for task, limit in self._settings().items()}

    def encode_documents(self, texts: Sequence[str]) -> Dense:
        return self._encode(texts, "document", self.document_prompt)

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        return self._encode(texts, "query", self.query_prompt)

    def _settings(self) -> dict[str, int | None]:
        return {"query": self.query_tokens, "document": self.document_tokens}

    def _encode(self, texts: Sequence[str], task: str, prompt: str | None) -> Dense:
        with _threads(self.threads):
            model = self._loaded()
            options: dict[str, Any] = {"prompt": self._prompt(task) if prompt is None else prompt, "task": task}
            if (limit := self._limit(task)) is not None:
                options["processing_kwargs"] = {"text": {"max_length": limit, "truncation": True}}
            vectors = self._vectors(model, list(texts) or [""], options)[: len(texts)]  # "" tells how many dims
        require_finite(vectors, f"the vector of {task}")
        return Dense(vectors)

    def _vectors(self, model: Any, texts: list[str], options: dict[str, Any]) -> NDArray[np.float32]:
        if self._pool is None:
            blocks = (texts[i : i + TOKENISED_AT_ONCE] for i in range(0, len(texts), TOKENISED_AT_ONCE))
            return np.concatenate([self._block(model, block, options) for block in blocks])
        found = model.encode(texts, pool=self._pool, convert_to_tensor=True, **options)
        return self._finished(found).numpy()

    def _block(self, model: Any, texts: list[str], options: dict[str, Any]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            features = model.preprocess(texts, **options)
            mask = features.get("attention_mask")
            arrays = [name for name, value in features.items() if isinstance(value, torch.Tensor)]
            if mask is None or any(features[name].shape != mask.shape for name in arrays):
                # not one padded row a text (static embeddings, several media): batched by sentence-transformers
                return self._finished(model.encode(texts, convert_to_tensor=True, **options)).cpu().numpy()
            parts, order = [], []
            budget = BATCH_TOKENS_CPU if model.device.type == "cpu" else BATCH_TOKENS_GPU
            for rows in _batches(mask.sum(1).numpy(), self.batch_tokens or budget):
                columns = mask[rows].any(0)  # tokenised once and padded to the longest text: cut to this batch's
                batch = {n: v[rows][:, columns].to(model.device) if n in arrays else v for n, v in features.items()}
                found = model(batch, task=options["task"])["sentence_embedding"]
                parts.append(self._finished(found).cpu().numpy())
                order.append(rows)
        vectors = np.concatenate(parts)
        vectors[np.concatenate(order)] = vectors.copy()
        return vectors

    def _finished(self, vectors: Any) -> Any:
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
        return torch.nn.functional.normalize(vectors, dim=1) if self._cosine() else vectors

    def _cosine(self) -> bool:
        name = self._model.similarity_fn_name if self.similarity == "checkpoint" else self.similarity
        if name not in ("cosine", "dot"):
            raise InputError(
                f"{self.model} compares its vectors by {name} similarity",
                "cosine or dot",
                "set encoder.similarity to one of them if that is meant",
            )
        return name == "cosine"

    def _prompt(self, task: str) -> str:
        return next((self._model.prompts[name] for name in PROMPTS[task] if self._model.prompts.get(name)), "")

    def _limit(self, task: str) -> int | None:
        setting = self._settings()[task]
        if setting is None:
            return None
        positions = _positions(self._model)
        if setting < 1 or (positions is not None and setting > positions):
            raise InputError(
                f"{task}_tokens={setting}, but {self.model} reads {positions or 'one or more'} tokens",
                f"1 to {positions}" if positions else "at least 1",
                f"correct encoder.{task}_tokens or leave it out for the checkpoint's own limit",
            )
        fitted = self._limits.get(task) or setting
        return fitted if positions is None else min(fitted, positions)

    def _loaded(self) -> Any:
        if self._model is None:
            import torch

            found = "cuda" if torch.cuda.is_available() else "cpu"
            devices = [self.device] if isinstance(self.device, str) else list(self.device)
            devices = [found if device == "auto" else device for device in devices]
            weights = {"dtype": getattr(torch, self.dtype)}
            with models.loading(self.model):
                self._model = self._load(models.folder(self.model), devices[0], weights)
                self._model.eval()
                _require_tokenizer(self._model, self.model)
                if len(devices) > 1:
                    self._pool = self._model.start_multi_process_pool(devices)
        return self._model

    def _load(self, folder: Path, device: str, weights: dict[str, Any]) -> Any:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        trust = {"trust_remote_code": self.trust_remote_code}
        if (folder / "modules.json").is_file():
            if self.pooling is not None:
                raise InputError(
                    f"pooling={self.pooling} is set, but {self.model} has a pooling of its own",
                    "pooling for a bare transformers checkpoint only",
                    "leave encoder.pooling out",
                )
            return SentenceTransformer(str(folder), device=device, model_kwargs=weights, **trust)
        architectures = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
        if DPR.intersection(architectures):
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


def _batches(lengths: NDArray[np.integer], budget: int) -> Iterator[NDArray[np.int64]]:
    """Rows in batches of at most `budget` tokens with padding, longest texts first."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def _positions(model: Any) -> int | None:
    """How many tokens the model has positions for, special tokens included; None where nothing limits it."""
    body = model.transformers_model
    if body is None:
        return None
    for name, module in body.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            # RoBERTa's and MPNet's first positions belong to padding
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return getattr(body.config, "max_position_embeddings", None)


def _require_tokenizer(model: Any, name: str) -> None:
    """Without its files transformers makes an empty tokenizer, to which every word is the same unknown one."""
    called_for = getattr(model.config, "vocab_size", None)
    if called_for and len(model.tokenizer) < called_for // 2:  # vocabularies of models are often padded a little
        raise InputError(
            f"the tokenizer of {name} knows {len(model.tokenizer)} tokens, its model {called_for}",
            "tokenizer.json (or vocab.txt, or a sentencepiece model) beside config.json",
            "download the model again with its tokenizer files",
        )


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
