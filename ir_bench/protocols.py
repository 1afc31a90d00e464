"""The contracts between components. A class keeps one by having its methods; nothing inherits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Dataset, Dense, Hits, Match, Queries, Run, Sparse

if TYPE_CHECKING:  # scoring a run must not import torch
    from torch import Tensor
    from torch.nn import Parameter

    from ir_bench.training.examples import Examples, Pairs, TrainingText
    from ir_bench.training.step import Step


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

    @property
    def produces(self) -> type: ...
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
class Coder(Transform, Protocol):
    """Dense vectors to sparse codes of named latents, which it can decode: `encode` gives what `decode` takes."""

    def encode(self, vectors: Dense) -> Sparse: ...
    def decode(self, codes: Sparse) -> Dense: ...
    def save(self, folder: Path) -> None: ...
    def load(self, folder: Path) -> None: ...


@runtime_checkable
class Sharing(Protocol):
    """A transform that learns only what a part of it, `learner`, learns: all around equal ones share one fit."""

    @property
    def learner(self) -> Any: ...


@runtime_checkable
class Following(Protocol):
    """A transform, or an index with one, for the vectors of one model alone: `require` raises InputError for an encoder
    of another."""

    def require(self, encoder: Encoder) -> None: ...


@runtime_checkable
class Composed(Protocol):
    """An encoder whose vectors are those of another, changed by transforms, which share the other's encoding."""

    encoder: Encoder
    transforms: Mapping[str, Transform]


@runtime_checkable
class Index(Protocol):
    """Vectors to nearest rows. `search` returns at most k rows a query, equal scores by ascending row."""

    accepts: ClassVar[type]

    def build(self, documents: Any) -> None: ...
    def search(self, queries: Any, k: int) -> Hits: ...


@runtime_checkable
class Stored(Protocol):
    """An index or a transform worth keeping on disk: `load` restores what `build` or `fit` and `save` left."""

    def save(self, folder: Path) -> None: ...
    def load(self, folder: Path) -> None: ...


@runtime_checkable
class Explaining(Protocol):
    """An index that can say which terms made a score: for one query and some rows, the matches of each row."""

    def explain(self, query: Any, rows: Sequence[int]) -> list[list[Match]]: ...


@runtime_checkable
class Tokenizing(Protocol):
    """An encoder that knows which terms a text has itself, whatever its vector adds."""

    def tokens(self, text: str) -> Sequence[str]: ...


@runtime_checkable
class Counting(Protocol):
    """A transform to term weights in which a text's own tokens count as other terms, their stems say."""

    def terms(self, tokens: Sequence[str]) -> Sequence[str]: ...


@runtime_checkable
class Aligning(Protocol):
    """An index that can say which tokens of some rows each token of one query was compared with, and how similar they
    are; `documents` are the vectors that it was built over, which say where the tokens stand and which they are."""

    def align(self, query: Any, rows: Sequence[int], documents: Any) -> list[Alignment]: ...


@runtime_checkable
class Comparing(Protocol):
    """What scores documents by comparing tokens, if `aligns`: every token of a text's with every token of each."""

    @property
    def aligns(self) -> bool: ...
    def align(self, query: str, documents: Sequence[str]) -> dict[str, Alignment]: ...


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
class Summing(Protocol):
    """A fusion that adds up the scores of the named runs as they are, each times its factor, if it has `factors`."""

    def factors(self, names: Iterable[str]) -> Mapping[str, float] | None: ...


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
class PairSource(Protocol):
    """Where queries and the documents that answer them come from; the same seed gives the same pairs."""

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs: ...


@runtime_checkable
class Generator(Protocol):
    """Writes at most `count` queries for each document; `fit` sees all documents first."""

    def fit(self, documents: Sequence[str]) -> None: ...
    def generate(self, titles: Sequence[str], bodies: Sequence[str], count: int, seed: int) -> list[list[str]]: ...


@runtime_checkable
class NegativeSource(Protocol):
    """Document rows [n, count] for the pairs numbered `at` [n], the same for the same seed and step.

    Never a known positive, the query's own document or a copy of one; -1 where a source can have none.
    `query_vectors` [n, dims] are the current model's, for sources that search with them.
    """

    @property
    def count(self) -> int: ...
    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None: ...
    def draw(
        self, at: NDArray[np.int64], step: int, query_vectors: NDArray[Any] | None = None
    ) -> NDArray[np.int64]: ...


@runtime_checkable
class Refreshing(Protocol):
    """A source of negatives that is to be renewed from the model after every `refresh_every` steps; 0: never. Without a
    `retriever` of its own it is also given the model as a stage begins."""

    retriever: Retriever | None
    refresh_every: int

    def refresh(self, retriever: Retriever) -> None: ...


@runtime_checkable
class Indexing(Protocol):
    """A source of negatives among document vectors that stay as they are: `take` gives it those of the model as a stage
    begins, where it has no encoder of its own, and `vectors` gives them back by row."""

    encoder: Encoder | None

    def take(self, documents: Any) -> None: ...
    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]: ...


@runtime_checkable
class Queueing(Protocol):
    """A source of negatives among document vectors of earlier steps, which `enqueue` takes in; `follow` moves the model
    that makes them. `state` and `restore` keep what it holds over a killed training."""

    def enqueue(self, rows: NDArray[np.int64], vectors: NDArray[np.floating]) -> None: ...
    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]: ...
    def follow(self, key: Any, query: Any) -> None: ...
    def state(self) -> Mapping[str, NDArray[Any]]: ...
    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


@runtime_checkable
class BatchSampler(Protocol):
    """Numbers of examples in batches; seed and epoch fix their order, and every epoch has equally many."""

    def start(self, examples: Examples, seed: int) -> None: ...
    def batches(self, batch_size: int, epoch: int, drop_last: bool = False) -> Iterator[NDArray[np.int64]]: ...


@runtime_checkable
class Teacher(Protocol):
    """Scores [examples, 1 + negatives] to learn from; NaN for padding alone.

    Raises InputError, naming query and document, for a candidate that it has no score for.
    """

    def start(self, text: TrainingText, store: Store) -> None: ...
    def scores(self, examples: Examples) -> NDArray[np.float32]: ...


@runtime_checkable
class BatchTeacher(Protocol):
    """Scores whole batches as they are trained on: `online` gives a function of query rows and document rows that
    returns a tensor [queries, documents], NaN for row -1."""

    def start(self, text: TrainingText, store: Store) -> None: ...
    def online(self, pairs: Pairs) -> Callable[[NDArray[np.int64], NDArray[np.int64]], Tensor]: ...


@runtime_checkable
class VectorTeacher(Protocol):
    """Vectors to learn from: query vectors [queries, dims] and document vectors [documents, dims] by row, None for a
    side that it does not teach; zeros for row -1."""

    def start(self, text: TrainingText, pairs: Pairs, store: Store) -> None: ...
    def vectors(
        self, query_rows: NDArray[np.int64], document_rows: NDArray[np.int64]
    ) -> tuple[Tensor | None, Tensor | None]: ...


@runtime_checkable
class ExampleFilter(Protocol):
    """The examples that are worth training on; none may be left."""

    def __call__(self, examples: Examples) -> Examples: ...


@runtime_checkable
class Architecture(Protocol):
    """A checkpoint as a sentence-transformers model with the modules that are to be trained.

    `documents` are those of the collections that are trained on, in random order, for what begins from texts.
    """

    def build(self, model: str, documents: Sequence[str]) -> Any: ...


@runtime_checkable
class Placing(Protocol):
    """An architecture with something that begins from the train queries too, which `place` puts into what it built."""

    def place(self, built: Any, queries: Sequence[str]) -> None: ...


@runtime_checkable
class Objective(Protocol):
    """A training step (scores with labels or teacher scores, perhaps vectors) to the one number that is minimised.

    The order of candidates does not matter, and a masked candidate changes neither value nor gradient. Raises
    InputError where the step lacks what the objective reads.
    """

    def __call__(self, step: Step) -> Tensor: ...


@runtime_checkable
class Learning(Protocol):
    """An objective that learns something of its own, a temperature say: made on the first call, the same ever after."""

    def parameters(self) -> dict[str, Parameter]: ...


@runtime_checkable
class Provenance(Protocol):
    """A component whose results depend on more than its settings (weights on disk, say) names it here."""

    def provenance(self) -> Mapping[str, object]: ...
