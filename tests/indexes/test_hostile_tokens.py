"""Strange token vectors, given to every way of searching them: the documented result or a clear error."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.errors import InputError
from ir_bench.indexes.attention_view import AttentionViewIndex
from ir_bench.indexes.exact_match import ExactMatchIndex
from ir_bench.indexes.fde_blocks import FdeBlocks
from ir_bench.indexes.fde_codes import FdeCodes
from ir_bench.indexes.maxsim import MaxSimIndex
from ir_bench.indexes.plaid import PlaidIndex
from ir_bench.indexes.slim import SlimIndex
from ir_bench.indexes.token_union import TokenUnion
from ir_bench.indexes.warp import WarpIndex
from ir_bench.indexes.xtr import XTRIndex
from ir_bench.transforms.centroid_terms import CentroidTerms
from ir_bench.transforms.fde import FixedDimensionalEncoding
from ir_bench.transforms.fde_int8 import Int8Encoding
from ir_bench.types import Hits, MultiVector, Strings

DIMS, WORDS = 16, 50
LENGTHS = [0, 1, 10_000, 5, 0, 7] + [3] * 260  # as many as codes are trained on


def some(lengths, seed=0, dims=DIMS) -> MultiVector:
    """Unit vectors of random tokens."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((sum(lengths), dims)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    names = Strings.of([f"w{i}" for i in range(WORDS)])
    return MultiVector(values, np.cumsum([0, *lengths]), generator.integers(0, WORDS, len(values)), names)


class Encoded:
    """Fixed dimensional encodings in an index, as `retriever=fde` puts them together."""

    def __init__(self, index, transform=FixedDimensionalEncoding) -> None:
        self.transform, self.index = transform(repetitions=4, hyperplanes=3, columns=8), index

    def build(self, documents: MultiVector) -> None:
        self.transform.fit(documents)
        self.index.build(self.transform.documents(documents))

    def search(self, queries: MultiVector, k: int) -> Hits:
        return self.index.search(self.transform.queries(queries), k)


SEARCHES = {
    "maxsim": MaxSimIndex,
    "maxsim_float16": lambda: MaxSimIndex(storage="float16"),
    "maxsim_int8": lambda: MaxSimIndex(storage="int8"),
    "warp": lambda: WarpIndex(centroids=16, training_tokens=2000),
    "plaid": lambda: PlaidIndex(centroids=16, training_tokens=2000),
    "slim": lambda: SlimIndex(CentroidTerms(16)),
    "xtr": lambda: XTRIndex(tokens=500),
    "token_union": TokenUnion,
    "exact_match": ExactMatchIndex,
    "attention_view": AttentionViewIndex,
    "fde_blocks": lambda: Encoded(FdeBlocks()),
    "fde_codes": lambda: Encoded(FdeCodes()),
    "fde_int8": lambda: Encoded(FdeBlocks(), Int8Encoding),
}


@pytest.fixture(params=SEARCHES)
def search(request):
    return SEARCHES[request.param]()


def test_documents_of_no_one_and_ten_thousand_tokens(search):
    """A document without tokens is never found by its tokens, one of 10,000 is, and of the best hit all is finite."""
    search.build(some(LENGTHS))
    hits = search.search(some([3, 1, 40], seed=1), 6)
    assert hits.rows.shape[0] == 3
    for rows, scores in zip(hits.rows, hits.scores, strict=True):
        found = rows >= 0
        assert found.any()
        assert np.isfinite(scores[found]).all()
        assert (scores[~found] == -np.inf).all()
        assert len(set(rows[found].tolist())) == found.sum()
        assert LENGTHS[rows[0]] > 0


def test_a_query_without_tokens_finds_nothing_with_a_score(search):
    search.build(some(LENGTHS))
    hits = search.search(some([0, 4], seed=2), 3)
    assert (hits.scores[0][hits.rows[0] >= 0] == 0).all()  # encodings of nothing are zeros
    assert hits.rows[1, 0] >= 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_strange_number_in_a_document_is_an_error(search, value):
    documents = some(LENGTHS)
    documents.values[3, 5] = value

    def build_and_search() -> Hits:
        search.build(documents)  # some read every vector here, some only when they are searched
        return search.search(some([3, 1], seed=1), 3)

    with pytest.raises(InputError, match="NaN or infinite"):
        build_and_search()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_strange_number_in_a_query_is_an_error(search, value):
    search.build(some(LENGTHS))
    queries = some([3, 2], seed=1)
    queries.values[4, 0] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        search.search(queries, 3)


def test_queries_of_other_dims_are_an_error(search):
    search.build(some(LENGTHS))
    with pytest.raises(InputError, match=r"dim"):
        search.search(some([3], dims=DIMS + 8), 3)


@pytest.mark.parametrize("index", [FdeBlocks, FdeCodes])
def test_encodings_of_another_seed_are_another_index(index):
    """Their inner products mean nothing; the seed is part of what names an index, so a retriever never mixes them."""
    from ir_bench.fingerprint import fingerprint

    documents = some(LENGTHS)
    one, other = (FixedDimensionalEncoding(repetitions=4, hyperplanes=3, columns=8, seed=seed) for seed in (0, 1))
    assert fingerprint(one) != fingerprint(other)
    assert not np.allclose(one.documents(documents).values, other.documents(documents).values)
