"""White space as Java sees it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ir_bench.analyzers.whitespace import Whitespace

WHITESPACE = Whitespace()


def test_what_is_white_space_and_what_is_not():
    # Terms as of Lucene 9.9.1's WhitespaceAnalyzer through pyserini 1.6.0, 2026-11-22.
    text = "a\u00a0b\u2007c\u202fd\u0085e f\u3000g\u2028h\x1ci\x0bj\tk"
    assert WHITESPACE.analyze(text) == ["a\u00a0b\u2007c\u202fd\u0085e", "f", "g", "h", "i", "j", "k"]
    assert WHITESPACE.analyze("\u180e\u200bThe THE the.\ufeff") == ["\u180e\u200bThe", "THE", "the.\ufeff"]


def test_long_terms_are_cut_after_255_units_but_not_within_a_character():
    assert WHITESPACE.analyze("a" * 600) == ["a" * 255, "a" * 255, "a" * 90]
    assert WHITESPACE.analyze("a" * 254 + "😀" * 3) == ["a" * 254 + "😀", "😀" * 2]
    assert WHITESPACE.analyze("a" * 254 + "😀" + "b" * 3) == ["a" * 254 + "😀", "bbb"]


def test_nul_and_lone_surrogates():
    assert WHITESPACE.analyze("a\x00b \x00") == ["a\x00b", "\x00"]
    assert WHITESPACE.analyze("a\ud800 \ud83d\ude00") == ["a\ufffd", "😀"]


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=1, max_size=20)))
def test_pretokenized_text_comes_back(terms):
    assert WHITESPACE.analyze(" ".join(terms)) == terms
