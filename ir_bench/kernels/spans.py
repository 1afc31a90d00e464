"""Parts of documents scored by the token vectors of the whole: MaxSim of a query with the tokens of a span alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.kernels.maxsim import pair_scores
from ir_bench.types import MultiVector

CONTINUATIONS = ("##", "▁", "Ġ")  # what WordPiece, SentencePiece and byte-level pieces are marked with
SKIPPED = 64  # characters of a text that tokens may leave out before one that is in it: skipped or unknown words


@dataclass(frozen=True)
class Spans:
    """Spans of tokens of each text: text i owns rows [offsets[i], offsets[i+1]) of `bounds` [spans, 2], each the first
    token of a span, counted from the text's own first, and the one after its last. They may overlap and leave gaps."""

    bounds: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, bounds: Sequence[NDArray[np.int64]]) -> Spans:
        """The bounds [spans, 2] of each text."""
        offsets = np.cumsum([0, *map(len, bounds)], dtype=np.int64)
        return cls(np.concatenate([np.zeros((0, 2), np.int64), *(np.reshape(b, (-1, 2)) for b in bounds)]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1


def span_scores(
    queries: MultiVector,
    documents: MultiVector,
    spans: Spans,
    asked: NDArray[np.int64],
    rows: NDArray[np.int64],
    threads: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """MaxSim in float32 of query `asked[i]` with each span of document `rows[i]`, those of pair i at [offsets[i],
    offsets[i+1]) of the scores; the scores and the offsets [pairs + 1].

    The vectors are those of the whole document, so each token has seen its surroundings. A span without tokens scores
    -inf, and NaN tells vectors that are not finite. The largest score of a document's spans is at most its MaxSim.
    A score rises with a span's length: compare the spans of one document, or add the document's score.
    Source: Reddy et al. 2024, AGRaME: Any-Granularity Ranking with Multi-Vector Embeddings (arXiv 2405.15028), without
    its second query marker and training.
    Raises InputError for spans of another number of documents, or beyond a document's tokens.
    """
    lengths = np.diff(documents.offsets)
    if len(spans) != len(documents):
        raise InputError(f"spans of {len(spans)} documents", f"spans of {len(documents)}, as there are vectors of")
    owners = np.repeat(np.arange(len(spans)), np.diff(spans.offsets))
    start, end = spans.bounds[:, 0], spans.bounds[:, 1]
    if (wrong := np.flatnonzero((start < 0) | (end < start) | (end > lengths[owners]))).size:
        i = int(wrong[0])
        raise InputError(
            f"a span [{start[i]}, {end[i]}) of document {owners[i]}, which has {lengths[owners[i]]} tokens",
            "0 ≤ first ≤ end ≤ the number of tokens",
            "count the tokens that are left after the encoder's limit",
        )
    # Span i as document 2i of the same vectors, whatever lies between: the kernel looks at the named rows alone.
    bounds = np.ravel(spans.bounds + documents.offsets[owners][:, None])
    counts = np.diff(spans.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    numbers = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - spans.offsets[rows], counts)
    views = MultiVector(documents.values, bounds)
    return pair_scores(queries, views, np.repeat(asked, counts), 2 * numbers, threads=threads), offsets


def best_spans(
    queries: MultiVector,
    documents: MultiVector,
    spans: Spans,
    asked: NDArray[np.int64],
    rows: NDArray[np.int64],
    threads: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The span of document `rows[i]` that query `asked[i]` scores highest, numbered within its document, of equal ones
    the first, and its score, both [pairs]; -1 and -inf where no span has tokens.

    Raises InputError as `span_scores` does, and for vectors that are not finite.
    """
    scores, offsets = span_scores(queries, documents, spans, asked, rows, threads)
    if np.isnan(scores).any():
        raise InputError("vectors with NaN or infinite values", "finite numbers", "check the encoder")
    best, highest = np.full(len(rows), -1, np.int64), np.full(len(rows), -np.inf, np.float32)
    for i, (a, b) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        if a < b and scores[a:b].max() > -np.inf:
            best[i] = np.argmax(scores[a:b])
            highest[i] = scores[a + best[i]]
    return best, highest


def token_spans(tokens: Sequence[str], parts: Iterable[str]) -> NDArray[np.int64]:
    """Which tokens each part has [parts, 2] of a text that consists of `parts`, one after the other.

    The tokens, as an encoder names them, are read along the text, case, accents and blanks aside. Those that are not in
    it ([CLS], unknown words) belong to the part around them, and to none at its ends; words that have no token (skipped
    punctuation) are passed over. A part beyond the last token is an empty span.
    """
    plain = [_plain(part) for part in parts]
    ends = np.cumsum([len(part) for part in plain])
    text, at = "".join(plain), 0
    found: list[tuple[int, int]] = []
    for number, token in enumerate(tokens):
        for mark in CONTINUATIONS:
            token = token.removeprefix(mark) if token != mark else ""
        if (name := _plain(token)) and (place := text.find(name, at, at + SKIPPED + len(name))) >= 0:
            found.append((number, place))
            at = place + len(name)
    numbers, places = np.array(found, np.int64).reshape(-1, 2).T
    owner = np.searchsorted(ends, places, side="right")
    first, last = (np.searchsorted(owner, np.arange(len(plain)), side=side) for side in ("left", "right"))
    bounds = np.full((len(plain), 2), len(tokens), np.int64)
    there = first < last
    bounds[there] = np.stack([numbers[first[there]], numbers[last[there] - 1] + 1], axis=1)
    return bounds


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if not c.isspace() and not unicodedata.combining(c))
