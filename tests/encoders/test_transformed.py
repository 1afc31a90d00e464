"""An encoder with transforms inside finds what the retriever with those transforms finds, from the same vectors."""

from __future__ import annotations

import pytest

from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.datasets.sample import Sample
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.encoders.transformed import TransformedEncoder
from ir_bench.encoding import encoded_documents
from ir_bench.errors import InputError
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.similarities.dot import Dot
from ir_bench.similarities.lucene import LuceneBM25
from ir_bench.transforms.fde import FixedDimensionalEncoding
from ir_bench.transforms.prune_terms import PruneTerms
from ir_bench.transforms.weigh_terms import WeighTerms
from ir_bench.types import Sparse


@pytest.fixture(scope="module")
def sample():
    return Sample().load()


def parts():
    return {"weigh": WeighTerms(LuceneBM25()), "prune": PruneTerms(document_keep=20)}


def test_it_finds_what_the_retriever_with_the_transforms_finds(sample, store, monkeypatch):
    encoded = []
    encode = LexicalEncoder.encode_documents
    monkeypatch.setattr(
        LexicalEncoder, "encode_documents", lambda self, texts: encoded.append(1) or encode(self, texts)
    )
    outside = VectorRetriever(LexicalEncoder(LuceneEnglish()), InvertedIndex(Dot()), parts())
    inside = VectorRetriever(TransformedEncoder(LexicalEncoder(LuceneEnglish()), parts()), InvertedIndex(Dot()))
    outside.build(sample.corpus, store)
    once = len(encoded)
    inside.build(sample.corpus, store)
    assert len(encoded) == once > 0
    found, expected = (retriever.search(sample.queries, 20) for retriever in (inside, outside))
    assert found == expected
    assert any(len(found[query]) for query in found)


def test_texts_are_encoded_as_the_stored_ones_were(sample, store):
    encoder = TransformedEncoder(LexicalEncoder(LuceneEnglish()), {"weigh": WeighTerms(LuceneBM25())})
    _, stored = encoded_documents(encoder, sample.corpus, store, 64)
    texts = [sample.corpus.contents(document) for document in sample.corpus]
    again = encoder.encode_documents(texts)
    assert [again.row(i) for i in range(len(texts))] == [stored.row(i) for i in range(len(texts))]


def test_it_gives_the_kind_of_vectors_of_its_last_transform():
    assert TransformedEncoder(LexicalEncoder(LuceneEnglish()), parts()).produces is Sparse


def test_a_transform_of_other_vectors_is_refused():
    with pytest.raises(InputError, match="FixedDimensionalEncoding takes MultiVector"):
        TransformedEncoder(LexicalEncoder(LuceneEnglish()), {"fde": FixedDimensionalEncoding()})
