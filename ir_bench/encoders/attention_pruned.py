"""Fewer token vectors a document: those of the tokens that receive little attention are left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from ir_bench import cost
from ir_bench.checkpoints import Checkpoint
from ir_bench.encoders.token_states import around
from ir_bench.errors import InputError
from ir_bench.protocols import Encoder
from ir_bench.types import Corpus, MultiVector


@runtime_checkable
class Opening(Protocol):
    """An encoder that gives its loaded model to one around it."""

    def checkpoint(self) -> Checkpoint: ...
    def provenance(self) -> Mapping[str, object]: ...


@dataclass
class AttentionPrunedEncoder:
    """The vectors [tokens, dims] that `encoder` gives of each document's most attended tokens, in the document's order;
    queries untouched.

    A token counts as much as the attention that it receives in the transformer's last layer, summed over the heads and
    over all tokens that the transformer reads, padding left out. Of the tokens that `encoder` has vectors of, the share
    `keep` stays, rounded up, and at most `most` (null: no limit); of equal ones the earlier. `keep: 1` without `most`
    changes nothing. The weights of all layers are in memory at once, tokens² a head and text of a batch: large batches
    need a smaller `encoder.batch_tokens`. Notes `tokens_read` and `tokens_kept`.

    Source: Lassance, Maachou, Park and Clinchant 2021, A Study on Token Pruning for ColBERT (arXiv 2112.06540), pruning
    by attention, where every document keeps the same number of tokens (`most`); the sum is given from memory, as the
    paper's text was not at hand.
    Differs: the model is not trained with its documents pruned; attention is computed without fused kernels, so that
    vectors can differ in the last float32 digit from those of `encoder`.
    Raises InputError for a share outside (0, 1], a limit below 1, an encoder that is not of a transformer's token
    vectors or is on several devices, and a model that does not tell its attention.
    """

    produces: ClassVar[type] = MultiVector

    encoder: Encoder
    keep: float = 0.7
    most: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1 or (self.most is not None and self.most < 1):
            raise InputError(
                f"{self.keep} of the tokens are to be kept, at most {self.most}",
                "a share above 0 and at most 1, and a limit of at least 1 or none",
            )
        if not isinstance(self.encoder, Opening) or self.encoder.produces is not MultiVector:
            raise InputError(
                f"AttentionPrunedEncoder over {type(self.encoder).__name__}, "
                f"which gives {self.encoder.produces.__name__}",
                "an encoder of a transformer's token vectors",
                "set encoder@retriever.encoder.encoder=token_states or multi_vector_encoder, and transforms after it",
            )

    def provenance(self) -> Mapping[str, object]:
        return self._around().provenance()

    def fit(self, corpus: Corpus) -> None:
        self.encoder.fit(corpus)

    def encode_documents(self, texts: Sequence[str]) -> MultiVector:
        if self.keep == 1 and self.most is None:
            return self.encoder.encode_documents(texts)
        checkpoint = self._around().checkpoint()
        if checkpoint.pool is not None:
            raise InputError(
                f"{checkpoint.name} on several devices, whose attention is not told",
                "one device",
                "set encoder.device=cuda, or keep=1",
            )
        with _attended(checkpoint, self._pruned):
            return self.encoder.encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> MultiVector:
        return self.encoder.encode_queries(texts)

    def _around(self) -> Opening:
        assert isinstance(self.encoder, Opening)
        return self.encoder

    def _pruned(self, features: dict[str, Any], attention: Any, tokenizer: Any) -> dict[str, Any]:
        """The features with a mask of the tokens that stay."""
        given = features["attention_mask"].bool()
        if not getattr(self.encoder, "special_tokens", True):  # the encoder drops them later
            given = given & ~around(features["input_ids"], tokenizer)
        kept = most_attended(attention, given, [self._count(total) for total in given.sum(1).tolist()])
        cost.note("tokens_read", int(given.sum()))
        cost.note("tokens_kept", int(kept.sum()))
        return {**features, "attention_mask": kept}

    def _count(self, total: int) -> int:
        share = max(1, math.ceil(self.keep * total - 1e-9))  # 0.07 · 100 is a little above 7 in floating point
        return min(total, share, self.most or share)


def most_attended(attention: Any, given: Any, counts: Sequence[int]) -> Any:
    """A mask [texts, tokens] of as many `given` [texts, tokens] tokens as `counts` [texts] says, those that receive
    most `attention` [texts, tokens], of equal ones the earlier."""
    import torch

    order = attention.masked_fill(~given, -1).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(given.shape[1], device=given.device)
    kept = places < torch.tensor(counts, device=given.device)[:, None]
    return torch.zeros_like(given).scatter_(1, order, kept)


@contextmanager
def _attended(checkpoint: Checkpoint, change: Callable[[dict[str, Any], Any, Any], dict[str, Any]]) -> Iterator[None]:
    """The model's output changed by `change(features, attention, tokenizer)` inside, which is told what attention
    tokens receive [texts, tokens]. Raises InputError where the model does not tell it."""
    body = checkpoint.model.transformers_model
    if body is None:
        raise _silent(checkpoint)
    plain, implementation = body.forward, body.config._attn_implementation
    told: list[Any] = []  # of the batch that the model is reading

    def telling(*args: Any, **kwargs: Any) -> Any:
        output = plain(*args, **{**kwargs, "output_attentions": True})
        if getattr(output, "attentions", None):
            told.append(_received(output.attentions[-1], kwargs["attention_mask"]))
        return output

    def changed(model: Any, inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
        if not told:
            raise _silent(checkpoint)
        return change(features, told.pop(), model.tokenizer)

    hook = checkpoint.model.register_forward_hook(changed)
    body.set_attn_implementation("eager")  # fused kernels do not compute the weights
    body.forward = telling  # sentence-transformers calls it past the hooks of torch
    try:
        yield
    finally:
        del body.forward
        body.set_attn_implementation(implementation)
        hook.remove()


def _received(attention: Any, read: Any) -> Any:
    """Sums [texts, tokens] over heads and the tokens that are `read` [texts, tokens] of the attention [texts, heads,
    tokens, tokens] that tokens pay to tokens."""
    import torch

    # padding receives none, but pays
    return attention.masked_fill(~read.bool()[:, None, :, None], 0).sum((1, 2), dtype=torch.float32)


def _silent(checkpoint: Checkpoint) -> InputError:
    return InputError(
        f"{checkpoint.name} does not tell the attention of its last layer",
        "a transformer of the transformers library that can attend without fused kernels",
        "choose another encoder.model, or prune by IDF: transform=token_prune",
    )
