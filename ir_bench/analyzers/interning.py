"""Numbers the distinct stretches of a buffer: a hash table with open addressing, for kernels.

A key is two integers [low, high]. It holds a stretch of up to 15 bytes whole, with its length in the highest byte;
of a longer one it holds a hash, so that equal keys ask for a look at the units.
"""

from __future__ import annotations

import numba
import numpy as np

LONGEST_PACKED = 15
EMPTY = np.uint64(0)  # the high half of a key that is none
_HASHED = np.uint64(0xFF << 56)
_LOW_MASKS = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(16)], dtype=np.uint64)
_HIGH_MASKS = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(16)], dtype=np.uint64)
_LENGTHS = np.array([length << 56 for length in range(16)], dtype=np.uint64)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, The Art of Computer Programming 3, 6.4)
_SPREAD_HIGH = np.uint64(0xC2B2AE3D27D4EB4F)
_ONE, _HALF, _LAST_BIT = np.uint64(1), np.uint64(32), np.uint64(63)


@numba.njit(cache=True, nogil=True, forceinline=True)
def packed_key(words, start, length):
    """The key of a stretch of up to 15 bytes of a buffer, given as little-endian integers of 8 bytes.

    Without a branch or a loop over bytes: the length of a word is what a processor cannot guess.
    """
    word = start >> 3
    shift = np.uint64((start & 7) * 8)
    first, second, third = words[word], words[word + 1], words[word + 2]
    low = (first >> shift) | ((second << _ONE) << (_LAST_BIT - shift))
    high = (second >> shift) | ((third << _ONE) << (_LAST_BIT - shift))
    return low & _LOW_MASKS[length], (high & _HIGH_MASKS[length]) | _LENGTHS[length]


@numba.njit(cache=True, nogil=True, forceinline=True)
def hashed_key(buffer, start, stop):
    """The key of a stretch of units of any size and number. Source: FNV-1a with 64 bits (Fowler, Noll, Vo)."""
    low = np.uint64(0xCBF29CE484222325)
    for i in range(start, stop):
        low = (low ^ np.uint64(buffer[i])) * np.uint64(0x100000001B3)
    return low, _HASHED


@numba.njit(cache=True, nogil=True, forceinline=True)
def slot_of(buffer, start, stop, low, high, keys, numbers, starts, stops):
    """The slot that holds a stretch, or the empty one that should; `starts` and `stops` are those of each number.

    `keys` is uint64 [slots, 2], a power of two of them, all zero at first.
    """
    mask = np.uint64(len(keys) - 1)
    slot = _first_slot(low, high) & mask
    while keys[slot, 1] != EMPTY:
        if keys[slot, 0] == low and keys[slot, 1] == high:
            if high != _HASHED:
                break
            held = numbers[slot]
            if stops[held] - starts[held] == stop - start and _same(buffer, starts[held], start, stop - start):
                break
        slot = (slot + _ONE) & mask
    return slot


@numba.njit(cache=True, nogil=True)
def enlarged(keys, numbers):
    """The same table with four times the slots."""
    mask = np.uint64(4 * len(keys) - 1)
    new_keys = np.zeros((4 * len(keys), 2), dtype=np.uint64)
    new_numbers = np.empty(4 * len(keys), dtype=np.int32)
    for old in range(len(keys)):
        if keys[old, 1] != EMPTY:
            slot = _first_slot(keys[old, 0], keys[old, 1]) & mask
            while new_keys[slot, 1] != EMPTY:
                slot = (slot + _ONE) & mask
            new_keys[slot, 0], new_keys[slot, 1] = keys[old, 0], keys[old, 1]
            new_numbers[slot] = numbers[old]
    return new_keys, new_numbers


@numba.njit(cache=True, nogil=True, forceinline=True)
def _first_slot(low, high):
    return ((low ^ (high * _SPREAD_HIGH)) * _SPREAD) >> _HALF


@numba.njit(cache=True, nogil=True, forceinline=True)
def _same(buffer, one, other, length):
    for i in range(length):  # noqa: SIM110 (numba)
        if buffer[one + i] != buffer[other + i]:
            return False
    return True
