"""The contracts between components. A class keeps one by having its methods; nothing inherits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ir_bench.store import Store
from ir_bench.types import Corpus, Dataset, Hits, Match, Queries, Run


@runtime_checkable
class Retriever(Protocol):
    """Anything that turns queries into a ranking: the one thing the harness knows.

    `build` may be called again, with another corpus. `search` answers every query it is given, with an empty
    ranking where nothing matches, and raises InputError for k < 1 or when nothing was built.
    """

    def build(self, corpus: Corpus, store: Store) -> None: ...
    def search(self, queries: Queries, k: int) -> Run: ...


@runtime_checkable
class DatasetSource(Protocol):
    """Finds a benchmark; nothing is read before a part of the dataset is asked for."""

    def load(self) -> Dataset: ...


@runtime_checkable
class Encoder(Protocol):
    """Texts to vectors of the kind `produces`. `fit` sees the corpus before anything is encoded."""

    produces: ClassVar[type]

    def fit(self, corpus: Corpus) -> None: ...
    def encode_documents(self, texts: Sequence[str]) -> Any: ...
    def encode_queries(self, texts: Sequence[str]) -> Any: ...


@runtime_checkable
class Transform(Protocol):
    """Vectors to vectors, differently for documents and for queries: pooling, projection, pruning, quantisation."""

    accepts: ClassVar[type]
    produces: ClassVar[type]

    def fit(self, documents: Any) -> None: ...
    def documents(self, vectors: Any) -> Any: ...
    def queries(self, vectors: Any) -> Any: ...


@runtime_checkable
class Index(Protocol):
    """Vectors to nearest rows. `search` returns at most k rows a query, equal scores by ascending row."""

    accepts: ClassVar[type]

    def build(self, documents: Any) -> None: ...
    def search(self, queries: Any, k: int) -> Hits: ...


@runtime_checkable
class Stored(Protocol):
    """An index that is worth keeping on disk: `load` restores what `build` and `save` left in a folder."""

    def save(self, folder: Path) -> None: ...
    def load(self, folder: Path) -> None: ...


@runtime_checkable
class Explaining(Protocol):
    """An index that can say which terms made a score: for one query and some rows, the matches of each row."""

    def explain(self, query: Any, rows: Sequence[int]) -> list[list[Match]]: ...


@runtime_checkable
class Reranker(Protocol):
    """Scores given candidates anew; documents it is not given never appear."""

    def build(self, corpus: Corpus, store: Store) -> None: ...
    def rerank(self, queries: Queries, candidates: Run) -> Run: ...


@runtime_checkable
class Expander(Protocol):
    """Rewrites queries from the documents that a first search returned."""

    def build(self, corpus: Corpus, store: Store) -> None: ...
    def expand(self, queries: Queries, feedback: Run) -> Queries: ...


@runtime_checkable
class Fusion(Protocol):
    """Several runs over the same queries to one."""

    def __call__(self, runs: Mapping[str, Run], k: int) -> Run: ...


@runtime_checkable
class Analyzer(Protocol):
    """Text to terms; `count` gives the bags of many texts at once."""

    def analyze(self, text: str) -> list[str]: ...
    def count(self, texts: Sequence[str]) -> Any: ...


@runtime_checkable
class Similarity(Protocol):
    """What a posting adds to a score, from its weight, its term and its document's length, as in Lucene.

    `takes_counts`: weights must be above zero. `scales`: a query weight multiplies the impacts; otherwise it
    multiplies the term's weight and the impacts are computed anew, for similarities that promise their rounding.
    """

    takes_counts: ClassVar[bool]
    scales: ClassVar[bool]

    def term_weights(self, frequencies: NDArray[np.int64], lengths: NDArray[np.float64]) -> NDArray[np.floating]:
        """Per term [terms], from the number of documents that have it and the sums of all documents' weights."""

    def length_norms(self, lengths: NDArray[np.float64]) -> NDArray[np.floating]:
        """Per document [documents], from the sums of their weights."""

    def impacts(
        self, term_weights: NDArray[np.floating], weights: NDArray[np.float32], norms: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Per posting [postings]: what it adds to the score of its document."""

    def absent(self, term_weights: NDArray[np.floating]) -> NDArray[np.floating]:
        """Per term [terms]: what it adds to the score of every document, so that impacts can be relative to it."""


@runtime_checkable
class Provenance(Protocol):
    """A component whose results depend on more than its settings (weights on disk, say) names it here."""

    def provenance(self) -> Mapping[str, object]: ...
