"""Finds the tokens of texts with an automaton and numbers the distinct ones, in one pass over the bytes."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from ir_bench.analyzers.automaton import DEAD, START, Automaton
from ir_bench.analyzers.interning import EMPTY, LONGEST_PACKED, enlarged, hashed_key, packed_key, slot_of

LONGEST = 255  # UTF-16 units of a token, Lucene's default
ASCII = 128
FEWEST_SLOTS, MOST_SLOTS = 256, 1 << 18  # at first; the table grows


class Scanner(NamedTuple):
    """How to find tokens: the classes of code points, and the automaton's next states by class and by ASCII byte.

    A token has at most 255 UTF-16 units; with `overshoot`, a surrogate pair may begin at the last of them.
    """

    classes: np.ndarray  # uint8 [code points]
    transitions: np.ndarray  # uint8 [states, classes]
    byte_transitions: np.ndarray  # uint8 [states, 256]; dead for all but ASCII
    first_accepting: int
    overshoot: bool

    @classmethod
    def of(cls, classes: np.ndarray, automaton: Automaton, overshoot: bool = False) -> Scanner:
        """The scanner of an automaton over these classes."""
        of_bytes = np.full((len(automaton.transitions), 256), DEAD, dtype=np.uint8)
        of_bytes[:, :ASCII] = automaton.transitions[:, classes[:ASCII]]
        return cls(classes, automaton.transitions, of_bytes, automaton.first_accepting, overshoot)


class Tokens(NamedTuple):
    """The tokens of some texts: text i owns [offsets[i], offsets[i + 1]) of `ids`."""

    ids: np.ndarray  # int32 [tokens], numbers by first occurrence
    offsets: np.ndarray  # int64 [texts + 1]
    starts: np.ndarray  # int64 [distinct], the first byte of the first occurrence of each
    stops: np.ndarray  # int64 [distinct], the byte after it


def scan(buffer: np.ndarray, offsets: np.ndarray, scanner: Scanner) -> Tokens:
    """The tokens of the texts of a UTF-8 buffer: the longest match at each place, then on from its end."""
    ids = np.empty(len(buffer), dtype=np.int32)  # never more tokens than bytes; what is not written costs no memory
    token_offsets = np.zeros(len(offsets), dtype=np.int64)
    slots = FEWEST_SLOTS
    while slots < min(len(buffer) // 64, MOST_SLOTS):
        slots *= 2
    keys, numbers = np.zeros((slots, 2), dtype=np.uint64), np.empty(slots, dtype=np.int32)
    starts, stops = np.empty((2, slots // 2), dtype=np.int64)
    text, position, tokens, distinct = 0, 0, 0, 0
    while True:
        text, position, tokens, distinct = _scan_until_full(
            *(buffer, buffer.view("<u8"), offsets, *scanner, ids, token_offsets, keys, numbers, starts, stops),
            *(text, position, tokens, distinct),
        )
        if text == len(offsets) - 1:
            return Tokens(ids[:tokens], token_offsets, starts[:distinct], stops[:distinct])
        keys, numbers = enlarged(keys, numbers)
        starts, stops = (np.concatenate([old, np.empty(3 * len(old), dtype=np.int64)]) for old in (starts, stops))


@numba.njit(cache=True, nogil=True, forceinline=True)
def code_point(buffer, position):
    """The code point that begins at a byte of a UTF-8 buffer, and its length in bytes."""
    lead = np.uint32(buffer[position])
    if lead < 0x80:
        return lead, 1
    second = np.uint32(buffer[position + 1]) & np.uint32(0x3F)
    if lead < 0xE0:
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | second, 2
    third = np.uint32(buffer[position + 2]) & np.uint32(0x3F)
    if lead < 0xF0:
        return ((lead & np.uint32(0x0F)) << np.uint32(12)) | (second << np.uint32(6)) | third, 3
    fourth = np.uint32(buffer[position + 3]) & np.uint32(0x3F)
    high = ((lead & np.uint32(0x07)) << np.uint32(18)) | (second << np.uint32(12))
    return high | (third << np.uint32(6)) | fourth, 4


@numba.njit(cache=True, nogil=True, forceinline=True)
def _longest_token(buffer, start, end, classes, transitions, byte_transitions, first_accepting, overshoot):
    """Where the longest token that begins at `start` stops; `start` itself where none does."""
    state = np.uint8(START)
    position = stop = start
    units = 0
    while position < end:
        if buffer[position] < ASCII:
            state = byte_transitions[state, buffer[position]]
            if state == DEAD or units >= LONGEST:
                break
            run_start = position
            run_end = min(end, position + LONGEST - units)
            position += 1
            while (  # stay while the state does: the loads of this loop do not wait for one another
                position < run_end and byte_transitions[state, buffer[position]] == state
            ):
                position += 1
            units += position - run_start
        else:
            character, size = code_point(buffer, position)
            state = transitions[state, classes[character]]
            width = 2 if size == 4 else 1
            if state == DEAD or units + (1 if overshoot else width) > LONGEST:
                break
            units += width
            position += size
        if state >= first_accepting:
            stop = position
    return stop


# The table is enlarged outside: a kernel that reassigns its arrays counts references at every step, at twice the time.
@numba.njit(cache=True, nogil=True)
def _scan_until_full(
    buffer,
    words,
    offsets,
    classes,
    transitions,
    byte_transitions,
    first_accepting,
    overshoot,
    ids,
    token_offsets,
    keys,
    numbers,
    starts,
    stops,
    text,
    position,
    tokens,
    distinct,
):
    """Go on from a text and position until all is read or the table is half full; where that is, and the new counts."""
    while text < len(offsets) - 1:
        end = offsets[text + 1]
        while position < end:
            stop = _longest_token(
                buffer, position, end, classes, transitions, byte_transitions, first_accepting, overshoot
            )
            if stop == position:
                position += code_point(buffer, position)[1]
                continue
            if stop - position <= LONGEST_PACKED:
                low, high = packed_key(words, position, stop - position)
            else:
                low, high = hashed_key(buffer, position, stop)
            slot = slot_of(buffer, position, stop, low, high, keys, numbers, starts, stops)
            if keys[slot, 1] == EMPTY:
                if distinct == len(starts):
                    return text, position, tokens, distinct
                keys[slot, 0], keys[slot, 1], numbers[slot] = low, high, distinct
                starts[distinct], stops[distinct] = position, stop
                distinct += 1
            ids[tokens] = numbers[slot]
            tokens += 1
            position = stop
        text += 1
        token_offsets[text] = tokens
    return text, position, tokens, distinct
