"""What training works on: texts of a train split, pairs of query and document, examples with negatives and teachers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError, NotFound
from ir_bench.training.known import Known, Rows
from ir_bench.types import Corpus, Dataset, Document, Qrels, Queries

if TYPE_CHECKING:
    from ir_bench.protocols import DatasetSource, ExampleFilter, NegativeSource, Teacher

EXACT_IN_FLOAT32 = 1 << 24


@dataclass(frozen=True, eq=False)
class TrainingText:
    """Queries of a train split, all documents of its corpus, and the judgments between them, by row.

    `documents` are texts as they are searched, by the corpus' title policy; `titles` and `bodies` are their parts.
    Query i has the positives [offsets[i], offsets[i + 1]) of `judged` (document rows) and `grades`, all above 0;
    judgments of documents that the corpus does not have are left out. `known` also holds each query's own document
    (the one with its id) and copies.
    """

    corpus: Corpus
    query_ids: Sequence[str]
    queries: Sequence[str]
    document_ids: Sequence[str]
    documents: Sequence[str]
    titles: Sequence[str]
    bodies: Sequence[str]
    judged: Rows
    grades: Rows
    offsets: Rows
    relevance_threshold: int
    known: Known

    def queries_by_id(self) -> Queries:
        """For a retriever's search."""
        return dict(zip(self.query_ids, self.queries, strict=True))

    def qrels(self) -> Qrels:
        """For the evaluation of a held-out share."""
        ids = self.document_ids
        return {
            query: {
                ids[row]: grade for row, grade in zip(self.judged[a:b].tolist(), self.grades[a:b].tolist(), strict=True)
            }
            for query, a, b in zip(self.query_ids, self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        }

    def of_queries(self, rows: Rows) -> TrainingText:
        """The same with some of the queries; the documents stay."""
        spans = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows.tolist()]
        return replace(
            self,
            query_ids=[self.query_ids[row] for row in rows.tolist()],
            queries=[self.queries[row] for row in rows.tolist()],
            judged=np.concatenate([self.judged[:0], *(self.judged[span] for span in spans)]),
            grades=np.concatenate([self.grades[:0], *(self.grades[span] for span in spans)]),
            offsets=np.concatenate([[0], np.cumsum([span.stop - span.start for span in spans])]).astype(np.int64),
            known=self.known.of_queries(rows),
        )


def training_text(dataset: Dataset, *held_out: Dataset) -> TrainingText:
    """The train split of a dataset, to train on; `held_out` are its splits that scores are reported on.

    Queries that are not judged in the split, and those with the same text as a held-out query, are left out.
    Raises InputError for a split that is not called train, and where a query id is also one of a held-out split.
    """
    if dataset.split != "train":
        raise InputError(
            f"{dataset.name}: training was given the split {dataset.split!r}",
            "the train split: a model must not see what it is tested on",
            "dataset.split=train; corpus_text(corpus) takes the documents alone",
        )
    queries, qrels = dataset.queries, dataset.qrels
    tested: set[str] = set()
    for other in held_out:
        if shared := sorted(queries.keys() & other.queries.keys()):
            raise InputError(
                f"{dataset.name}: {len(shared)} training queries are also in the split {other.split!r}, "
                f"{shared[0]!r} first",
                "splits that share no query",
                "judged_only=true keeps to the queries judged in the split; else correct the judgments",
            )
        tested.update(other.queries.values())
    kept = {query: text for query, text in queries.items() if query in qrels and text not in tested}
    return _text(dataset.corpus, kept, qrels, dataset.rules.relevance_threshold)


def train_split(source: DatasetSource) -> TrainingText:
    """The train split of a dataset's source, checked against its test and dev splits where there are such.

    Raises InputError for a source that has no choice of split, and what `training_text` raises.
    """
    if not is_dataclass(source) or isinstance(source, type) or "split" not in {f.name for f in fields(source)}:
        raise InputError(
            f"{type(source).__name__} has no splits to choose from",
            "a dataset with a split named train",
            "load the train dataset and the test dataset, and call training_text(train, test)",
        )
    held_out: list[Dataset] = []
    for split in ("test", "dev"):
        dataset: Dataset = replace(source, split=split).load()
        try:
            dataset.queries.keys()
        except NotFound:
            continue
        except InputError as error:
            if "has no split" not in error.happened:
                raise
            continue
        held_out.append(dataset)
    return training_text(replace(source, split="train").load(), *held_out)


def corpus_text(corpus: Corpus) -> TrainingText:
    """The documents alone, for pairs that are made of them (crops, titles, generated queries)."""
    return _text(corpus, {}, {}, 1)


def hold_out(text: TrainingText, share: float, seed: int) -> tuple[TrainingText, TrainingText]:
    """What is left to train on, and a `share` of the queries to validate on: drawn by seed, whatever their order.

    Queries of equal text go to the same side. Raises InputError where one side would have no query.
    """
    named: dict[int, str] = {}
    groups = text.known.queries.tolist()
    for group, name in zip(groups, text.query_ids, strict=True):
        named[group] = min(name, named.get(group, name))
    order = sorted(named, key=named.__getitem__)
    drawn = np.random.default_rng(seed).permutation(len(order))[: round(share * len(order))]
    validation = np.isin(text.known.queries, [order[i] for i in drawn.tolist()])
    if not 0 < np.count_nonzero(validation) < len(validation):
        raise InputError(
            f"a share of {share} of {len(validation)} train queries leaves one side without queries",
            "a share between 0 and 1, and at least one query on each side",
            "set another share",
        )
    return text.of_queries(np.flatnonzero(~validation)), text.of_queries(np.flatnonzero(validation))


def _text(corpus: Corpus, queries: Queries, qrels: Qrels, threshold: int) -> TrainingText:
    documents: list[Document] = list(corpus)
    row_of = {document.id: row for row, document in enumerate(documents)}
    judged = [
        sorted((row_of[d], grade) for d, grade in qrels.get(query, {}).items() if grade > 0 and d in row_of)
        for query in queries
    ]
    flat = np.array([pair for pairs in judged for pair in pairs], np.int64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(judged)), [len(pairs) for pairs in judged]).astype(np.int64)
    # whether or not the benchmark's rules drop it: a document named as the query says nothing about other documents
    own = np.array([(i, row_of[q]) for i, q in enumerate(queries) if q in row_of], np.int64).reshape(-1, 2)
    texts = [corpus.contents(document) for document in documents]
    return TrainingText(
        corpus=corpus,
        query_ids=list(queries),
        queries=list(queries.values()),
        document_ids=[document.id for document in documents],
        documents=texts,
        titles=[document.title for document in documents],
        bodies=[document.text for document in documents],
        judged=flat[:, 0],
        grades=flat[:, 1],
        offsets=np.concatenate([[0], np.cumsum([len(pairs) for pairs in judged])]).astype(np.int64),
        relevance_threshold=threshold,
        known=Known.of(
            list(queries),
            list(queries.values()),
            texts,
            np.concatenate([owners, own[:, 0]]),
            np.concatenate([flat[:, 0], own[:, 1]]),
        ),
    )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Queries and documents that answer them: pair i is `query_rows[i]`, `document_rows[i]`.

    `documents` are those of the corpus, then texts made from them (crops, bodies); `document_ids` name them all.
    `weights` [pairs] are given where pairs count differently; `negatives` [pairs, n] where they came with some (-1
    pads).
    """

    query_ids: Sequence[str]
    queries: Sequence[str]
    document_ids: Sequence[str]
    documents: Sequence[str]
    query_rows: Rows
    document_rows: Rows
    known: Known
    weights: NDArray[np.float32] | None = None
    negatives: Rows | None = None

    def __len__(self) -> int:
        return len(self.query_rows)

    @classmethod
    def made(cls, text: TrainingText, made: Iterable[tuple[int, str, str | None]]) -> Pairs:
        """Pairs made of documents: (document row, query text, text of the positive; None: the document itself).

        Queries and new texts are named after their document, `ID#1`, `ID#2`, … Raises InputError where none were made.
        """
        sources, queries, positives = [], [], []
        for source, query, positive in made:
            sources.append(source)
            queries.append(query)
            positives.append(positive)
        if not sources:
            raise InputError(
                f"no pairs could be made from the {len(text.documents)} documents of {text.corpus.name}",
                "at least one document long enough, or with a title",
                "choose another kind of pairs, or lower its minimum lengths",
            )
        counts: dict[int, int] = {}
        names = []
        for source in sources:
            counts[source] = counts.get(source, 0) + 1
            names.append(f"{text.document_ids[source]}#{counts[source]}")
        rows, made_at = np.array(sources, np.int64), [i for i, p in enumerate(positives) if p is not None]
        document_rows = rows.copy()
        document_rows[made_at] = len(text.documents) + np.arange(len(made_at))
        known = Known.of(names, queries, text.documents, np.arange(len(rows)), rows)
        return cls(
            query_ids=names,
            queries=queries,
            document_ids=[*text.document_ids, *(names[i] for i in made_at)],
            documents=[*text.documents, *(p for p in positives if p is not None)],
            query_rows=np.arange(len(rows), dtype=np.int64),
            document_rows=document_rows,
            known=known.with_texts_of(rows[made_at]),
        )


def spread(scores: NDArray[np.floating], at: Rows) -> NDArray[np.float32]:
    """Scores of `Examples.candidates()` [pairs] back in their places [examples, 1 + negatives]; NaN for padding."""
    return np.append(scores, np.nan).astype(np.float32)[at]


@dataclass(frozen=True, eq=False)
class Examples:
    """Pairs with their negatives: `document_rows` [examples, 1 + negatives], the positive first.

    Rows are those of `pairs`; -1 pads where a source had no negative left. `teacher` [examples, 1 + negatives] are a
    teacher's scores, `weights` [examples] and `collections` [examples] (which collection each came from) are given
    where they matter.
    """

    pairs: Pairs
    query_rows: Rows
    document_rows: Rows
    teacher: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None
    collections: Rows | None = None

    def __len__(self) -> int:
        return len(self.query_rows)

    def select(self, at: Rows | NDArray[np.bool_]) -> Examples:
        """Some of the examples, by number or by mask."""
        return replace(
            self,
            query_rows=self.query_rows[at],
            document_rows=self.document_rows[at],
            teacher=None if self.teacher is None else self.teacher[at],
            weights=None if self.weights is None else self.weights[at],
            collections=None if self.collections is None else self.collections[at],
        )

    def with_teacher(self, teacher: Teacher) -> Examples:
        """The same with the scores of a teacher that was started."""
        return replace(self, teacher=teacher.scores(self))

    def one_negative_each(self) -> Examples:
        """An example for every negative: [examples · negatives, 2]. Samplers that balance margins choose among them."""
        at = np.repeat(np.arange(len(self)), self.document_rows.shape[1] - 1)
        places = np.tile(np.arange(1, self.document_rows.shape[1]), len(self))
        some = self.select(at)

        def two(values: NDArray[Any]) -> NDArray[Any]:
            return np.stack([values[:, 0], values[np.arange(len(at)), places]], axis=1)

        return replace(
            some,
            document_rows=two(some.document_rows),
            teacher=None if some.teacher is None else two(some.teacher),
        )

    def candidates(self) -> tuple[Rows, Rows, Rows]:
        """Each pair of query and document once: query rows [pairs], document rows [pairs], and where each entry of
        `document_rows` is among them [examples, 1 + negatives], -1 for padding."""
        keys = self.query_rows[:, None] * len(self.pairs.documents) + self.document_rows
        unique, places = np.unique(keys[self.document_rows >= 0], return_inverse=True)
        queries, documents = np.divmod(unique, len(self.pairs.documents))
        at = np.full(keys.shape, -1, np.int64)
        at[self.document_rows >= 0] = places
        return queries, documents, at

    @property
    def columns(self) -> list[str]:
        """Names of the columns of texts: query, positive, negative_1, …"""
        return ["query", "positive", *(f"negative_{i}" for i in range(1, self.document_rows.shape[1]))]

    def rows(self) -> list[dict[str, Any]]:
        """One mapping for each example: the texts of `columns`, and `label` for a ScoreLoss.

        `label` is [query row, document rows …, teacher scores …, weight] as floats: 2 + negatives numbers, as many
        scores as documents with a teacher, one more with weights. Padding (-1) has an empty text.
        """
        queries, documents = self.pairs.queries, self.pairs.documents
        label = np.concatenate(
            [
                self.query_rows[:, None],
                self.document_rows,
                *([] if self.teacher is None else [self.teacher]),
                *([] if self.weights is None else [self.weights[:, None]]),
            ],
            axis=1,
            dtype=np.float64,
        ).tolist()
        names = self.columns[1:]
        return [
            {
                "query": queries[query],
                **{n: documents[d] if d >= 0 else "" for n, d in zip(names, found, strict=True)},
                "label": numbers,
            }
            for query, found, numbers in zip(self.query_rows.tolist(), self.document_rows.tolist(), label, strict=True)
        ]

    def to_dataset(self, numbered: bool = False) -> Any:
        """A `datasets.Dataset` with the columns of `rows`, for sentence-transformers; texts are looked up when a row is
        read, so that none is copied. `numbered`: the label is the example's number, for a Collate.

        Raises InputError for rows that float32, which labels become, cannot hold exactly.
        """
        from datasets import Dataset as Table

        largest = max(self.query_rows.max(initial=0), self.document_rows.max(initial=0))
        if largest >= EXACT_IN_FLOAT32:
            raise InputError(
                f"row {largest} cannot be told from its neighbours in a float32 label",
                f"fewer than {EXACT_IN_FLOAT32:,} queries and documents",
                "train on a part of the collection",
            )
        numbers = np.arange(len(self))
        return Table.from_dict(dict.fromkeys([*self.columns, "label"], numbers)).with_transform(
            _LookedUp(self, numbered)
        )


@dataclass
class _LookedUp:
    """Numbers of examples in each column to what `Examples.rows` has there."""

    examples: Examples
    numbered: bool

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, Sequence[Any]]:
        at = np.asarray(next(iter(batch.values())), np.int64)
        rows = self.examples.select(at).rows()
        found: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in batch}
        return {**found, "label": batch["label"]} if self.numbered and "label" in batch else found

    def __reduce__(self) -> tuple[type, tuple[int, bool]]:
        # datasets hashes a transform, and would pickle every text for it
        return (_LookedUp, (id(self.examples), self.numbered))


def make_examples(
    pairs: Pairs,
    negatives: NegativeSource,
    step: int = 0,
    at: Rows | None = None,
    query_vectors: NDArray[np.floating] | None = None,
) -> Examples:
    """Pairs, all or those numbered `at`, with the negatives that a started source draws for them at `step`.

    Raises InputError where there is no pair.
    """
    at = np.arange(len(pairs)) if at is None else np.asarray(at, np.int64)
    if not len(at):
        raise InputError("there are no pairs to train on", "at least one", "look at the source of pairs")
    rows = negatives.draw(at, step, query_vectors)
    return Examples(
        pairs,
        pairs.query_rows[at],
        np.concatenate([pairs.document_rows[at, None], rows], axis=1),
        weights=None if pairs.weights is None else pairs.weights[at],
    )


def filtered(examples: Examples, filters: Mapping[str, ExampleFilter]) -> Examples:
    """What the filters keep, one after the other. Raises InputError, naming the filter, where nothing is left."""
    for name, keep in filters.items():
        before, examples = len(examples), keep(examples)
        if not len(examples):
            raise InputError(
                f"the filter {name!r} removed all of {before} examples",
                "at least one example to train on",
                "relax the filter, or look at the negatives and the teacher's scores",
            )
    return examples


def together(collections: Mapping[str, Examples]) -> Examples:
    """Examples of several collections as one, numbered by collection in the order given.

    Raises InputError for different numbers of negatives and where only some have a teacher's scores or weights.
    """
    parts = list(collections.values())
    for what, kinds in (
        ("numbers of negatives", {e.document_rows.shape[1] - 1 for e in parts}),
        ("kinds, with and without a teacher's scores", {e.teacher is None for e in parts}),
        ("kinds, with and without weights", {e.weights is None for e in parts}),
    ):
        if len(kinds) != 1:
            raise InputError(
                f"{len(parts)} collections have {len(kinds)} {what}: {', '.join(collections)}",
                "at least one collection, and the same for all",
                "make their examples with the same settings",
            )
    queries = np.cumsum([0, *(len(e.pairs.queries) for e in parts)])
    documents = np.cumsum([0, *(len(e.pairs.documents) for e in parts)])
    keys = []
    for e, q, d in zip(parts, queries.tolist(), documents.tolist(), strict=False):
        query, document = np.divmod(e.pairs.known.keys, e.pairs.known.corpus_size)
        keys.append((query + q) * documents[-1] + document + d)
    known = Known(
        keys=np.sort(np.concatenate(keys)),
        queries=np.concatenate([e.pairs.known.queries + q for e, q in zip(parts, queries, strict=False)]),
        documents=np.concatenate([e.pairs.known.documents + d for e, d in zip(parts, documents, strict=False)]),
        corpus_size=int(documents[-1]),
        query_ids=[name for e in parts for name in e.pairs.query_ids],
    )
    query_rows = np.concatenate([e.query_rows + q for e, q in zip(parts, queries, strict=False)])
    document_rows = np.concatenate(
        [np.where(e.document_rows < 0, -1, e.document_rows + d) for e, d in zip(parts, documents, strict=False)]
    )
    pairs = Pairs(
        query_ids=known.query_ids,
        queries=[text for e in parts for text in e.pairs.queries],
        document_ids=[name for e in parts for name in e.pairs.document_ids],
        documents=[text for e in parts for text in e.pairs.documents],
        query_rows=query_rows,
        document_rows=document_rows[:, 0],
        known=known,
    )
    teachers, weights = [e.teacher for e in parts], [e.weights for e in parts]
    return Examples(
        pairs,
        query_rows,
        document_rows,
        teacher=None if teachers[0] is None else np.concatenate([t for t in teachers if t is not None]),
        weights=None if weights[0] is None else np.concatenate([w for w in weights if w is not None]),
        collections=np.repeat(np.arange(len(parts)), [len(e) for e in parts]).astype(np.int64),
    )
