"""Why a document matches: terms of the query with their part of the score."""

from __future__ import annotations

import pytest

from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.datasets.sample import Sample
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.flat import FlatIndex
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.similarities.lucene import LuceneBM25


@pytest.fixture
def bm25(store):
    retriever = VectorRetriever(LexicalEncoder(LuceneEnglish()), InvertedIndex(LuceneBM25()), ties="lucene")
    retriever.build(Sample().load().corpus, store)
    return retriever


def test_the_terms_of_bm25_add_up_to_its_scores(bm25):
    for query, text in list(Sample().load().queries.items())[:10]:
        ranking = bm25.search({query: text}, 10)[query]
        why = bm25.explain(text, ranking.documents)
        assert list(why) == list(ranking.documents)
        for document, score in zip(ranking.documents, ranking.scores, strict=True):
            assert sum(m.score for m in why[document]) == pytest.approx(score, rel=1e-5)
            assert {m.term for m in why[document]} <= set(LuceneEnglish().analyze(text))


def test_an_unknown_document_and_no_build_are_told(bm25):
    with pytest.raises(InputError, match="'nowhere' is not in the corpus"):
        bm25.explain("bridge", ["nowhere"])
    with pytest.raises(InputError, match="explain before build"):
        VectorRetriever(bm25.encoder, bm25.index).explain("bridge", ["a"])


def test_an_index_of_dense_vectors_says_that_it_cannot_tell(bm25, store):
    from dataclasses import dataclass

    import numpy as np

    from ir_bench.types import Dense

    @dataclass
    class Lengths:
        produces = Dense

        def fit(self, corpus):
            pass

        def encode_documents(self, texts):
            return Dense(np.array([[len(t)] for t in texts], np.float32))

        encode_queries = encode_documents

    dense = VectorRetriever(Lengths(), FlatIndex())
    dense.build(Sample().load().corpus, store)
    with pytest.raises(InputError, match="FlatIndex cannot tell why"):
        dense.explain("bridge", [])
