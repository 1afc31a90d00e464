"""Compiled exact search of postings lists, one term after the other, one block of documents at a time.

Every document of a block owns one accumulator. A document that no list names keeps the accumulator's blank: +0 when all
contributions are positive, else -0, which no sum of others can be (contributions of -0 are turned to +0). A block is
small enough for the second-level cache; its accumulators are compared as integers, which vectorises.

A document competes as a 64-bit key, score above, inverted row below: a larger key is a higher float32 score, then a
lower row. Scores of either sign keep their order.

All in one file: numba's cache does not notice when a function in another file changes.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

BINS = 2048
FEW = 32  # up to so many hits are kept in a sorted list while scanning
LOW = np.uint64(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)
TINY = 1e-30  # a contribution above it cannot vanish in float32


@intrinsic
def _half(context, bits):
    """The float32 number of the bits of a float16 one, by the processor's own instruction."""

    def generate(context, builder, signature, arguments):
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), generate


def _number(impact):
    raise NotImplementedError  # compiled code only


@overload(_number, inline="always")
def _number_of(impact):
    """An impact as it is stored: float32 or uint8 as a number, uint16 as the bits of a float16."""
    return (lambda impact: _half(impact)) if impact == types.uint16 else (lambda impact: impact)


@njit(cache=True, nogil=True)
def search(
    lists, terms, weights, sources, starts, rows, impacts, others, absent, least, best, level,
    documents, k, group, acc, bits, out_rows, out_scores, work,
):  # fmt: skip
    """Write the best k rows and scores of every query to `out_rows` and `out_scores` [queries, k].

    lists [queries + 1]: query i owns the lists [lists[i], lists[i + 1]) of `terms`, `weights` and `sources`.
    starts [terms + 1]: a term's span in `rows`; its impacts are the same span of `impacts` (float32, uint8, or uint16
    for float16), to be multiplied by the query's weight, or begin at sources[list] of `others`, weight included,
    unless that is negative.
    absent [terms]: added to the score of every matching document, times the query's weight.
    least [terms], best [terms, levels]: a term's lowest impact, and its k-th best for a k of this or a deeper
    `level` (negative: none is known).
    group: accumulators compared with the threshold at once; a constant would be unrolled and stay scalar.
    acc, bits: the accumulators of one block, float64 or float32, and the same memory as integers.
    work [3]: postings read, documents matched, documents that competed; added to.
    """
    block = len(acc)
    room = 2 * k + block
    keys = np.empty(room, np.uint64)
    spare = np.empty(room, np.uint64)
    bins = np.empty(BINS + 1, np.int64)
    places = np.empty(group + 1, np.uint32)
    longest = 0
    for query in range(len(lists) - 1):
        longest = max(longest, lists[query + 1] - lists[query])
    heads = np.empty(longest, np.int64)
    ends = np.empty(longest, np.int64)
    for query in range(len(lists) - 1):
        first, number = lists[query], lists[query + 1] - lists[query]
        shift, floor, signed = 0.0, 0.0, False
        for t in range(number):
            term, weight = terms[first + t], weights[first + t]
            heads[t] = starts[term]
            work[0] += starts[term + 1] - starts[term]
            shift += weight * absent[term]
            if weight <= 0 or weight * least[term] <= TINY:
                signed = True
            if level >= 0 and sources[first + t] < 0:
                floor = max(floor, weight * best[term, level])
        blank = bits.dtype.type(np.iinfo(bits.dtype).min if signed else 0)
        if bits[0] != blank:
            bits[:] = blank
        if bits.itemsize == 4:  # single-precision sums may be rounded below this one
            floor *= 1 - 1e-6
        # The k-th best document scores at least what the k-th best of one list gives it.
        bound = np.int64(blank) if signed else _lowest_bits(np.float32(shift + floor), shift, bits)
        held = 0
        for base in range(0, documents, block):
            size = min(block, documents - base)
            postings = 0
            for t in range(number):
                ends[t] = starts[terms[first + t] + 1]
                if base + size < documents:
                    ends[t] = _first_at_least(rows, heads[t], ends[t], base + size)
                postings += ends[t] - heads[t]
            if postings == 0:
                continue
            for t in range(number):
                if sources[first + t] < 0:
                    _add(acc, base, rows, heads[t], ends[t], impacts, heads[t], weights[first + t])
                else:
                    source = sources[first + t] + heads[t] - starts[terms[first + t]]
                    _add(acc, base, rows, heads[t], ends[t], others, source, 1.0)
            if postings * 8 < size:
                for t in range(number):
                    held = _walk(
                        acc, bits, blank, bound, shift, signed, rows, heads[t], ends[t], base, keys, held, work
                    )
            elif signed:
                held = _scan_signed(acc, bits, blank, shift, size, base, keys, held, work)
            elif k <= FEW:
                held = _scan_few(acc, bits, bound, shift, size, base, keys, held, k, group, work)
            else:
                held = _scan_many(acc, bits, bound, shift, size, base, keys, held, group, places, work)
            for t in range(number):
                heads[t] = ends[t]
            if (k <= FEW or held >= 2 * k) and base + size < documents:
                held = largest(keys, held, k, spare, bins)
                if held == k and not signed:  # later rows lose ties: they must score higher than the k-th
                    bound = max(bound, _lowest_bits(_neighbour(score_of(keys[k - 1]), 1), shift, bits))
        held = largest(keys, held, k, spare, bins)
        for i in range(held):
            out_rows[query, i] = np.int64(LOW - (keys[i] & LOW))
            out_scores[query, i] = score_of(keys[i])


@njit(cache=True, nogil=True)
def _first_at_least(rows, start, stop, row):
    while start < stop:
        middle = (start + stop) >> 1
        if rows[np.uint64(middle)] < row:
            start = middle + 1
        else:
            stop = middle
    return start


@njit(cache=True, nogil=True)
def _lowest_bits(score, shift, bits):
    """The least accumulator, as an integer, whose float32 score may reach `score`; any positive one if that is 0."""
    if score <= shift or score <= 0:
        return np.int64(1)
    raw = (np.float64(_neighbour(score, -1)) + np.float64(score)) * 0.5 - shift  # what rounds up to `score`
    if shift != 0:
        raw -= 1e-15 * (shift + raw)
    if raw <= 0:
        return np.int64(1)
    if bits.itemsize == 4:
        return max(np.int64(1), np.int64(np.float32(raw * (1 - 1e-6)).view(np.int32)))
    return np.float64(raw).view(np.int64)


@njit(cache=True, nogil=True)
def _add(acc, base, rows, start, stop, impacts, source, factor):
    # Unsigned indices throughout: numba need not ask whether they count from the end.
    offset = np.uint64(source) - np.uint64(start)
    if factor == 1:
        for i in range(np.uint64(start), np.uint64(stop)):
            acc[np.uint64(rows[i] - base)] += _number(impacts[i + offset])
    else:
        scale, zero = acc.dtype.type(factor), acc.dtype.type(0)
        for i in range(np.uint64(start), np.uint64(stop)):
            acc[np.uint64(rows[i] - base)] += scale * _number(impacts[i + offset]) + zero


@njit(cache=True, nogil=True)
def _walk(acc, bits, blank, bound, shift, signed, rows, start, stop, base, keys, held, work):
    """Collect the documents of one list: cheaper than a scan where a block has few."""
    for i in range(np.uint64(start), np.uint64(stop)):
        place = np.uint64(rows[i] - base)
        if bits[place] != blank:
            work[1] += 1
            if signed or bits[place] >= bound:
                work[2] += 1
                keys[np.uint64(held)] = key_of(acc[place] + shift, rows[i])
                held += 1
            bits[place] = blank
    return held


@njit(cache=True, nogil=True)
def _scan_signed(acc, bits, blank, shift, size, base, keys, held, work):
    """Collect every matching document."""
    before = held
    for i in range(np.uint64(size)):
        if bits[i] != blank:
            keys[np.uint64(held)] = key_of(acc[i] + shift, np.uint64(base) + i)
            held += 1
            bits[i] = blank
    work[1] += held - before
    work[2] += held - before
    return held


@njit(cache=True, nogil=True)
def _scan_many(acc, bits, bound, shift, size, base, keys, held, group, places, work):
    """Collect every document at or above the bound, without a branch for each."""
    matched, before = 0, held
    limit = bits.dtype.type(bound)
    for begin in range(0, size, group):
        end = min(begin + group, size)
        best = bits[begin]
        for i in range(np.uint64(begin), np.uint64(end)):
            best = max(best, bits[i])
            matched += bits[i] != 0
        if best >= limit:
            found = np.uint64(0)
            for i in range(np.uint64(begin), np.uint64(end)):
                places[found] = i
                found += np.uint64(bits[i] >= limit)
            for j in range(found):
                place = np.uint64(places[j])
                keys[np.uint64(held) + j] = key_of(acc[place] + shift, np.uint64(base) + place)
            held += np.int64(found)
        for i in range(np.uint64(begin), np.uint64(end)):
            bits[i] = 0
    work[1] += matched
    work[2] += held - before
    return held


@njit(cache=True, nogil=True)
def _scan_few(acc, bits, bound, shift, size, base, keys, held, k, group, work):
    """Insert documents at or above the bound into the sorted `keys`, raising it to the k-th best so far."""
    matched = 0
    limit = bits.dtype.type(bound)
    for begin in range(0, size, group):
        end = min(begin + group, size)
        best = bits[begin]
        for i in range(np.uint64(begin), np.uint64(end)):
            best = max(best, bits[i])
            matched += bits[i] != 0
        if best >= limit:
            for i in range(np.uint64(begin), np.uint64(end)):
                if bits[i] >= limit:
                    work[2] += 1
                    key = key_of(acc[i] + shift, np.uint64(base) + i)
                    if held < k:
                        place = held
                        held += 1
                    elif key > keys[k - 1]:
                        place = k - 1
                    else:
                        continue
                    while place > 0 and keys[place - 1] < key:
                        keys[place] = keys[place - 1]
                        place -= 1
                    keys[place] = key
                    if held == k:
                        limit = bits.dtype.type(max(bound, _lowest_bits(score_of(keys[k - 1]), shift, bits)))
        for i in range(np.uint64(begin), np.uint64(end)):
            bits[i] = 0
    work[1] += matched
    return held


@njit(cache=True, nogil=True)
def key_of(score, row):
    """The key of a document: a larger one ranks before."""
    bits = np.float32(score).view(np.uint32)
    ordered = np.uint32(~bits) if bits & SIGN else np.uint32(bits | SIGN)
    return (np.uint64(ordered) << np.uint64(32)) | (LOW - np.uint64(row))


@njit(cache=True, nogil=True)
def score_of(key):
    """The float32 score in a key."""
    bits = np.uint32(key >> np.uint64(32))
    return np.uint32(bits ^ SIGN).view(np.float32) if bits & SIGN else np.uint32(~bits).view(np.float32)


@njit(cache=True, nogil=True)
def _neighbour(score, step):
    """The float32 number `step` (1 or -1) after a positive one."""
    return np.uint32(np.float32(score).view(np.uint32) + step).view(np.float32)


@njit(cache=True, nogil=True)
def largest(keys, count, k, spare, bins):
    """Bring the k largest of the first `count` keys to the front, largest first; returns how many there are.

    One histogram over the range of the keys finds the bins that matter; only they are spread out and sorted.
    `spare` is as long as `keys`; `bins` holds BINS + 1 numbers.
    """
    if count <= 48:
        _sort_descending(keys, 0, count)
        return min(count, k)
    low, high = keys[0], keys[0]
    for i in range(count):
        low = min(low, keys[i])
        high = max(high, keys[i])
    wanted = np.uint64(min(BINS, 4 * count))
    shift = np.uint64(0)
    while ((high - low) >> shift) >= wanted:
        shift += np.uint64(1)
    used = ((high - low) >> shift) + np.uint64(1)
    bins[:used] = 0
    for i in range(count):
        bins[(high - keys[i]) >> shift] += 1
    taken, last = 0, 0
    for b in range(used):  # a bin becomes the place where its keys go
        here = bins[b]
        bins[b] = taken
        taken += here
        last = b
        if taken >= k:
            break
    for i in range(count):
        b = (high - keys[i]) >> shift
        if b <= np.uint64(last):
            spare[np.uint64(bins[b])] = keys[i]
            bins[b] += 1
    start = 0
    for b in range(last + 1):
        if bins[b] - start > 1:
            _sort_descending(spare, start, bins[b])
        start = bins[b]
    kept = min(taken, k)
    keys[:kept] = spare[:kept]
    return kept


@njit(cache=True, nogil=True)
def _sort_descending(keys, start, stop):
    """Sort a span in place: by insertion, unless it is long and out of order."""
    if stop - start > 48:
        for i in range(start + 1, stop):
            if keys[i] > keys[i - 1]:
                keys[start:stop] = np.sort(keys[start:stop])[::-1]
                return
        return
    for i in range(start + 1, stop):
        key = keys[i]
        j = i
        while j > start and keys[j - 1] < key:
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key
