"""Queries with the term that most marks their answers, or with another query's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ir_bench.analyzers.whitespace import Whitespace
from ir_bench.datasets.term_pairs import TermPairs
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Document

TEXTS = {
    "d1": "sea tide moon",
    "d2": "tide pilot",
    "d3": "bread yeast salt",
    "d4": "bread salt",
    "d5": "the sea",
    "d6": "moon",
}
QUERIES = {"q1": "the sea", "q2": "how to bread", "q3": "nothing judged"}
QRELS = {"q1": {"d1": 1, "d2": 2, "d3": 0}, "q2": {"d3": 1, "d4": 1}}


@dataclass
class Shore:
    def load(self) -> Dataset:
        documents = [Document(name, text) for name, text in TEXTS.items()]
        return Dataset("s", lambda: Corpus("s", "s1", lambda: iter(documents), 6), lambda: QUERIES, lambda: QRELS)


def pairs(**given: Any) -> Dataset:
    return TermPairs("pairs", Shore(), Whitespace(), **{"least": 1, "most": 0.5, **given}).load()


def test_the_term_that_marks_the_relevant_documents_and_is_not_in_the_query() -> None:
    """q1: tide is in two relevant documents and two of six, 2 ln 3 = 2.20; pilot 1 ln 6 = 1.79; moon 1 ln 3 = 1.10; sea
    is in the query. q2: salt 2 ln 3; yeast ln 6; bread is in the query. q3 has no relevant document."""
    data = pairs()
    assert data.queries == {"q1": "the sea\ttide", "q2": "how to bread\tsalt"}
    assert data.qrels == {"q1": {"d1": 1, "d2": 1}, "q2": {"d3": 1, "d4": 1}}
    assert data.corpus.identity == "s1"


def test_terms_of_too_few_or_too_many_documents_are_left_out() -> None:
    assert pairs(most=0.2).queries == {"q1": "the sea\tpilot", "q2": "how to bread\tyeast"}
    assert pairs(least=2).queries == pairs().queries
    with pytest.raises(InputError, match="finds a term for no query"):
        _ = pairs(least=3).queries


def test_an_unrelated_term_is_another_query_s_and_in_none_of_its_relevant_documents() -> None:
    data = pairs(related=False)
    assert data.queries == {"q1": "the sea\tsalt", "q2": "how to bread\ttide"}
    assert data.qrels["q1"] == {"d3": 1, "d4": 1}
    for query, text in data.queries.items():
        term = text.partition("\t")[2]
        assert not any(term in TEXTS[d].split() for d, grade in QRELS[query].items() if grade)


def test_the_choice_is_that_of_a_plain_loop() -> None:
    random = np.random.default_rng(2)
    texts = {f"d{i}": " ".join(f"t{t}" for t in sorted(set(random.integers(0, 30, 9).tolist()))) for i in range(60)}
    qrels = {f"q{i}": {f"d{j}": 1 for j in random.integers(0, 60, 4).tolist()} for i in range(8)}
    queries = {query: " ".join(f"t{t}" for t in random.integers(0, 30, 3).tolist()) for query in qrels}

    @dataclass
    class Drawn:
        def load(self) -> Dataset:
            corpus = Corpus("r", "r", lambda: (Document(*each) for each in texts.items()), 60)
            return Dataset("r", lambda: corpus, lambda: queries, lambda: qrels)

    found = TermPairs("pairs", Drawn(), Whitespace(), least=5, most=0.3).load().queries
    for query, text in queries.items():
        scores = {}
        for term in sorted({t for d in qrels[query] for t in texts[d].split()} - set(text.split())):
            frequency = sum(term in each.split() for each in texts.values())
            if 5 <= frequency <= 18:
                scores[term] = sum(term in texts[d].split() for d in qrels[query]) * np.log(60 / frequency)
        assert found[query].partition("\t")[2] == max(scores, key=scores.__getitem__)
