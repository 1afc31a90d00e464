"""English terms, token for token those of Anserini's default analyzer, without Java."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ir_bench.analyzers.counts import TermCounts, count_terms
from ir_bench.analyzers.encoding import encode
from ir_bench.analyzers.english_terms import english_terms
from ir_bench.analyzers.scan import Scanner, scan
from ir_bench.analyzers.stop_words import ENGLISH
from ir_bench.analyzers.word_break import standard
from ir_bench.errors import InputError

Stemmer = Literal["porter", "none"]


@dataclass
class LuceneEnglish:
    """The stream of terms of Anserini's DefaultEnglishAnalyzer: Unicode words, no possessives, lower case, stems.

    `stop_words` drops Lucene's 33; `stemmer` is Porter's own release, or none. A lone surrogate separates words, as
    in Java. Raises `InputError` for a stemmer that is not there and for texts that are not strings.
    Source: Anserini 1.7.1, DefaultEnglishAnalyzer; Lucene 9.9.1.
    """

    stop_words: bool = True
    stemmer: Stemmer = "porter"

    def __post_init__(self) -> None:
        if self.stemmer not in get_args(Stemmer):
            raise InputError(f"There is no stemmer {self.stemmer!r}.", f"one of {', '.join(get_args(Stemmer))}")

    def analyze(self, text: str) -> list[str]:
        """The terms of one text, in order."""
        ids, _, vocabulary = self._terms([text])
        return [vocabulary[term] for term in ids.tolist() if term >= 0]

    def count(self, texts: Sequence[str]) -> TermCounts:
        """The bag of terms of each text."""
        return count_terms(*self._terms(texts))

    def _terms(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """The stream of term numbers of all texts (int32; -1 for a stop word), its offsets and the vocabulary."""
        buffer, offsets = encode(texts)
        tokens = scan(buffer, offsets, _words())
        stop_words = ENGLISH if self.stop_words else ()
        numbers, vocabulary = english_terms(buffer, tokens, stop_words, self.stemmer == "porter")
        return numbers[tokens.ids], tokens.offsets, vocabulary


@functools.cache
def _words() -> Scanner:
    return Scanner.of(*standard())
