"""Search moved towards a term: the latent that goes with it, how far a query is moved, and when nothing is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse
from scipy import stats

from ir_bench.analyzers.whitespace import Whitespace
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.flat import FlatIndex
from ir_bench.retrievers.steered import Steered, point_biserial
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.transforms.sparse_coder import SparseCoder
from ir_bench.types import Corpus, Dense, Document

WORDS = [f"w{i}" for i in range(12)]
DIRECTIONS = np.random.default_rng(1).standard_normal((12, 8))


@dataclass
class Sums:
    """A text's vector is the sum of its words' directions, at length 1."""

    produces = Dense

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts: list[str]) -> Dense:
        values = np.stack([sum((DIRECTIONS[WORDS.index(w)] for w in t.split()), np.full(8, 1e-3)) for t in texts])
        return Dense((values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32))

    encode_queries = encode_documents


def corpus() -> Corpus:
    drawn = np.random.default_rng(7)
    documents = [
        Document(f"d{i}", " ".join(drawn.choice(WORDS, drawn.integers(1, 3), replace=False))) for i in range(200)
    ]
    return Corpus("c", "c", lambda: iter(documents), 200)


def steered(store, **given) -> Steered:
    coder = SparseCoder(k=3, hidden=32, steps=270, batch_size=64, auxiliary=8, learning_rate=0.003)
    made = Steered(Sums(), FlatIndex(), coder, LexicalEncoder(Whitespace()), **given)
    made.build(corpus(), store)
    return made


def rankings(run, k: int = 10) -> dict[str, list[str]]:
    return {query: list(run[query].documents)[:k] for query in run.rankings}


def test_no_gain_and_no_term_leave_the_ranking_as_it_is(store) -> None:
    plain = VectorRetriever(Sums(), FlatIndex())
    plain.build(corpus(), store)
    texts = {f"q{i}": f"{WORDS[i]} {WORDS[i + 1]}" for i in range(8)}
    expected = plain.search(texts, 20)
    assert steered(store, gain=3.0).search(texts, 20) == expected
    with_terms = {query: f"{text}\tw11" for query, text in texts.items()}
    assert steered(store, gain=0.0, alignment=0.0).search(with_terms, 20) == expected


def test_documents_with_the_term_rise_with_the_gain(store) -> None:
    texts = {d.id: d.text.split() for d in corpus()}
    queries = {f"q{i}": f"{WORDS[i]}\t{WORDS[i + 6]}" for i in range(6)}
    shares = []
    for gain in (0.0, 0.5, 2.0):
        run = steered(store, gain=gain, alignment=0.0).search(queries, 10)
        shares.append(
            np.mean([np.mean([queries[q].split("\t")[1] in texts[d] for d in run[q].documents]) for q in queries])
        )
    assert shares[0] < shares[1] < 0.5 < shares[2]


@pytest.mark.parametrize("keep_residual", [True, False])
def test_the_query_moves_by_gain_times_its_length_along_the_most_correlated_latent(store, keep_residual) -> None:
    made = steered(store, gain=0.8, alignment=0.0, keep_residual=keep_residual)
    asked, term = "w1 w4", "w9"
    documents = [d.text for d in corpus()]
    codes = made.coder.encode(Sums().encode_documents(documents))
    table = np.zeros((200, 32))
    for i in range(200):
        for name, weight in codes.row(i).items():
            table[i, int(name)] = weight
    has = [float(term in text.split()) for text in documents]
    latent = max(range(32), key=lambda j: stats.pointbiserialr(has, table[:, j]).statistic if table[:, j].any() else -1)
    state = {name: array.astype(np.float64) for name, array in made.coder._state.items()}  # type: ignore[attr-defined]
    query = Sums().encode_queries([asked]).values[0].astype(np.float64)
    direction = state["encoder"][latent] / state["scale"]
    start = (
        query
        if keep_residual
        else made.coder.decode(made.coder.encode(Dense(query[None].astype(np.float32)))).values[0]
    )
    moved = start + 0.8 * direction / np.linalg.norm(direction)
    scores = Sums().encode_documents(documents).values @ (moved / np.linalg.norm(moved))
    found = made.search({"q": f"{asked}\t{term}"}, 20)["q"]
    np.testing.assert_allclose(found.scores, np.sort(scores)[::-1][:20], atol=1e-5)


def test_a_term_without_an_aligned_latent_finds_nothing(store) -> None:
    made = steered(store, alignment=0.999)
    run = made.search({"a": "w1\tw2", "b": "w1\tunknown", "c": "w1"}, 5)
    assert rankings(run)["a"] == rankings(run)["b"] == []
    assert len(run["c"].documents) == 5


def test_point_biserial_is_scipy_s_and_zero_where_nothing_varies() -> None:
    drawn = np.random.default_rng(0)
    has = drawn.random((50, 4)) < 0.3
    weights = np.maximum(drawn.standard_normal((50, 5)), 0)
    has[:, 3], weights[:, 4] = True, 0
    found = point_biserial(scipy.sparse.csc_array(has), scipy.sparse.csr_array(weights))
    for i in range(3):
        for j in range(4):
            assert found[i, j] == pytest.approx(stats.pointbiserialr(has[:, i], weights[:, j]).statistic)
    assert not found[3].any()
    assert not found[:, 4].any()


def test_search_before_build_and_vectors_of_another_kind_are_errors() -> None:
    words = LexicalEncoder(Whitespace())
    with pytest.raises(InputError, match="search before build"):
        Steered(Sums(), FlatIndex(), SparseCoder(), words).search({"q": "w1\tw2"}, 5)
    with pytest.raises(InputError, match="FlatIndex takes Dense vectors"):
        Steered(words, FlatIndex(), SparseCoder(), words)
