from __future__ import annotations

import numpy as np

from ir_bench.analyzers.whitespace import Whitespace
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.protocols import Encoder
from ir_bench.types import Sparse


def test_counts_of_terms_by_text():
    vectors = LexicalEncoder(Whitespace()).encode_documents(["b a b", "", "c a"])
    assert [vectors.row(i) for i in range(3)] == [{"b": 2.0, "a": 1.0}, {}, {"c": 1.0, "a": 1.0}]
    assert vectors.weights.dtype == np.float32
    assert vectors.terms.dtype == np.int32
    assert vectors.offsets.dtype == np.int64


def test_queries_are_counted_like_documents():
    encoder = LexicalEncoder(Whitespace())
    assert isinstance(encoder, Encoder)
    assert encoder.produces is Sparse
    assert encoder.encode_queries(["x x y"]).row(0) == {"x": 2.0, "y": 1.0}
    assert len(encoder.encode_queries([])) == 0
