"""Hand-sized collections for the data side of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ir_bench.store import Store
from ir_bench.training.examples import Examples, Pairs, TrainingText, training_text
from ir_bench.types import Corpus, Dataset, Dense, Document, Queries, Run

DOCUMENTS = [
    Document("d0", "Spring tides follow the new moon. They are higher than neap tides.", "Tides"),
    Document("d1", "A sourdough starter wants flour and water. It rests in a jar overnight.", "Bread"),
    Document("d2", "Rye flour ferments faster than wheat. The starter bubbles within a day.", "Rye"),
    Document("d3", "The harbour pilot waits for slack water. Then the tanker comes in.", "Pilots"),
    Document("d4", "Moonlight is sunlight reflected. The moon has no light of its own.", "Moon"),
    Document("d5", "Bakers weigh water and flour. Volume misleads a beginner quickly.", "Scales"),
    Document("d6", "Spring tides follow the new moon. They are higher than neap tides.", "Tides"),  # a copy of d0
    Document("q2", "Where does moonlight come from, and why is the new moon dark? Nobody asked.", "A question"),
]
QUERIES = {"q0": "when do spring tides occur", "q1": "sourdough flour", "q2": "where does moonlight come from"}
QRELS = {"q0": {"d0": 2, "d4": 1, "d3": 0}, "q1": {"d1": 1, "d2": 1, "d5": 1}, "q2": {"d4": 2, "nowhere": 1}}


def corpus(documents: list[Document] | None = None) -> Corpus:
    some = DOCUMENTS if documents is None else documents
    return Corpus("small", f"small-{len(some)}", lambda: iter(some), len(some))


def dataset(split: str = "train", queries: Queries | None = None, qrels=None) -> Dataset:
    return Dataset(
        "small", corpus, lambda: QUERIES if queries is None else queries, lambda: qrels or QRELS, split=split
    )


def small_text() -> TrainingText:
    return training_text(dataset())


def random_text(seed: int, queries: int = 6, documents: int = 30) -> TrainingText:
    """Random judgments over short texts, of which some are copies of others and some ids those of queries."""
    generator = np.random.default_rng(seed)
    words = ["tide", "moon", "flour", "water", "rye", "jar", "pilot", "tanker", "bread", "neap"]
    names = [f"d{i}" for i in range(documents - 2)] + ["q0", "q1"]
    texts = [" ".join(generator.choice(words, 4)) for _ in range(documents)]
    texts[3], texts[4] = texts[0], texts[1]
    some = [Document(name, text) for name, text in zip(names, texts, strict=True)]
    asked = {f"q{i}": " ".join(generator.choice(words, 2)) for i in range(queries)}
    qrels = {q: {names[i]: 1 for i in generator.choice(documents, 4, replace=False).tolist()} for q in asked}
    where = Corpus("random", f"random-{seed}-{queries}-{documents}", lambda: iter(some), documents)
    return training_text(Dataset("random", lambda: where, lambda: asked, lambda: qrels, split="train"))


def forbidden(text: TrainingText, pairs: Pairs, query_row: int) -> set[str]:
    """Texts that must not be negatives of a query, worked out the slow way from ids and judgments."""
    texts = dict(zip(text.document_ids, text.documents, strict=True))
    query = pairs.queries[query_row]
    qrels = text.qrels()
    found = set()
    for name, own in zip(pairs.query_ids, pairs.queries, strict=True):
        if own == query:
            found |= {texts[d] for d in qrels.get(name, {})}
            found |= {texts[name.partition("#")[0]]} if name.partition("#")[0] in texts else set()
    return found


@dataclass
class Letters:
    """How often each letter occurs: vectors without a model."""

    produces: ClassVar[type] = Dense

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> Dense:
        return Dense(np.array([[t.lower().count(c) / 9 for c in "aeiorstmf"] for t in texts], np.float32))

    def encode_queries(self, texts) -> Dense:
        return self.encode_documents(texts)


@dataclass
class Listed:
    """A retriever that ranks documents as it is told, whatever the query; counts its searches."""

    order: tuple[str, ...]

    def build(self, corpus: Corpus, store: Store) -> None: ...

    def search(self, queries: Queries, k: int) -> Run:
        return Run.of({q: {d: -float(i) for i, d in enumerate(self.order[:k])} for q in queries})


def labelled(text: TrainingText) -> Pairs:
    owners = np.repeat(np.arange(len(text.queries)), np.diff(text.offsets))
    return Pairs(text.query_ids, text.queries, text.document_ids, text.documents, owners, text.judged, text.known)


def examples_of(text: TrainingText, rows: list[list[int]], teacher=None) -> Examples:
    """Examples [query row, document rows …]."""
    table = np.array(rows, np.int64)
    scores = None if teacher is None else np.array(teacher, np.float32)
    return Examples(labelled(text), table[:, 0], table[:, 1:], scores)
