"""Candidates by encodings, refined by MaxSim: against its parts, and what the store shares between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from ir_bench import cost
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.fingerprint import fingerprint
from ir_bench.indexes.fde_blocks import FdeBlocks
from ir_bench.indexes.flat import FlatIndex
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.rerankers.maxsim import MaxSimReranker
from ir_bench.retrievers.refined import Refined
from ir_bench.retrievers.reranked import Reranked
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.transforms.fde import FixedDimensionalEncoding
from ir_bench.types import Corpus, Document, MultiVector

WORDS = [f"w{i}" for i in range(30)]
TABLE = np.random.default_rng(0).standard_normal((30, 16)).astype(np.float32)
TABLE /= np.linalg.norm(TABLE, axis=1, keepdims=True)


@dataclass
class WordVectors:
    """A fixed unit vector a word; what was encoded is kept."""

    produces: ClassVar[type] = MultiVector
    documents: list[int] = field(default_factory=list, init=False, repr=False, compare=False)
    queries: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def fit(self, corpus: Corpus) -> None: ...

    def encode_documents(self, texts) -> MultiVector:
        self.documents.append(len(texts))
        return self._encode(texts)

    def encode_queries(self, texts) -> MultiVector:
        self.queries.append(len(texts))
        return self._encode(texts)

    @staticmethod
    def _encode(texts) -> MultiVector:
        rows = [[int(w[1:]) for w in t.split()] for t in texts]
        return MultiVector(TABLE[[i for row in rows for i in row]], np.cumsum([0, *map(len, rows)]))


random = np.random.default_rng(1)
DOCUMENTS = [Document(f"d{i}", " ".join(random.choice(WORDS, i % 12))) for i in range(80)]
QUERIES = {"q1": "w1 w2 w3", "q2": "w9", "q3": "", "q4": "w4 w5 w4 w29 w11"}


@pytest.fixture
def corpus() -> Corpus:
    return Corpus("words", "words-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def refined(**settings) -> Refined:
    encodings = {"fde": FixedDimensionalEncoding(4, 3, 8, seed=settings.pop("seed", 0))}
    return Refined(WordVectors(), settings.pop("index", FdeBlocks()), encodings, **settings)


def built(retriever, corpus, store):
    retriever.build(corpus, store)
    return retriever


def test_is_its_two_stages_with_everything_encoded_once(corpus, store):
    ours = built(refined(candidates=20), corpus, store)
    first = VectorRetriever(WordVectors(), FlatIndex(), {"fde": FixedDimensionalEncoding(4, 3, 8)})
    stages = built(Reranked(first, MaxSimReranker(WordVectors()), depth=20), corpus, store)
    assert (ours.encoder.documents, first.encoder.documents, stages.reranker.encoder.documents) == ([80], [], [])
    assert ours.search(QUERIES, 15) == stages.search(QUERIES, 15)
    assert ours.encoder.queries == [4]
    assert max(len(r) for r in ours.search(QUERIES, 50).rankings.values()) <= 20


def test_with_every_document_a_candidate_it_is_exact(corpus, store):
    exact = built(VectorRetriever(WordVectors(), MaxSimIndex()), corpus, store).search(QUERIES, 80)
    found = built(refined(candidates=80), corpus, store).search(QUERIES, 80)
    for query in QUERIES:
        assert dict(zip(found[query].documents, found[query].scores, strict=True)) == pytest.approx(
            dict(zip(exact[query].documents, exact[query].scores, strict=True)), abs=1e-5
        )
    assert "d0" not in found["q1"].documents  # without tokens
    assert len(found["q3"]) == 0


def test_indexes_with_other_seeds_are_never_searched_with_this_ones_queries(corpus, store, tmp_path):
    from ir_bench.store import Store

    shared = [built(refined(seed=s, candidates=5), corpus, store).search(QUERIES, 5) for s in (1, 2, 1)]
    alone = [built(refined(seed=s, candidates=5), corpus, Store(tmp_path / str(s))).search(QUERIES, 5) for s in (1, 2)]
    assert shared == [*alone, alone[0]]
    assert shared[0] != shared[1]
    assert len({fingerprint(refined(seed=s)) for s in (1, 2)}) == 2


def test_notes_the_cost_of_both_stages(corpus, store):
    retriever = built(refined(candidates=10), corpus, store)
    with cost.ledger() as notes:
        retriever.search({name: text for name, text in QUERIES.items() if text}, 5)
    assert {"encode_queries_s", "transform_queries_s", "search_s", "rerank_s"} <= set(notes)
    assert (notes["documents_compared"], notes["documents_scored"]) == (3 * 80, 3 * 10)


def test_what_does_not_fit_is_an_error_at_construction():
    with pytest.raises(InputError, match="FlatIndex takes Dense vectors, but WordVectors gives MultiVector"):
        Refined(WordVectors(), FlatIndex())
    with pytest.raises(InputError, match="takes MultiVector vectors, but LexicalEncoder gives Sparse"):
        Refined(LexicalEncoder(None), FdeBlocks(), {"fde": FixedDimensionalEncoding()})


def test_search_before_build_and_no_candidates_are_errors(corpus, store):
    with pytest.raises(InputError, match="before build"):
        refined().search(QUERIES, 3)
    with pytest.raises(InputError, match="number of hits"):
        built(refined(candidates=0), corpus, store).search(QUERIES, 3)


@pytest.mark.parametrize("settings", [{}, {"storage": "int8"}, {"ball_carving": 0.7}])
def test_the_tokens_that_matched_add_up_to_the_score(corpus, store, settings):
    retriever = built(refined(candidates=20, **settings), corpus, store)
    asked = QUERIES["q4"]
    ranking = retriever.search({"q": asked}, 5)["q"]
    for found, score in zip(retriever.align(asked, ranking.documents).values(), ranking.scores, strict=True):
        assert sum(match.score for match in found.matches()) == pytest.approx(score, abs=1e-5)
    with pytest.raises(InputError, match="nowhere"):
        retriever.align(asked, ["nowhere"])


def test_tokens_are_not_compared_before_build():
    with pytest.raises(InputError, match="before build"):
        refined().align("w1", ["d1"])
