"""One vector for each different word of a text, from those of its pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import require_finite
from ir_bench.shards import arrays_of, write_arrays
from ir_bench.types import MultiVector, Strings

BLOCK = 4096  # documents read at once while words are collected


@dataclass
class WholeWords:
    """Token vectors [tokens, dims] as the mean over all pieces of all occurrences of each different word, in the order
    of first occurrence; queries and documents alike.

    A piece that begins with `continuation` belongs to the word before it (WordPiece); `null` changes nothing.
    `renormalise`: means of several vectors get length 1. `tokens` of the result are words: those of documents number
    the words that `fit` saw, those of queries words of their own. Notes `tokens_read` and `tokens_kept`.

    Source: Hofstätter, Khattab, Althammer, Sertkan and Hanbury 2022, Introducing Neural Bag of Whole-Words with
    ColBERTer (arXiv 2203.13088): unique whole words.
    Raises InputError for vectors that do not say of which tokens they are, and NaN and infinite values.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    continuation: str | None = "##"
    renormalise: bool = True
    _words: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, documents: MultiVector) -> None:
        if self.continuation is None:
            return
        found: dict[str, None] = {}
        for start in range(0, len(documents), BLOCK):
            found |= dict.fromkeys(self._read(documents[start : start + BLOCK])[1])
        self._words = Strings.of(found)

    def save(self, folder: Path) -> None:
        write_arrays(folder, {} if self._words is None else arrays_of(self._words))

    def load(self, folder: Path) -> None:
        if self.continuation is not None:
            self._words = Strings(*(np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("data", "bounds")))

    def documents(self, vectors: MultiVector) -> MultiVector:
        if self.continuation is None:
            return vectors
        assert self._words is not None, "fit or load comes first"
        if self._numbers is None:
            self._numbers = {word: n for n, word in enumerate(self._words)}
        return self._aggregated(vectors, self._words, self._numbers, "a vector of document")

    def queries(self, vectors: MultiVector) -> MultiVector:
        if self.continuation is None:
            return vectors
        words = list(dict.fromkeys(self._read(vectors)[1]))
        return self._aggregated(vectors, Strings.of(words), {w: n for n, w in enumerate(words)}, "a vector of query")

    def _aggregated(self, vectors: MultiVector, words: Strings, numbers: dict[str, int], what: str) -> MultiVector:
        cost.note("tokens_read", len(vectors.values))
        if not len(vectors.values):
            return MultiVector(vectors.values, vectors.offsets, np.zeros(0, np.int32), words)
        require_finite(vectors.values, what, vectors.offsets)
        occurrences, names = self._read(vectors)
        of_occurrence = np.fromiter((numbers[name] for name in names), np.int64, len(names))
        owners = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
        keys = owners * len(words) + of_occurrence[occurrences]
        unique, first, group = np.unique(keys, return_index=True, return_inverse=True)
        place = np.empty(len(unique), np.int64)
        place[np.argsort(first)] = np.arange(len(unique))  # by first occurrence
        order = np.argsort(place[group], kind="stable")
        sizes = np.bincount(place[group])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        means = np.add.reduceat(single(vectors.values)[order], starts, axis=0) / sizes[:, None].astype(np.float32)
        if self.renormalise:
            lengths = np.linalg.norm(means, axis=1, keepdims=True)
            means = np.where((sizes[:, None] > 1) & (lengths > 0), means / np.where(lengths > 0, lengths, 1), means)
        kept = np.sort(first)
        offsets = np.searchsorted(kept, vectors.offsets)
        cost.note("tokens_kept", len(kept))
        tokens = of_occurrence[occurrences[kept]].astype(np.int32)
        return MultiVector(means.astype(vectors.values.dtype), offsets.astype(np.int64), tokens, words)

    def _read(self, vectors: MultiVector) -> tuple[NDArray[np.int64], list[str]]:
        """Which occurrence of a word each token is part of [tokens], and the word of each occurrence."""
        if vectors.tokens is None or vectors.vocabulary is None:
            raise InputError(
                "the vectors do not say of which tokens they are",
                "vectors straight from an encoder",
                "put whole_words before transforms that pool",
            )
        assert self.continuation is not None
        pieces, prefix = list(vectors.vocabulary), self.continuation
        continues = np.array([piece.startswith(prefix) and len(piece) > len(prefix) for piece in pieces])
        tokens = np.asarray(vectors.tokens)
        begins = ~continues[tokens]
        begins[vectors.offsets[:-1][np.diff(vectors.offsets) > 0]] = True
        starts = np.flatnonzero(begins)
        return np.cumsum(begins) - 1, list(_joined(tokens.tolist(), starts.tolist(), pieces, len(prefix)))


def _joined(tokens: list[int], starts: list[int], pieces: list[str], prefix: int) -> Iterable[str]:
    for start, stop in pairwise([*starts, len(tokens)]):
        word = pieces[tokens[start]]
        for token in tokens[start + 1 : stop]:
            word += pieces[token][prefix:]
        yield word
