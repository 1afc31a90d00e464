"""English terms without Java: examples, limits, settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.analyzers.english_terms import lower_case
from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.errors import InputError

ENGLISH = LuceneEnglish()
UNCHANGED = LuceneEnglish(stop_words=False, stemmer="none")

# Terms as of Anserini 1.7.1 / Lucene 9.9.1 through pyserini 1.6.0, 2026-11-22.
EXAMPLES = [
    (
        "The quick brown foxes' and John's dogs, John’S and O\uff07s",
        ["quick", "brown", "fox", "john", "dog", "john", "o"],
    ),
    (
        "U.S.A. and the U.K. have 3,141.59 e.g. can't won't a:b x.y.z 1.a a.1 1'2 it''s",
        ["u.s.a", "u.k", "have", "3,141.59", "e.g", "can't", "won't", "a:b", "x.y.z", "1", "1", "1'2", "s"],
    ),
    ("_private __init__ snake_case_name _ __ a_ _1_", ["_privat", "__init__", "snake_case_nam", "a_", "_1_"]),
    ("caféS ÉCOLE İSTANBUL ΟΔΟΣ straße Ǆ", ["café", "école", "istanbul", "οδοσ", "straße", "ǆ"]),
    (
        "東京タワーに行きました。 한국어 ひらがな",
        ["東", "京", "タワー", "に", "行", "き", "ま", "し", "た", "한국어", "ひ", "ら", "が", "な"],
    ),
    ("ภาษาไทย ລາວ မြန်မာ", ["ภาษาไทย", "ລາວ", "မြန်မာ"]),
    ("© ® ™ ↔ ☃ ☃\ufe0f ☃\ufe0e", ["©", "®", "™", "↔", "☃", "☃\ufe0f", "☃"]),
    ("👍🏽 👩\u200d👩\u200d👧", ["👍🏽", "👩\u200d👩\u200d👧"]),
    ("🇫🇷🇩🇪🇫 1\ufe0f\u20e3 #\u20e3", ["🇫🇷", "🇩🇪", "1\ufe0f\u20e3", "#\u20e3"]),
    ("🏴\U000e0067\U000e0062\U000e007f", ["🏴\U000e0067\U000e0062\U000e007f"]),
    ("שלום צ'ק ג\"ל ד' ה\" ו", ["שלום", "צ'ק", 'ג"ל', "ד'", "ה", "ו"]),
    ("a\u0301b co\xadoperate x\u200dy \u200d☺", ["a\u0301b", "co\xadoper", "x\u200dy", "\u200d☺"]),
    ("ﾊﾝｶｸ カタカナ゛ １２３ ＡＢＣ", ["ﾊﾝｶｸ", "カタカナ゛", "１２３", "ａｂｃ"]),
    (
        "relational conditional possibly hopping falling skies analogies oed as is ies agreed",
        ["relat", "condit", "possibl", "hop", "fall", "ski", "analog", "o", "i", "agre"],
    ),
    ("\ufeffbom a\xa0b\u2028c\u202fd", ["bom", "b", "c\u202fd"]),
    ("x\x00y \x00", ["x", "y"]),
    ("ₐ ª ² ½ Ⅷ ⅷ ℹ Ⓜ 🅰", ["ₐ", "ª", "ⅷ", "ⅷ", "ℹ", "ⓜ", "🅰"]),
    (
        "generalizations oscillators bb ed sing bled sized hissing fizzed yy sky bye",
        ["gener", "oscil", "bb", "ed", "sing", "bled", "size", "hiss", "fizz", "yy", "sky", "bye"],
    ),
    ("a" * 600, ["a" * 255, "a" * 255, "a" * 90]),
    ("a" * 254 + "\U00010428" * 3 + "b", ["a" * 254, "\U00010428" * 3 + "b"]),
    ("1" * 254 + ".5", ["1" * 254, "5"]),
]


@pytest.mark.parametrize(("text", "terms"), EXAMPLES)
def test_examples(text, terms):
    assert ENGLISH.analyze(text) == terms


def test_settings():
    text = "The running cats and John's"
    assert ENGLISH.analyze(text) == ["run", "cat", "john"]
    assert LuceneEnglish(stop_words=False).analyze(text) == ["the", "run", "cat", "and", "john"]
    assert LuceneEnglish(stemmer="none").analyze(text) == ["running", "cats", "john"]
    with pytest.raises(InputError, match="no stemmer 'snowball'"):
        LuceneEnglish(stemmer="snowball")  # type: ignore[arg-type]


def test_stop_words_are_met_before_the_stemmer_and_after_lower_case():
    assert ENGLISH.analyze("THE thes THAT's İs's") == ["the"]  # "thes" is no stop word, though its stem looks like one


# Source: the examples of rules in Porter 1980, An algorithm for suffix stripping, after the whole algorithm.
PORTER = """
caresses:caress ponies:poni caress:caress cats:cat feed:feed agreed:agre plastered:plaster motoring:motor
sing:sing conflated:conflat troubled:troubl tanned:tan falling:fall hissing:hiss fizzed:fizz failing:fail
filing:file happy:happi sky:sky rational:ration vietnamization:vietnam predication:predic feudalism:feudal
decisiveness:decis hopefulness:hope formaliti:formal sensibiliti:sensibl triplicate:triplic electrical:electr
goodness:good revival:reviv allowance:allow gyroscopic:gyroscop replacement:replac adjustment:adjust
dependent:depend adoption:adopt communism:commun effective:effect probate:probat rate:rate cease:ceas
controll:control roll:roll
"""


def test_porters_own_examples():
    pairs = [pair.split(":") for pair in PORTER.split()]
    assert [ENGLISH.analyze(word) for word, _ in pairs] == [[stem] for _, stem in pairs]


@given(st.text(st.sampled_from("abdegilnostuwxyzé"), min_size=1, max_size=12))
def test_a_stem_is_no_longer_than_its_word(word):
    for stem in LuceneEnglish(stop_words=False).analyze(word):
        assert 0 < len(stem) <= len(word)


def test_a_lone_surrogate_separates_words_and_a_pair_is_one_character():
    assert UNCHANGED.analyze("ab\ud800cd \udc00 \ud83d\ude00") == ["ab", "cd", "😀"]
    assert UNCHANGED.count(["ok", "ab\ud800cd"]).vocabulary == ["ok", "ab", "cd"]


def test_lower_case_is_one_character_for_one():
    table = lower_case()
    for character in "AÉΣДǅẞΩK":
        assert chr(table[ord(character)]) == character.lower()
    assert chr(table[ord("İ")]) == "i"
    assert chr(table[ord("ß")]) == "ß"


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_terms_hold_nothing_that_separates(text):
    for term in UNCHANGED.analyze(text):
        assert term
        assert not set(term) & set(" \n\t\x00()!?")
