"""Fewer vectors a document: those of frequent tokens are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.shards import write_arrays
from ir_bench.types import MultiVector


@dataclass
class TokenPrune:
    """Document vectors [tokens, dims] without the least important ones; queries untouched.

    `share`: about so many of all document tokens are dropped, those of lowest importance `by` `idf` (log of documents
    over documents with the token), or `norm` (length of the vector, for encoders that do not normalise); ties at the
    limit stay. Tokens in `stop` are dropped too. A document that would lose everything keeps its most important vector,
    stop tokens last. `share: 0` without stop tokens changes nothing. Notes `tokens_read` and `tokens_kept`.
    Vectors do not tell the attention that tokens receive: `encoder=attention_pruned` prunes by it.

    Source: Lassance, Maachou, Park and Clinchant 2021, A Study on Token Pruning for ColBERT (arXiv 2112.06540).
    Raises InputError for a share outside [0, 1), and for vectors without tokens by IDF or with stop tokens.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = MultiVector

    share: float = 0.3
    by: Literal["idf", "norm"] = "idf"
    stop: Sequence[str] = ()
    _least: float | None = field(default=None, init=False, repr=False, compare=False)
    _idf: NDArray[np.float64] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1 or self.by not in ("idf", "norm"):
            raise InputError(
                f"{self.share} of the tokens are to be dropped by {self.by!r}",
                "a share of at least 0 and below 1, by idf or norm",
            )

    def fit(self, documents: MultiVector) -> None:
        if not self._changes():
            return
        if self.by == "idf":
            self._idf = _idf(documents)
        found = [self._importance(documents[i : i + 4096]) for i in range(0, len(documents), 4096)]
        every = np.concatenate([np.zeros(0), *found])
        self._least = float(np.quantile(every, self.share, method="higher")) if self.share and len(every) else -np.inf

    def save(self, folder: Path) -> None:
        idf = np.zeros(0) if self._idf is None else self._idf
        write_arrays(folder, {"least": np.array([-np.inf if self._least is None else self._least]), "idf": idf})

    def load(self, folder: Path) -> None:
        self._least = float(np.load(folder / "least.npy", allow_pickle=False)[0])
        self._idf = np.load(folder / "idf.npy", allow_pickle=False)

    def documents(self, vectors: MultiVector) -> MultiVector:
        if not self._changes():
            return vectors
        assert self._least is not None, "fit or load comes first"
        importance = self._importance(vectors)
        stops = self._stops(vectors)
        kept = (importance >= self._least) & ~stops
        importance = np.where(stops, importance - 1e9, importance)
        for i in np.flatnonzero(np.diff(vectors.offsets)).tolist():
            span = slice(vectors.offsets[i], vectors.offsets[i + 1])
            if not kept[span].any():
                kept[span.start + int(np.argmax(importance[span]))] = True
        cost.note("tokens_read", len(kept))
        cost.note("tokens_kept", int(kept.sum()))
        offsets = np.concatenate([[0], np.cumsum(kept)])[vectors.offsets]
        tokens = None if vectors.tokens is None else vectors.tokens[kept]
        return MultiVector(vectors.values[kept], offsets, tokens, vectors.vocabulary)

    def queries(self, vectors: MultiVector) -> MultiVector:
        return vectors

    def _changes(self) -> bool:
        return self.share > 0 or len(self.stop) > 0

    def _importance(self, vectors: MultiVector) -> NDArray[np.float64]:
        if self.by == "norm":
            return np.linalg.norm(vectors.values.astype(np.float64), axis=1)
        assert self._idf is not None, "fit or load comes first"
        return self._idf[_tokens(vectors)]

    def _stops(self, vectors: MultiVector) -> NDArray[np.bool_]:
        if not self.stop:
            return np.zeros(len(vectors.values), np.bool_)
        tokens, stop = _tokens(vectors), set(self.stop)
        assert vectors.vocabulary is not None
        return np.isin(tokens, [n for n, name in enumerate(vectors.vocabulary) if name in stop])


def _tokens(vectors: MultiVector) -> NDArray[np.int32]:
    if vectors.tokens is None or vectors.vocabulary is None:
        raise InputError(
            "the vectors do not say of which tokens they are",
            "vectors straight from an encoder",
            "prune before pooling, or by=norm without stop tokens",
        )
    return vectors.tokens


def _idf(documents: MultiVector) -> NDArray[np.float64]:
    tokens = np.asarray(_tokens(documents), np.int64)
    assert documents.vocabulary is not None
    size = len(documents.vocabulary)
    owners = np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
    frequencies = np.bincount(np.unique(owners * size + tokens) % size, minlength=size)
    return np.log(len(documents) / np.maximum(frequencies, 1))
