"""A head that was trained over token vectors of a frozen model and weighs the terms of its vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ir_bench import models
from ir_bench.checkpoints import OF_QUERIES, in_order
from ir_bench.errors import InputError
from ir_bench.heads import Head, Task, padded, require_base
from ir_bench.protocols import Encoder
from ir_bench.scoring import require_finite
from ir_bench.types import MultiVector, Sparse, Strings

DOCUMENTS = 10_000  # whose terms are counted at once


@dataclass
class SparseHead:
    """Token vectors [tokens, dims] of the frozen model to the term weights of a sparse model trained on top of it.

    `model` is a folder that `ir-bench train` wrote for a recipe with learns=head, or head:NAME. The encoder must be
    the model that it was trained on, with its token limit and special tokens. `query_keep` and `document_keep`: at
    most so many terms, the largest weights; None keeps all that the head leaves. `idf`: "collection" weighs a query's
    own terms by Lucene's inverse document frequency in the collection that is searched, as BM25 does, where the head
    has such weights (`modules.lexical_expansion`); "trained" by those that it was trained with.
    Dimensions are tokens of the encoder, or what the head calls them (`architectures.lens`); those beyond the tokens
    (`architectures.joint`) are named by numbers, and `term_range` tells the parts apart.
    Raises InputError for a folder without a head, or a head for vectors of other dims or kind.
    """

    accepts: ClassVar[type] = MultiVector
    produces: ClassVar[type] = Sparse

    model: str = field(metadata={"changes_results": False})  # provenance() names it, and its weights
    query_keep: int | None = field(default=None, metadata=OF_QUERIES)
    document_keep: int | None = None
    idf: Literal["trained", "collection"] = field(default="trained", metadata=OF_QUERIES)
    _head: Head | None = field(default=None, init=False, repr=False, compare=False)
    _names: Strings | None = field(default=None, init=False, repr=False, compare=False)  # of a head that gives some
    _vocabulary: Strings | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provenance(self) -> Mapping[str, object]:
        return models.provenance(self.model)

    def require(self, encoder: Encoder) -> None:
        """Raises InputError unless the encoder's weights are those that the head was trained on."""
        require_base(self.model, encoder)

    def fit(self, documents: MultiVector) -> None:
        head = self._opened()
        if self.idf == "trained":
            return
        module = head.modules[0]
        if not hasattr(module, "importance") or not hasattr(module, "same_as"):
            raise InputError(
                f"idf=collection, but {type(module).__name__} has no weights of a query's own terms",
                "a head made by architecture=lexical_expansion",
                "set idf=trained",
            )
        module.importance.copy_(_idf(documents, module.same_as.numpy()))

    def documents(self, vectors: MultiVector) -> Sparse:
        return self._applied(vectors, "document", self.document_keep)

    def queries(self, vectors: MultiVector) -> Sparse:
        return self._applied(vectors, "query", self.query_keep)

    def terms(self, tokens: Sequence[str]) -> list[str]:
        """The terms that a text's own tokens count as, once texts were weighed: their stems, say, or clusters."""
        same_as = getattr(self._opened().modules[0], "same_as", None)
        if same_as is None or self._vocabulary is None:
            return list(tokens)
        if not self._numbers:
            self._numbers = {name: number for number, name in enumerate(self._vocabulary)}
        counted = (int(same_as[self._numbers[token]]) for token in tokens if token in self._numbers)
        names = self._vocabulary if self._names is None else self._names
        return [names[term] for term in counted if term >= 0]

    def _applied(self, vectors: MultiVector, task: Task, keep: int | None) -> Sparse:
        vocabulary, _ = _named(vectors)
        self._vocabulary = vocabulary
        head = self._opened()
        order: list[NDArray[np.int64]] = []
        counts, terms, weights = [], [], []
        for rows, features in padded(vectors):
            try:
                if not order:
                    head.require_directions(features, task, "sentence_embedding")
                found = head(features, task)["sentence_embedding"].numpy()
            except (KeyError, RuntimeError) as error:
                raise InputError(
                    f"the head of {self.model} does not take token vectors of {vectors.values.shape[1]} dimensions: "
                    f"{error}",
                    "token vectors of the model that it was trained on",
                    "choose the encoder that training.json names; dense_head is for pooled vectors",
                ) from None
            if keep is not None and keep < found.shape[1]:
                found = np.where(_largest(found, keep), found, 0)
            at, which = np.nonzero(found)
            order.append(rows)
            counts.append(np.bincount(at, minlength=len(rows)))
            terms.append(which.astype(np.int32))
            weights.append(found[at, which])
        if not order:
            dimensions = self._dimensions(vocabulary, 0)
            return Sparse(np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(1, np.int64), dimensions)
        offsets, (all_terms, all_weights) = in_order(
            np.concatenate(order), np.concatenate(counts), np.concatenate(terms), np.concatenate(weights)
        )
        require_finite(all_weights[:, None], f"the vector of {task}", offsets)
        return Sparse(all_terms, all_weights, offsets, self._dimensions(vocabulary, found.shape[1]))

    def _dimensions(self, vocabulary: Strings, dims: int) -> Strings:
        return _longer(vocabulary, dims) if self._names is None else self._names

    def _opened(self) -> Head:
        if self._head is None:
            self._head = Head.load(self.model)
            if (names := getattr(self._head.modules[0], "names", None)) is not None:
                self._names = Strings.of(names)
        return self._head


def _named(vectors: MultiVector) -> tuple[Strings, np.ndarray]:
    """The vocabulary, and which token of it each vector is of [tokens]."""
    if vectors.tokens is None or vectors.vocabulary is None:
        raise InputError(
            "the token vectors do not say of which tokens they are",
            "vectors of an encoder of tokens, neither pooled nor cached by an earlier version",
            "put the head right after the encoder; delete the cached encoding if it is an old one",
        )
    return vectors.vocabulary, vectors.tokens


def _longer(vocabulary: Strings, dims: int) -> Strings:
    """Names of all dimensions: numbers for those beyond the tokens, which a head's dense part makes."""
    more = range(len(vocabulary), dims)
    return Strings.of([*vocabulary, *(f"[{number}]" for number in more)]) if more else vocabulary


def _idf(documents: MultiVector, same_as: np.ndarray) -> Any:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) of each term, n of the N documents having a token that counts as it."""
    import torch

    found = np.zeros(len(same_as))
    for start in range(0, len(documents), DOCUMENTS):
        some = documents[start : start + DOCUMENTS]
        terms = same_as[_named(some)[1]].astype(np.int64)
        texts = np.repeat(np.arange(len(some)), np.diff(some.offsets))[terms >= 0]
        once = np.unique(texts * len(same_as) + terms[terms >= 0])
        found += np.bincount(once % len(same_as), minlength=len(same_as))
    return torch.from_numpy(np.log(1 + (len(documents) - found + 0.5) / (found + 0.5)))


def _largest(values: np.ndarray, keep: int) -> np.ndarray:
    """Which entries of each row are among its `keep` largest, equal ones by ascending column."""
    least = np.partition(values, -keep, axis=1)[:, -keep, None]
    above, tied = values > least, values == least
    return above | (tied & (np.cumsum(tied, axis=1) <= keep - above.sum(axis=1, keepdims=True)))
