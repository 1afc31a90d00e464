"""Bags of terms agree with the streams of terms, whatever the text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.analyzers.counts import TermCounts, count_terms
from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.analyzers.whitespace import Whitespace
from ir_bench.errors import InputError

ANALYZERS = [LuceneEnglish(), LuceneEnglish(stop_words=False, stemmer="none"), Whitespace()]
WORDS = st.sampled_from(
    ["the", "The", "cats", "cat", "a.b", "O'Neil's", "3,5", "東京", "☃", "\u0301", "internationalization's"]
)
TEXTS = st.lists(st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=12).map(" ".join)), max_size=8)


def bags(counted: TermCounts) -> list[dict[str, float]]:
    spans = zip(counted.offsets[:-1], counted.offsets[1:], strict=True)
    return [
        {counted.vocabulary[t]: float(c) for t, c in zip(counted.terms[a:b], counted.counts[a:b], strict=True)}
        for a, b in spans
    ]


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=repr)
@settings(max_examples=150, deadline=None)
@given(texts=TEXTS)
def test_bags_are_the_counted_streams(analyzer, texts):
    counted = analyzer.count(texts)
    streams = [analyzer.analyze(text) for text in texts]
    assert bags(counted) == [dict(Counter(stream)) for stream in streams]
    assert counted.vocabulary == list(dict.fromkeys(term for stream in streams for term in stream))
    for start, stop in zip(counted.offsets[:-1], counted.offsets[1:], strict=True):
        assert np.all(np.diff(counted.terms[start:stop]) > 0)
    assert (counted.terms.dtype, counted.counts.dtype, counted.offsets.dtype) == (np.int32, np.float32, np.int64)


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=repr)
def test_many_distinct_tokens_make_the_table_grow(analyzer):
    texts = [" ".join(f"w{n}x" * (1 + n % 9) for n in range(start, start + 700)) for start in range(0, 9000, 350)]
    counted = analyzer.count(texts)
    assert bags(counted) == [dict(Counter(analyzer.analyze(text))) for text in texts]
    assert len(counted.vocabulary) == 8750 + 700  # the last text's first number, and its 700


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=repr)
def test_no_texts_and_empty_texts(analyzer):
    assert analyzer.analyze("") == []
    for texts, offsets in (([], [0]), (["", " \n", ""], [0, 0, 0, 0])):
        counted = analyzer.count(texts)
        assert (counted.terms.tolist(), counted.offsets.tolist(), counted.vocabulary) == ([], offsets, [])


def test_tokens_that_differ_only_beyond_a_packed_key():
    stems = ["abcdefghijklmn", "abcdefghijklmno", "abcdefghijklmnop", "abcdefghijklmnoq", "abcdefghijklmnopq", "a\x00"]
    assert Whitespace().count([" ".join(stems * 2)]).counts.tolist() == [2.0] * 6
    assert Whitespace().count([" ".join(stems)]).vocabulary == stems


@given(st.lists(st.lists(st.integers(-1, 6), max_size=12), max_size=6))
def test_counts_of_numbers(streams):
    offsets = np.cumsum([0, *map(len, streams)], dtype=np.int64)
    ids = np.array([term for stream in streams for term in stream], dtype=np.int32)
    counted = count_terms(ids, offsets, list("abcdefg"))
    assert bags(counted) == [dict(Counter("abcdefg"[t] for t in stream if t >= 0)) for stream in streams]


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=repr)
def test_what_is_not_text_is_refused(analyzer):
    with pytest.raises(InputError, match="Text 1 is not a string but NoneType"):
        analyzer.count(["a", None])
    with pytest.raises(InputError, match="One string was given"):
        analyzer.count("one text")
    with pytest.raises(InputError, match="not a string"):
        analyzer.analyze(7)
