"""Unicode word segmentation as Lucene's StandardTokenizer does it: classes of code points and the automaton of a token.

Source: Unicode Standard Annex 29 (version 12.1), word boundaries; Unicode Technical Standard 51, emoji sequences.
Differs: as Lucene 9.9.1 does. Han and Hiragana give a token per character, scripts with line-break class SA one
token per run, Katakana does not join letters, emoji sequences are tokens, and what else stands between is dropped.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np

from ir_bench.analyzers.automaton import (
    Automaton,
    Expression,
    compile_automaton,
    either,
    many,
    one_of,
    optional,
    sequence,
)

CODE_POINTS = 0x110000


class WordBreak(NamedTuple):
    """What a scanner needs: the class of every code point (uint8 [code points]) and the automaton over classes."""

    classes: np.ndarray
    automaton: Automaton


@functools.cache
def standard() -> WordBreak:
    """The classes and tokens of Lucene's StandardTokenizer."""
    number = {"Other": 0}
    classes = np.zeros(CODE_POINTS, dtype=np.uint8)
    table = resources.files("ir_bench.analyzers").joinpath("word_break_classes.tsv").read_text(encoding="utf-8")
    for line in table.split("\n")[2:-1]:
        first, last, name = line.split("\t")
        classes[int(first, 16) : int(last, 16) + 1] = number.setdefault(name, len(number))
    return WordBreak(classes, compile_automaton(_token(number), len(number)))


def _token(number: dict[str, int]) -> Expression:
    """The expression of one token, over the numbered classes."""

    def one(names: str) -> Expression:
        return one_of(number[name] for name in names.split())

    def any_number(names: str) -> Expression:
        return optional(many(one(names)))

    # An emoji modifier, the keycap and tags extend what stands before them too. The two presentation selectors
    # extend everything but emoji, where U+FE0F ends an element.
    emoji_extend = "Extend Complex_Context_Extend ZWJ Keycap Emoji_Modifier Tag Tag_End"
    extend = f"{emoji_extend} Text_Presentation Emoji_Presentation"

    def extended(names: str) -> Expression:
        return sequence(one(names), any_number(extend))

    def between(ends: str, middle: str) -> Expression:
        """Runs of `ends`, where one of `middle` may stand between two (WB6, WB7, WB11, WB12)."""
        return sequence(extended(ends), optional(many(sequence(extended(middle), extended(ends)))))

    def segment() -> Expression:
        """What stands between underscores and their like (WB5 to WB10, WB13)."""
        letters_and_digits = either(
            between("ALetter ALetter_Emoji Hebrew_Letter", "MidLetter MidNumLet Single_Quote"),
            between("Numeric Digit", "MidNum MidNumLet Single_Quote"),
            sequence(extended("Hebrew_Letter"), extended("Single_Quote")),
            sequence(extended("Hebrew_Letter"), extended("Double_Quote"), extended("Hebrew_Letter")),
        )
        return either(many(letters_and_digits), many(extended("Katakana")))

    def joiners() -> Expression:
        return many(extended("ExtendNumLet"))

    word = sequence(  # WB13a, WB13b
        optional(joiners()),
        segment(),
        optional(many(sequence(joiners(), segment()))),
        optional(joiners()),
    )

    def emoji_element() -> Expression:
        """An emoji or an emoji modifier, with the joiners before it and all that extends it."""
        emoji = sequence(
            any_number("ZWJ"),
            one("Emoji ALetter_Emoji"),
            any_number(emoji_extend),
            optional(one("Emoji_Presentation")),
        )
        return either(emoji, sequence(one("Emoji_Modifier"), any_number(emoji_extend)))

    emoji = sequence(
        emoji_element(),
        either(
            optional(many(sequence(one("ZWJ"), emoji_element()))),
            sequence(many(one("Tag")), one("Tag_End")),
        ),
    )
    keycap = sequence(
        one("Keycap_Base Digit"),
        any_number(emoji_extend),
        optional(one("Emoji_Presentation")),
        one("Keycap"),
        any_number(emoji_extend),
    )
    flag = sequence(extended("Regional_Indicator"), extended("Regional_Indicator"))
    return either(
        word,
        emoji,
        keycap,
        flag,
        many(extended("Complex_Context Complex_Context_Extend")),
        extended("Han"),
        extended("Hiragana"),
    )
