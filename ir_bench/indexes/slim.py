"""Late interaction of sparse token vectors: candidates from inverted lists, then exact scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, starmap
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.protocols import Encoder, Following, Transform
from ir_bench.scoring import require_depth
from ir_bench.types import Alignment, Hits, MultiVector, Sparse

AT_SEARCH = {"changes_documents": False}
TOKENS = 65_536  # made sparse at once


@dataclass
class SlimIndex:
    """The sum over query tokens of the largest inner product of their term weights with those of a document's token.

    `lexical` turns token vectors into terms with weights; it is asked for one token at a time, so that any transform
    from token vectors to sparse ones serves. Candidates are the `candidates` documents of the highest
    beta * s_l + (1 - beta) * s_h. s_h, the product of the sum of query tokens with the largest weights of a document,
    is never below the score; s_l is the same with each query token's heaviest term alone. Postings below
    `least_weight` are left out. With all documents as candidates and `least_weight` 0 the result is exact for the
    documents that share a term with the query; others are no hits. Notes `postings_read`, `documents_matched`,
    `documents_compared`.

    Source: Li, Lin, Ma and Lin 2023, SLIM: Sparsified Late Interaction for Efficient Multi-Vector Retrieval with
    Inverted Indexes (arXiv 2302.06587).
    Differs: s_l takes the heaviest term, as the paper has it; the loop in Pyserini's encoder takes the last one.
    Raises InputError for a `lexical` of other vectors, negative weights, k below 1, and a search before build.
    """

    accepts: ClassVar[type] = MultiVector

    lexical: Transform
    candidates: int = field(default=4000, metadata=AT_SEARCH)
    beta: float = field(default=0.01, metadata=AT_SEARCH)
    least_weight: float = 0.0
    _built: dict[str, NDArray[Any]] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.lexical.accepts is not MultiVector or self.lexical.produces is not Sparse:
            raise InputError(
                f"{type(self.lexical).__name__} does not turn token vectors into sparse ones",
                "a transform from MultiVector to Sparse",
                "choose another lexical=…, for example centroid_terms or sparse_head",
            )

    def require(self, encoder: Encoder) -> None:
        """Raises InputError unless `lexical` is for the vectors of this encoder's model, where it is for one alone."""
        if isinstance(self.lexical, Following):
            self.lexical.require(encoder)

    def build(self, documents: MultiVector) -> None:
        self.lexical.fit(documents)
        found = [
            self.lexical.documents(_one_each(documents, start, start + TOKENS))
            for start in range(0, max(len(documents.values), 1), TOKENS)
        ]
        terms, weights = (np.concatenate([getattr(s, name) for s in found]) for name in ("terms", "weights"))
        lengths = np.concatenate([np.diff(s.offsets) for s in found])
        self._require_weights(weights, "documents")
        spans = np.concatenate([[0], np.cumsum(lengths)])
        size, owners = len(found[0].vocabulary), np.repeat(np.arange(len(documents)), np.diff(documents.offsets))
        # by term, then document: the largest weight of a document's tokens
        keys = terms.astype(np.int64) * len(documents) + np.repeat(owners, lengths)
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        largest = np.maximum.reduceat(weights[order], starts) if len(starts) else weights
        firm = largest >= self.least_weight
        posted, largest = keys[order][starts][firm], largest[firm]
        self._built = {
            "terms": terms, "weights": weights, "spans": spans, "offsets": np.asarray(documents.offsets, np.int64),
            "lists": np.searchsorted(posted, np.arange(size + 1) * len(documents)),
            "rows": (posted % max(len(documents), 1)).astype(np.int32), "largest": largest,
        }  # fmt: skip
        cost.note("index_bytes", sum(array.nbytes for array in self._built.values()))

    def search(self, queries: MultiVector, k: int) -> Hits:
        require_depth(k)
        if self._built is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        built, count = self._built, len(self._built["offsets"]) - 1
        rows = np.full((len(queries), min(k, count)), -1, np.int64)
        scores = np.full(rows.shape, -np.inf, np.float32)
        tokens = self._tokens(queries)
        for i in range(len(queries)):
            asked = _table(tokens[int(queries.offsets[i]) : int(queries.offsets[i + 1])], len(built["lists"]) - 1)
            found = self._candidates(asked, built, count)
            cost.note("documents_compared", len(found))
            given = _exact(asked, found, built["offsets"], built["spans"], built["terms"], built["weights"])
            order = np.lexsort((found, -given))[: rows.shape[1]]
            rows[i, : len(order)], scores[i, : len(order)] = found[order], given[order]
        return Hits(rows, scores)

    def align(self, query: MultiVector, rows: Sequence[int], documents: MultiVector) -> list[Alignment]:
        """The terms of each token of one query against those of each token of each row, where the two share any; also
        of rows that are no candidates of a search. Raises InputError as search does."""
        if self._built is None:
            raise InputError("explain before build", "an index over documents", "call build(vectors) first")
        built, names, found = self._built, query.names(0), []
        asked = _table(self._tokens(query[:1]), len(built["lists"]) - 1)
        for row in rows:
            spans = built["spans"][built["offsets"][row] : built["offsets"][row + 1] + 1].tolist()
            similarities = np.zeros((len(names), len(spans) - 1), np.float32)
            for j, span in enumerate(starmap(slice, pairwise(spans))):
                similarities[:, j] = asked[:, built["terms"][span]] @ built["weights"][span]
            similarities[similarities == 0] = np.nan
            found.append(Alignment(names, documents.names(row), similarities))
        return found

    def _tokens(self, queries: MultiVector) -> Sparse:
        """The terms of the tokens of queries, each a text of its own."""
        tokens = self.lexical.queries(_one_each(queries, 0, len(queries.values)))
        self._require_weights(tokens.weights, "queries")
        return tokens

    def _candidates(self, asked: NDArray[np.float32], built: dict[str, NDArray[Any]], count: int) -> NDArray[np.int64]:
        """Rows, ascending, of the documents with the highest bounds."""
        bounds, shared = np.zeros(count), np.zeros(count, np.bool_)
        heaviest = np.where(asked == asked.max(1, keepdims=True, initial=0), asked, 0)
        heaviest *= np.cumsum(heaviest > 0, axis=1) == 1  # the first of equal ones
        weights = self.beta * heaviest.sum(0) + (1 - self.beta) * asked.sum(0)
        for term in np.flatnonzero(asked.sum(0)).tolist():
            here = slice(built["lists"][term], built["lists"][term + 1])
            bounds[built["rows"][here]] += weights[term] * built["largest"][here]
            shared[built["rows"][here]] = True
            cost.note("postings_read", int(here.stop - here.start))
        matched = np.flatnonzero(shared)
        cost.note("documents_matched", len(matched))
        if len(matched) <= self.candidates:
            return matched
        return matched[np.sort(np.argsort(-bounds[matched], kind="stable")[: self.candidates])]

    @staticmethod
    def _require_weights(weights: NDArray[np.float32], what: str) -> None:
        if len(weights) and not (np.isfinite(weights.sum()) and weights.min() >= 0):
            raise InputError(f"term weights of {what} are negative or not finite", "weights of at least 0")


def _one_each(vectors: MultiVector, start: int, stop: int) -> MultiVector:
    """Some tokens as texts of one token each."""
    values = vectors.values[start:stop]
    tokens = None if vectors.tokens is None else vectors.tokens[start:stop]
    return MultiVector(values, np.arange(len(values) + 1), tokens, vectors.vocabulary)


def _table(tokens: Sparse, size: int) -> NDArray[np.float32]:
    """The weights of some tokens [tokens, size of the vocabulary]."""
    table = np.zeros((len(tokens), size), np.float32)
    table[np.repeat(np.arange(len(tokens)), np.diff(tokens.offsets)), tokens.terms] = tokens.weights
    return table


@njit(cache=True, nogil=True)
def _exact(
    asked: NDArray[np.float32],
    rows: NDArray[np.int64],
    offsets: NDArray[np.int64],
    spans: NDArray[np.int64],
    terms: NDArray[np.int32],
    weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Late interaction of query tokens [query tokens, vocabulary] with the sparse tokens of some documents."""
    scores = np.zeros(len(rows), np.float32)
    for n in range(len(rows)):
        for i in range(len(asked)):
            largest = np.float32(0)
            for j in range(offsets[rows[n]], offsets[rows[n] + 1]):
                product = np.float32(0)
                for at in range(spans[j], spans[j + 1]):
                    product += asked[i, terms[at]] * weights[at]
                largest = max(largest, product)
            scores[n] += largest
    return scores
