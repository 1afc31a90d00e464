"""The data that moves between components: arrays, strings and mappings; no models, no configuration, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError

Queries = Mapping[str, str]  # query id -> text
Qrels = Mapping[str, Mapping[str, int]]  # query id -> document id -> grade


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    text: str
    title: str = ""


@dataclass(frozen=True)
class Corpus:
    """A collection read as a stream, as often as needed; never held in memory as a whole.

    `identity` names the content (a checksum of its files or a pinned revision) and is part of every cache key.
    `titles` says what is searched: title and text joined by a blank ("join") or the text alone ("ignore").
    `query_tokens` and `document_tokens` are lengths that this collection needs: an encoder whose own default is
    shorter raises its limit to them (ArguAna's queries are whole passages).
    """

    name: str
    identity: str
    read: Callable[[], Iterator[Document]]
    size: int | None = None
    titles: Literal["join", "ignore"] = "join"
    query_tokens: int | None = None
    document_tokens: int | None = None

    def __iter__(self) -> Iterator[Document]:
        return self.read()

    def contents(self, document: Document) -> str:
        """The text of a document as it is searched, by the title policy."""
        if self.titles == "join" and document.title:
            return f"{document.title} {document.text}".strip()
        return document.text

    def chunks(self, size: int) -> Iterator[list[Document]]:
        """Consecutive blocks of `size` documents."""
        block: list[Document] = []
        for document in self:
            block.append(document)
            if len(block) == size:
                yield block
                block = []
        if block:
            yield block


@dataclass(frozen=True)
class Rules:
    """How a benchmark is scored; they belong to the dataset, never to an evaluator's default.

    `exclude_self`: documents with the query's own id are dropped (BEIR's rule; retrieval goes one deeper).
    `relevance_threshold`: the lowest grade that counts as relevant in binary measures (TREC DL: 2).
    """

    exclude_self: bool = False
    relevance_threshold: int = 1
    main_measure: str = "nDCG@10"


@dataclass(frozen=True)
class Dataset:
    """Corpus, queries, judgments and rules of one benchmark split; each part is read when it is first asked for."""

    name: str
    load_corpus: Callable[[], Corpus]
    load_queries: Callable[[], Queries]
    load_qrels: Callable[[], Qrels]
    rules: Rules = field(default_factory=Rules)
    split: str = "test"

    @property
    def corpus(self) -> Corpus:
        return self.load_corpus()

    @property
    def queries(self) -> Queries:
        return self.load_queries()

    @property
    def qrels(self) -> Qrels:
        return self.load_qrels()


# Up to here a list of Python strings is kept beside the buffer: ten times faster to look up, some 60 bytes a string.
_DECODED_AT_MOST = 10_000_000


@dataclass(frozen=True)
class Strings:
    """A long list of strings as one UTF-8 buffer, so that millions of ids or terms can be memory-mapped."""

    data: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Iterable[str]) -> Strings:
        encoded = [s.encode() for s in strings]
        bounds = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(e) for e in encoded], out=bounds[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, row: int) -> str:
        return self.data[self.bounds[row] : self.bounds[row + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        blob, bounds = self.data.tobytes(), self.bounds.tolist()
        return (blob[a:b].decode() for a, b in pairwise(bounds))

    def take(self, rows: NDArray[np.integer]) -> list[str]:
        """The strings of some rows."""
        if len(self) <= _DECODED_AT_MOST:
            decoded = self._decoded
            return [decoded[row] for row in rows.tolist()]
        data, starts, ends = self.data, self.bounds[rows].tolist(), self.bounds[rows + 1].tolist()
        return [data[a:b].tobytes().decode() for a, b in zip(starts, ends, strict=True)]

    @cached_property
    def _decoded(self) -> list[str]:
        return list(self)


@dataclass(frozen=True)
class Dense:
    """One vector per text: `values` is [texts, dims]."""

    values: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Dense:
        return Dense(self.values[rows])


@dataclass(frozen=True)
class Sparse:
    """One weighted bag of terms per text, as CSR rows: text i owns [offsets[i], offsets[i+1]) of terms and weights.

    `terms` index `vocabulary`; two `Sparse` may number the same term differently.
    """

    terms: NDArray[np.int32]
    weights: NDArray[np.float32]
    offsets: NDArray[np.int64]
    vocabulary: Strings

    @classmethod
    def of(cls, bags: Sequence[Mapping[str, float]]) -> Sparse:
        """Terms with their weights of each text, terms numbered as they are met."""
        numbers: dict[str, int] = {}
        terms = [numbers.setdefault(term, len(numbers)) for bag in bags for term in bag]
        weights = [weight for bag in bags for weight in bag.values()]
        offsets = np.cumsum([0, *map(len, bags)], dtype=np.int64)
        return cls(np.array(terms, np.int32), np.array(weights, np.float32), offsets, Strings.of(numbers))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: slice) -> Sparse:
        terms, offsets = _ragged(self.terms, self.offsets, rows)
        weights, _ = _ragged(self.weights, self.offsets, rows)
        return Sparse(terms, weights, offsets, self.vocabulary)

    def row(self, i: int) -> dict[str, float]:
        span = slice(self.offsets[i], self.offsets[i + 1])
        return dict(zip(self.vocabulary.take(self.terms[span]), self.weights[span].tolist(), strict=True))


@dataclass(frozen=True)
class MultiVector:
    """One vector per token: text i owns rows [offsets[i], offsets[i+1]) of `values` [tokens, dims].

    `tokens` [tokens] says of which token of `vocabulary` each vector is, where the encoder knows; both are None where
    vectors stand for no single token, pooled ones for example.
    """

    values: NDArray[np.floating]
    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32] | None = None
    vocabulary: Strings | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: slice) -> MultiVector:
        values, offsets = _ragged(self.values, self.offsets, rows)
        tokens = None if self.tokens is None else _ragged(self.tokens, self.offsets, rows)[0]
        return MultiVector(values, offsets, tokens, self.vocabulary)

    def row(self, i: int) -> NDArray[np.floating]:
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def names(self, i: int) -> list[str]:
        """The tokens of text i, or #1, #2 … where vectors stand for no single token."""
        if self.tokens is None or self.vocabulary is None:
            return [f"#{n + 1}" for n in range(int(self.offsets[i + 1] - self.offsets[i]))]
        return self.vocabulary.take(self.tokens[self.offsets[i] : self.offsets[i + 1]])


@dataclass(frozen=True)
class Gated:
    """A bag of terms folded into few slices: `values` [texts, slices] are weights, 0 where a slice has none, and
    `gates` [texts, slices] say which term of its slice each is of. Two texts meet in a slice where the gates agree.
    """

    values: NDArray[np.floating]
    gates: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Gated:
        return Gated(self.values[rows], self.gates[rows])


def _ragged(values: NDArray, offsets: NDArray[np.int64], rows: slice) -> tuple[NDArray, NDArray[np.int64]]:
    start, stop, step = rows.indices(len(offsets) - 1)
    if step != 1:
        raise ValueError("ragged vectors are sliced without a step")
    stop = max(start, stop)
    return values[offsets[start] : offsets[stop]], offsets[start : stop + 1] - offsets[start]


Vectors = Dense | Sparse | MultiVector | Gated
V = TypeVar("V", Dense, Sparse, MultiVector, Gated)


@dataclass(frozen=True)
class Hits:
    """The best rows of each query, best first: `rows` and `scores` are [queries, k]; row -1 pads a short list.

    Equal scores are ordered by ascending row; `Run` gives them their final order.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Documents of one query, best first, with their float32 scores."""

    documents: Sequence[str]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.documents)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ranking)
            and list(self.documents) == list(other.documents)
            and np.array_equal(self.scores, other.scores)
        )


@dataclass(frozen=True, slots=True)
class Match:
    """What one query term adds to the score of one document.

    `document_weight` is the term's count where the index scores counts (Lucene's BM25), else what a query weight of 1
    would add. `document_term` is the document's token that a query token matched, where the two may differ. `added_to`
    names the texts that do not have the term themselves: their vectors were expanded by it. None: not known. `imputed`:
    an index that compared the query token with none of the document's tokens put this score in the place.
    """

    term: str
    query_weight: float
    document_weight: float
    score: float
    document_term: str | None = None
    added_to: tuple[str, ...] | None = None  # of "query" and "document"
    imputed: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Alignment:
    """Inner products of each token of a query with each of a document: `similarities` is [query tokens, document
    tokens], NaN where the score does not come from comparing the two.

    The score is the sum of the largest of each row times `weight`, and of what else is `added` to it, by its name.
    A query token compared with none of the document's tokens counts as `imputed` [query tokens] says, else as 0; a
    document none of whose tokens was compared has nothing imputed.
    """

    query_terms: Sequence[str]
    document_terms: Sequence[str]
    similarities: NDArray[np.float32]
    imputed: NDArray[np.float32] | None = None
    weight: float = 1.0
    added: Mapping[str, float] = field(default_factory=dict)

    @property
    def compares(self) -> bool:
        """Whether any two tokens are compared."""
        return not np.isnan(self.similarities).all()

    def nearest(self) -> NDArray[np.int64]:
        """The document's token most similar to each of the query [query tokens], of equal ones the first; -1 where none
        was compared."""
        if not self.compares:
            return np.full(len(self.query_terms), -1)
        compared = ~np.isnan(self.similarities)
        return np.where(compared.any(axis=1), np.where(compared, self.similarities, -np.inf).argmax(axis=1), -1)

    def matches(self) -> list[Match]:
        """What each query token adds, in the order of the query, but none of those that were compared with no token and
        have nothing imputed; then what else is added."""
        imputes = self.imputed is not None and self.compares
        found, products = [], self._products().tolist()
        for term, j, product in zip(self.query_terms, self.nearest().tolist(), products, strict=True):
            if j >= 0:
                found.append(Match(term, self.weight, product, self.weight * product, self.document_terms[j]))
            elif imputes:
                found.append(Match(term, self.weight, product, self.weight * product, imputed=True))
        return [*found, *(Match(name, 1.0, score, score) for name, score in self.added.items())]

    def adds(self) -> NDArray[np.float64]:
        """What each query token adds to the score [query tokens]."""
        return self.weight * self._products()

    def within(self, start: int, end: int) -> Alignment:
        """The query against the document's tokens [start, end) alone."""
        some = self.document_terms[start:end], self.similarities[:, start:end]
        return Alignment(self.query_terms, *some, self.imputed, self.weight)

    def _products(self) -> NDArray[np.float64]:
        """The largest similarity of each query token [query tokens], or what stands for it."""
        largest = np.where(np.isnan(self.similarities), -np.inf, self.similarities).max(axis=1, initial=-np.inf)
        instead = self.imputed if self.imputed is not None and self.compares else np.zeros(len(largest))
        return np.where(largest > -np.inf, largest, instead).astype(np.float64)


Ties = Literal["trec_eval", "lucene"]


@dataclass(frozen=True)
class Run:
    """Ranked documents per query: score descending, then document id descending, as trec_eval orders them.

    This is the only place where ties between documents are broken. Scores are float32 because trec_eval compares
    them so: two scores that differ in double precision only are a tie for it, and here. With `ties="lucene"` equal
    scores are ordered by ascending id, as Anserini orders them, and each is then lowered below the one before it by
    the smallest float32 step, so that the order survives every evaluator (Anserini lowers them by 1e-6).
    """

    rankings: Mapping[str, Ranking]

    @classmethod
    def of(cls, scored: Mapping[str, Mapping[str, float]], k: int | None = None, ties: Ties = "trec_eval") -> Run:
        """Rank scored documents of each query and keep the best `k`. Raises InputError on a NaN or infinite score."""
        return cls(
            {q: _rank(q, list(d), np.fromiter(d.values(), np.float64, len(d)), k, ties) for q, d in scored.items()}
        )

    @classmethod
    def from_hits(
        cls, query_ids: Iterable[str], hits: Hits, ids: Strings, k: int | None = None, ties: Ties = "trec_eval"
    ) -> Run:
        """Name the rows of an index's hits and keep the best `k`. Raises InputError on a NaN or infinite score."""
        rankings = {}
        for query, rows, scores in zip(query_ids, hits.rows, hits.scores, strict=True):
            found = rows >= 0
            rankings[query] = _rank(query, ids.take(rows[found]), scores[found], k, ties)
        return cls(rankings)

    def __getitem__(self, query_id: str) -> Ranking:
        return self.rankings[query_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rankings)

    def __len__(self) -> int:
        return len(self.rankings)

    def top(self, k: int) -> Run:
        return Run({q: Ranking(r.documents[:k], r.scores[:k]) for q, r in self.rankings.items()})

    def without_self(self) -> Run:
        """The same run without documents whose id is the query's own."""
        rankings = dict(self.rankings)
        for query, ranking in self.rankings.items():
            keep = [i for i, document in enumerate(ranking.documents) if document != query]
            if len(keep) < len(ranking):
                rankings[query] = Ranking([ranking.documents[i] for i in keep], ranking.scores[keep])
        return Run(rankings)

    def scored(self) -> dict[str, dict[str, float]]:
        """Plain dictionaries: query id -> document id -> score."""
        return {q: dict(zip(r.documents, r.scores.tolist(), strict=True)) for q, r in self.rankings.items()}


def _rank(query: str, documents: list[str], scores: NDArray, k: int | None, ties: Ties) -> Ranking:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
        scores = np.asarray(scores, np.float32)
    if not np.isfinite(scores).all():
        worst = documents[int(np.flatnonzero(~np.isfinite(scores))[0])]
        raise InputError(
            f"query {query!r}: the score of document {worst!r} is not a finite float32 number",
            "finite scores only",
            "look for NaN or infinite values in the vectors or in the run file",
        )
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    names = [documents[i] for i in order.tolist()]
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(changes) + 1 < len(names):  # names only matter among equal scores
        bounds = [0, *changes.tolist(), len(names)]
        for a, b in pairwise(bounds):
            if b - a > 1:
                names[a:b] = sorted(names[a:b], reverse=ties == "trec_eval")
        if ties == "lucene":
            ordered = _strictly_falling(ordered[:k])
    return Ranking(names[:k], ordered[:k])


def _strictly_falling(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    falling = scores.copy()
    for i in range(1, len(falling)):
        if falling[i] >= falling[i - 1]:
            falling[i] = np.nextafter(falling[i - 1], np.float32(-np.inf))
    return falling
