"""Terms between white space, as Lucene takes text that is already split into terms."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from ir_bench.analyzers.automaton import compile_automaton, many, one_of
from ir_bench.analyzers.counts import TermCounts, count_terms
from ir_bench.analyzers.encoding import SEPARATOR, decode, encode
from ir_bench.analyzers.scan import Scanner, Tokens, scan
from ir_bench.analyzers.word_break import CODE_POINTS

# Source: Java's Character.isWhitespace(int): Unicode's separators that may break a line, and controls. The
# no-break spaces U+00A0, U+2007 and U+202F are not among them, nor is U+0085.
SPACES = (
    *(*range(0x09, 0x0E), *range(0x1C, 0x21), 0x1680, *range(0x2000, 0x2007), *range(0x2008, 0x200B)),
    *(0x2028, 0x2029, 0x205F, 0x3000),
)
_SEPARATOR = np.uint8(ord(SEPARATOR))


@dataclass
class Whitespace:
    """The terms of Lucene's WhitespaceAnalyzer, which Anserini takes for pretokenized text: nothing is changed.

    A term of more than 255 UTF-16 units is cut there. A lone surrogate becomes U+FFFD, as in a Lucene index.
    Raises `InputError` for texts that are not strings.
    """

    def analyze(self, text: str) -> list[str]:
        """The terms of one text, in order."""
        tokens, vocabulary = self._terms([text])
        return [vocabulary[term] for term in tokens.ids.tolist()]

    def count(self, texts: Sequence[str]) -> TermCounts:
        """The bag of terms of each text."""
        tokens, vocabulary = self._terms(texts)
        return count_terms(tokens.ids, tokens.offsets, vocabulary)

    def _terms(self, texts: Sequence[str]) -> tuple[Tokens, list[str]]:
        buffer, offsets = encode(texts)
        tokens = scan(buffer, offsets, _words())
        return tokens, decode(_gathered(buffer, tokens.starts, tokens.stops), "utf-8")


@functools.cache
def _words() -> Scanner:
    classes = np.ones(CODE_POINTS, dtype=np.uint8)
    classes[list(SPACES)] = 0
    # Lucene looks at the length after it has added a character, so a pair may take the place of the last unit.
    return Scanner.of(classes, compile_automaton(many(one_of([1])), 2), overshoot=True)


@numba.njit(cache=True, nogil=True)
def _gathered(buffer, starts, stops):
    """The stretches of a buffer one after the other, each followed by the separator."""
    size = len(starts)
    for i in range(len(starts)):
        size += stops[i] - starts[i]
    gathered = np.empty(size, dtype=np.uint8)
    filled = 0
    for i in range(len(starts)):
        for position in range(starts[i], stops[i]):
            gathered[filled] = buffer[position]
            filled += 1
        gathered[filled] = _SEPARATOR
        filled += 1
    return gathered
