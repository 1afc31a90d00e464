"""The Porter stemmer, in place on UTF-16 units, as Porter's own Java release and Lucene have it.

Source: Porter 1980, An algorithm for suffix stripping, and the release notes of his Java version.
Differs from the paper and from Snowball's "porter" as that release does: words of up to two units stay as they are,
"bli" becomes "ble" (paper: "abli" becomes "able"), and "logi" becomes "log".
"""

from __future__ import annotations

import numba
import numpy as np

# Suffix:replacement; of suffixes that end alike, the longer one comes first. Steps 2, 3 and 4 of the paper.
DOUBLE_SUFFIXES = (
    "ational:ate tional:tion enci:ence anci:ance izer:ize bli:ble alli:al entli:ent eli:e ousli:ous ization:ize "
    "ation:ate ator:ate alism:al iveness:ive fulness:ful ousness:ous aliti:al iviti:ive biliti:ble logi:log"
)
ADJECTIVE_SUFFIXES = "icate:ic ative: alize:al iciti:ic ical:ic ful: ness:"
LAST_SUFFIXES = "al: ance: ence: er: ic: able: ible: ant: ement: ment: ent: ion: ou: ism: ate: iti: ous: ive: ize:"


def _table(rules: str) -> np.ndarray:
    """Rules as uint8 [rules, 2, 8]: suffix and replacement, each with its length in front."""
    pairs = [rule.split(":") for rule in rules.split()]
    table = np.zeros((len(pairs), 2, 8), dtype=np.uint8)
    for row, pair in zip(table, pairs, strict=True):
        for cells, letters in zip(row, pair, strict=True):
            cells[0] = len(letters)
            cells[1 : len(letters) + 1] = list(letters.encode())
    return table


_DOUBLE, _ADJECTIVE, _LAST = _table(DOUBLE_SUFFIXES), _table(ADJECTIVE_SUFFIXES), _table(LAST_SUFFIXES)
_A, _B, _D, _E, _G, _I, _L, _N, _O, _S, _T, _U, _W, _X, _Y, _Z = (np.uint16(ord(c)) for c in "abdegilnostuwxyz")
_VOWELS, _DOUBLED = (_A, _E, _I, _O, _U), (_L, _S, _Z)  # the latter stay doubled after -ed and -ing


@numba.njit(cache=True, nogil=True)
def _is_vowel_letter(letter):
    return letter in _VOWELS


@numba.njit(cache=True, nogil=True)
def _is_consonant(word, i):
    """Whether unit i is a consonant: "y" is one at the start and after a vowel; what is no letter a-z is one too."""
    flips = 0
    while i > 0 and word[i] == _Y:
        i -= 1
        flips += 1
    return _is_vowel_letter(word[i]) == (flips % 2 == 1)


@numba.njit(cache=True, nogil=True)
def _measure(word, length):
    """How often consonants follow vowels among the first `length` units: m in [C](VC){m}[V]."""
    measure = 0
    consonant = True
    for i in range(length):
        before = consonant
        consonant = (i == 0 or not before) if word[i] == _Y else not _is_vowel_letter(word[i])
        if consonant and not before:
            measure += 1
    return measure


@numba.njit(cache=True, nogil=True)
def _has_vowel(word, length):
    for i in range(length):  # noqa: SIM110 (numba)
        if not _is_consonant(word, i):
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _ends_double(word, length):
    return length > 1 and word[length - 1] == word[length - 2] and _is_consonant(word, length - 1)


@numba.njit(cache=True, nogil=True)
def _ends_short(word, length):
    """Whether the word ends consonant, vowel, consonant other than w, x, y."""
    if length < 3 or not _is_consonant(word, length - 1):
        return False
    if _is_consonant(word, length - 2) or not _is_consonant(word, length - 3):
        return False
    last = word[length - 1]
    return last != _W and last != _X and last != _Y


@numba.njit(cache=True, nogil=True)
def _plural(word, length):
    """Step 1a."""
    if word[length - 1] != _S:
        return length
    if word[length - 2] == _E and word[length - 3] == _I:
        return length - 2
    if word[length - 2] == _E and length > 3 and word[length - 3] == _S and word[length - 4] == _S:
        return length - 2
    return length if word[length - 2] == _S else length - 1


@numba.njit(cache=True, nogil=True)
def _participle(word, length):
    """Step 1b."""
    if length > 2 and word[length - 1] == _D and word[length - 2] == _E and word[length - 3] == _E:
        return length - 1 if _measure(word, length - 3) > 0 else length
    if length > 1 and word[length - 1] == _D and word[length - 2] == _E:
        stem = length - 2
    elif length > 2 and word[length - 1] == _G and word[length - 2] == _N and word[length - 3] == _I:
        stem = length - 3
    else:
        return length
    if not _has_vowel(word, stem):
        return length
    if stem > 1:
        last, before = word[stem - 1], word[stem - 2]
        if (before == _A and last == _T) or (before == _B and last == _L) or (before == _I and last == _Z):
            word[stem] = _E
            return stem + 1
    last = word[stem - 1]
    if _ends_double(word, stem):
        return stem if last in _DOUBLED else stem - 1
    if _measure(word, stem) == 1 and _ends_short(word, stem):
        word[stem] = _E
        return stem + 1
    return stem


@numba.njit(cache=True, nogil=True)
def _matching(word, length, rules):
    """The first rule whose suffix the word ends with, or -1."""
    for rule in range(len(rules)):
        suffix = rules[rule, 0]
        size = np.int64(suffix[0])
        if size > length:
            continue
        i = size
        while i > 0 and word[length - size + i - 1] == suffix[i]:
            i -= 1
        if i == 0:
            return rule
    return -1


@numba.njit(cache=True, nogil=True)
def _replaced(word, length, rules):
    """Steps 2 and 3: replace the suffix where the stem has a measure above 0."""
    rule = _matching(word, length, rules)
    if rule < 0:
        return length
    stem = length - np.int64(rules[rule, 0, 0])
    if _measure(word, stem) == 0:
        return length
    size = np.int64(rules[rule, 1, 0])
    for i in range(size):
        word[stem + i] = rules[rule, 1, i + 1]
    return stem + size


@numba.njit(cache=True, nogil=True)
def _last_suffix(word, length):
    """Step 4: drop the suffix where the stem has a measure above 1; "ion" only after s or t."""
    rule = _matching(word, length, _LAST)
    if rule < 0:
        return length
    stem = length - np.int64(_LAST[rule, 0, 0])
    is_ion = _LAST[rule, 0, 1] == _I and _LAST[rule, 0, 2] == _O
    if is_ion and (stem == 0 or (word[stem - 1] != _S and word[stem - 1] != _T)):
        return length
    return stem if _measure(word, stem) > 1 else length


@numba.njit(cache=True, nogil=True)
def stem(word, length):
    """Stem the first `length` units (uint16, lower case) of a word in place; the length of the stem."""
    if length <= 2:
        return length
    length = _plural(word, length)
    length = _participle(word, length)
    if word[length - 1] == _Y and _has_vowel(word, length - 1):  # step 1c
        word[length - 1] = _I
    if length == 1:
        return length
    length = _replaced(word, length, _DOUBLE)
    length = _replaced(word, length, _ADJECTIVE)
    if length > 1:
        length = _last_suffix(word, length)
    whole = length  # step 5: its two parts look at the same measure
    if word[length - 1] == _E:
        measure = _measure(word, length)
        if measure > 1 or (measure == 1 and not _ends_short(word, length - 1)):
            length -= 1
    if word[length - 1] == _L and _ends_double(word, length) and _measure(word, whole) > 1:
        length -= 1
    return length
