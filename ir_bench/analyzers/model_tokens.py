"""Terms as a model's tokenizer has them: word pieces, without special tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.analyzers.counts import TermCounts, count_terms
from ir_bench.kernels.bags import Bags, pooled

TEXTS = 4096  # tokenised at once


@dataclass
class ModelTokens:
    """The tokens of `model`, a folder, a hub id or `package:NAME`, whose weights are not read.

    Words that the tokenizer does not know give no term, so that two of them are not taken for the same.
    Raises InputError for a model whose tokenizer cannot be loaded.
    """

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its files
    _tokenizer: Any = field(default=None, init=False, repr=False, compare=False)
    _names: list[str] | None = field(default=None, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def analyze(self, text: str) -> list[str]:
        """The terms of one text, in order."""
        ids, _ = token_ids(self._opened(), [text])
        return [self._vocabulary()[i] for i in ids.tolist()]

    def count(self, texts: Sequence[str]) -> TermCounts:
        """The bag of terms of each text."""
        parts = [token_ids(self._opened(), block) for block in _blocks(texts)]
        ids = np.concatenate([np.empty(0, np.int32), *(part for part, _ in parts)])
        lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(offsets) for _, offsets in parts)])
        seen, first, renumbered = np.unique(ids, return_index=True, return_inverse=True)
        order = np.argsort(first)  # by first occurrence, as the other analyzers number terms
        numbers = np.empty(len(seen), np.int32)
        numbers[order] = np.arange(len(seen))
        names = self._vocabulary()
        return count_terms(numbers[renumbered], np.cumsum(lengths), [names[i] for i in seen[order].tolist()])

    def _opened(self) -> Any:
        if self._tokenizer is None:
            from transformers import AutoTokenizer

            with models.loading(self.model):
                self._tokenizer = AutoTokenizer.from_pretrained(str(models.folder(self.model)))
        return self._tokenizer

    def _vocabulary(self) -> list[str]:
        if self._names is None:
            tokenizer = self._opened()
            self._names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        return self._names


def token_ids(
    tokenizer: Any, texts: Sequence[str], limit: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Token numbers of texts one after the other, and where those of each begin and end: text i owns
    [offsets[i], offsets[i + 1]). Special tokens, the unknown one too, are left out; `limit` cuts each text first."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    if len(texts) == 0:
        return np.empty(0, np.int32), offsets
    cut = {"truncation": True, "max_length": limit} if limit is not None else {"truncation": False}
    found = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False, **cut)
    lengths = np.fromiter(map(len, found["input_ids"]), np.int64, len(texts))
    ids = np.fromiter((i for text in found["input_ids"] for i in text), np.int32, int(lengths.sum()))
    kept = ~np.isin(ids, tokenizer.all_special_ids)
    np.cumsum(np.bincount(np.repeat(np.arange(len(texts)), lengths)[kept], minlength=len(texts)), out=offsets[1:])
    return ids[kept], offsets


def bags(ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> Bags:
    """The distinct token numbers of each text, ascending, how often each occurs (float32), and their offsets."""
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return pooled(owners, ids, np.ones(len(ids), np.float32), len(offsets) - 1, "sum")


def inverse_document_frequencies(tokenizer: Any, texts: Iterable[str]) -> NDArray[np.float32]:
    """log(1 + (N - n + 1/2) / (n + 1/2)) of every token of the vocabulary [tokens], n the texts of N that have it.

    Above zero for every token, and largest for those of no text.
    Source: Geng et al. 2024, Towards Competitive Search Relevance For Inference-Free Learned Sparse Retrievers, weighs
    query tokens so; the formula is Lucene's. Differs: their code gives tokens of no text the weight 1.
    """
    frequencies = np.zeros(len(tokenizer), np.int64)
    total = 0
    for block in _blocks(texts):
        terms, _, _ = bags(*token_ids(tokenizer, block))
        frequencies += np.bincount(terms, minlength=len(frequencies))
        total += len(block)
    return np.log1p((total - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(texts)
    while block := list(islice(remaining, TEXTS)):
        yield block
