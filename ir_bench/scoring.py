"""Score arithmetic shared by indexes and rerankers: dot products, MaxSim, the best k, ties."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.types import Dense, Hits, MultiVector

DOCUMENT_TOKENS, QUERY_TOKENS = 1024, 512  # multiplied at once: 2 MiB of products, which stay in a CPU's cache


def require_depth(k: int) -> None:
    """Raises InputError unless k is a whole number of at least 1."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"the number of hits is {k!r}", "a whole number of at least 1", "set k=1000, say")


def require_finite(values: NDArray[np.floating], what: str, offsets: NDArray[np.int64] | None = None) -> None:
    """Raises InputError naming the first row of `values` [rows, dims] that holds NaN or infinity, or the first text
    whose rows [offsets[i], offsets[i+1]) hold one."""
    sums = values.sum(axis=-1, dtype=np.float64)  # one pass; NaN and infinity survive a sum
    if not np.isfinite(sums).all():
        row = int(np.flatnonzero(~np.isfinite(np.atleast_1d(sums)))[0])
        if offsets is not None:
            row = int(np.searchsorted(offsets, row, side="right")) - 1
        raise InputError(
            f"{what} {row} has NaN or infinite values",
            "finite numbers",
            "check the model and its number format (float16 overflows)",
        )


def require_dims(vectors: Dense | MultiVector, dims: int, what: str = "queries", of: str = "the documents") -> None:
    """Raises InputError for vectors of other dims than those they are compared with."""
    if vectors.values.shape[1] != dims:
        raise InputError(
            f"{what} have {vectors.values.shape[1]} dimensions, {of} {dims}",
            "vectors of one model, or of two towers trained together",
            "encode both with the same encoder and the same transforms",
        )


def _single(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float32, copy=False)


def maxsim(
    queries: MultiVector,
    documents: MultiVector,
    single: Callable[[NDArray[np.floating]], NDArray[np.float32]] = _single,
) -> NDArray[np.float32]:
    """Sums over the tokens of each query of the largest inner product with a token of each document
    [queries, documents], in float32 whatever the vectors are stored in; `single` converts them.

    Documents are not padded, so nothing but their own tokens is compared. A query or a document without tokens scores
    -inf: there is nothing to take the largest of, and every real score is above it. The memory beyond the result is
    `DOCUMENT_TOKENS` times `QUERY_TOKENS` products, or those of the longest document and query if they are longer.
    Source: Khattab and Zaharia 2020, ColBERT, section 3.3, equation 3.
    Raises InputError for queries of other dims than the documents.
    """
    require_dims(queries, documents.values.shape[1])
    scores = np.full((len(queries), len(documents)), -np.inf, np.float32)
    asked = [
        (rows, starts, np.ascontiguousarray(_single(queries.values[span]).T))
        for rows, starts, span in token_blocks(queries.offsets, QUERY_TOKENS)
    ]
    for rows, starts, span in token_blocks(documents.offsets, DOCUMENT_TOKENS):
        block = single(documents.values[span])
        for query_rows, query_starts, tokens in asked:
            largest = np.maximum.reduceat(block @ tokens, starts, axis=0)  # [documents, query tokens]
            scores[np.ix_(query_rows, rows)] = np.add.reduceat(largest, query_starts, axis=1).T
    return scores


def token_blocks(offsets: NDArray[np.int64], most: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], slice]]:
    """Consecutive texts of at most `most` tokens together, or one longer text: (rows that have tokens, where those of
    each begin within the block, the block's span of tokens)."""
    first = 0
    while first < len(offsets) - 1:
        after = max(first + 1, int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1)
        rows = first + np.flatnonzero(offsets[first + 1 : after + 1] > offsets[first:after])
        if len(rows):
            yield rows, offsets[rows] - offsets[first], slice(int(offsets[first]), int(offsets[after]))
        first = after


def best(scores: NDArray[np.floating], k: int) -> Hits:
    """The k largest of each row of `scores` [queries, documents]; equal scores by ascending document row."""
    require_depth(k)
    k = min(k, scores.shape[1])
    rows = np.empty((len(scores), k), np.int64)
    for i, row in enumerate(scores):
        threshold = np.partition(row, len(row) - k)[len(row) - k] if k else 0
        candidates = np.flatnonzero(row >= threshold)  # ties at the cut-off included, in row order
        rows[i] = candidates[np.argsort(-row[candidates], kind="stable")[:k]]
    return Hits(rows, np.take_along_axis(scores, rows, 1).astype(np.float32))


def one_by_one(
    queries: MultiVector,
    k: int,
    scored: Callable[[NDArray[np.float32]], tuple[NDArray[np.int64], NDArray[np.float32]]],
) -> Hits:
    """The best k of the rows and scores that `scored` finds for each query's vectors [tokens, dims], equal scores by
    ascending row; a query without vectors has no hit."""
    rows = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for i in range(len(queries)):
        if len(query := queries.row(i)):
            found, given = scored(np.ascontiguousarray(query, np.float32))
            order = np.lexsort((found, -given))[:k]
            rows[i, : len(order)], scores[i, : len(order)] = found[order], given[order]
    return Hits(rows, scores)


def merge(first: Hits, second: Hits, k: int) -> Hits:
    """The best k of two lists of hits over different rows; equal scores by ascending row, padding (-1) last."""
    rows = np.concatenate([first.rows, second.rows], axis=1)
    scores = np.concatenate([first.scores, second.scores], axis=1)
    missing = rows < 0
    order = np.lexsort((rows, -scores, missing), axis=1)[:, :k]
    return Hits(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))
