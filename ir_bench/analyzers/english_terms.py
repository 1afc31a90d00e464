"""Turns distinct tokens into English terms: possessives, lower case, stop words, stemming, each token once."""

from __future__ import annotations

import functools

import numba
import numpy as np

from ir_bench.analyzers.encoding import SEPARATOR, decode
from ir_bench.analyzers.interning import EMPTY, hashed_key, slot_of
from ir_bench.analyzers.porter import stem
from ir_bench.analyzers.scan import LONGEST, Tokens, code_point

_SEPARATOR = np.uint16(ord(SEPARATOR))
_LETTERS_IN_KEY = 8


def english_terms(
    buffer: np.ndarray, tokens: Tokens, stop_words: tuple[str, ...], stemmed: bool
) -> tuple[np.ndarray, list[str]]:
    """The term number of each distinct token (int32; -1 for a stop word) and the terms by first occurrence.

    Stop words have at most eight letters, all ASCII.
    """
    keys = np.array([int.from_bytes(word.encode("ascii"), "little") for word in stop_words], dtype=np.uint64)
    numbers, units = _terms(buffer, tokens.starts, tokens.stops, lower_case(), keys, stemmed)
    return numbers, decode(units, "utf-16-le")


@functools.cache
def lower_case() -> np.ndarray:
    """The lower case of every code point that has one of its own (uint32), up to the last that has.

    Source: Unicode Character Database, Simple_Lowercase_Mapping, as in Java's Character.toLowerCase(int): one
    character for one, so no rule for a final sigma.
    """
    mapped = {i: chr(i).lower() for i in range(0x20000) if chr(i).lower() != chr(i)}
    table = np.arange(max(mapped) + 1, dtype=np.uint32)
    for i, lower in mapped.items():
        table[i] = ord(lower[0])  # only U+0130 has a longer full mapping, and its simple one is the first character
    return table


@numba.njit(cache=True, nogil=True)
def _terms(buffer, starts, stops, lower, stop_keys, stemmed):
    tokens = len(starts)
    numbers = np.empty(tokens, dtype=np.int32)
    slots = 1
    while slots < 2 * tokens + 2:
        slots *= 2
    keys, terms_held = np.zeros((slots, 2), dtype=np.uint64), np.empty(slots, dtype=np.int32)
    term_starts, term_stops = np.empty(tokens, dtype=np.int64), np.empty(tokens, dtype=np.int64)
    size = tokens  # a separator per term
    for token in range(tokens):
        size += stops[token] - starts[token]  # a byte gives one UTF-16 unit at most
    units = np.empty(size, dtype=np.uint16)
    word = np.empty(LONGEST, dtype=np.uint16)
    terms = filled = 0
    for token in range(tokens):
        length = _lowered(buffer, starts[token], stops[token], lower, word)
        if _is_stop_word(word, length, stop_keys):
            numbers[token] = -1
            continue
        if stemmed:
            length = stem(word, length)
        end = filled + length
        units[filled:end] = word[:length]
        low, high = hashed_key(units, filled, end)
        slot = slot_of(units, filled, end, low, high, keys, terms_held, term_starts, term_stops)
        if keys[slot, 1] == EMPTY:
            keys[slot, 0], keys[slot, 1], terms_held[slot] = low, high, terms
            term_starts[terms], term_stops[terms] = filled, end
            units[end] = _SEPARATOR
            filled = end + 1
            terms += 1
        numbers[token] = terms_held[slot]
    return numbers, units[:filled]


@numba.njit(cache=True, nogil=True)
def _lowered(buffer, start, stop, lower, word):
    """Write a token in lower case and without a possessive ending as UTF-16; its length in units."""
    position, length = start, 0
    before, last = np.uint32(0), np.uint32(0)
    while position < stop:
        character, size = code_point(buffer, position)
        position += size
        before, last = last, character
        if character < len(lower):
            character = lower[character]
        if character < 0x10000:
            word[length] = character
            length += 1
        else:
            word[length] = 0xD800 + ((character - 0x10000) >> 10)
            word[length + 1] = 0xDC00 + ((character - 0x10000) & 0x3FF)
            length += 2
    apostrophe = before == ord("'") or before == ord("’") or before == ord("＇")
    return length - 2 if apostrophe and (last == ord("s") or last == ord("S")) else length


@numba.njit(cache=True, nogil=True)
def _is_stop_word(word, length, stop_keys):
    """Whether the letters, packed into one integer, are among the packed stop words."""
    if length > _LETTERS_IN_KEY:
        return False
    key = np.uint64(0)
    for i in range(length):
        if word[i] > 0x7F:
            return False
        key |= np.uint64(word[i]) << np.uint64(8 * i)
    for stop_key in stop_keys:  # noqa: SIM110 (numba)
        if key == stop_key:
            return True
    return False
