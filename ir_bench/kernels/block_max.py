"""Compiled exact search that skips blocks of documents whose bound is below the k-th best score so far.

A block is a few neighbouring documents. Its bound adds up, over the query's terms, the largest impact that the term has
in the block: terms in many blocks have that maximum in a table, rounded up to a 255th of the term's largest; of the
others the postings are read. Blocks of the highest bounds are scored first, so that most others need not be.

Contributions are added up term by term in double precision, as in the inverted index, so scores are the same.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ir_bench.kernels.inverted import LOW, key_of, largest, score_of

SHIFT = 3  # 8 documents a block
COARSE = 6  # one pointer into a term's postings for 64 documents
SAFE = np.float32(1 + 1e-4)  # more than what rounding in single precision takes off a bound of a thousand terms


@njit(cache=True, nogil=True)
def heaviest_terms(terms, weights, offsets, count):
    """The terms of largest weight of each text [texts, count], heaviest first; -1 where there are fewer."""
    found = np.full((len(offsets) - 1, count), -1, np.int32)
    best = np.empty(count, np.float32)
    for row in range(len(found)):
        held = 0
        for i in range(offsets[row], offsets[row + 1]):
            if held == count and weights[i] <= best[held - 1]:
                continue
            place = held if held < count else count - 1
            held = min(count, held + 1)
            while place > 0 and best[place - 1] < weights[i]:
                best[place], found[row, place] = best[place - 1], found[row, place - 1]
                place -= 1
            best[place], found[row, place] = weights[i], terms[i]
    return found


@njit(cache=True, nogil=True)
def tables(starts, rows, impacts, documents, least):
    """For each term in at least `least` documents: its row in the tables [terms] (else -1), the largest impact in each
    block [tabled, blocks] in steps [tabled] rounded up, and the postings before each 64 documents [tabled, …]."""
    blocks = ((documents - 1) >> SHIFT) + 1
    slots, count = np.full(len(starts) - 1, -1, np.int32), 0
    for term in range(len(slots)):
        if starts[term + 1] - starts[term] >= least:
            slots[term] = count
            count += 1
    maxima = np.zeros((count, blocks), np.uint8)
    pointers = np.zeros((count, ((documents - 1) >> COARSE) + 2), np.int32)
    steps = np.ones(count, np.float32)
    highest = np.empty(blocks, np.float32)
    for term in range(len(slots)):
        slot = slots[term]
        if slot < 0:
            continue
        highest[:] = 0
        for i in range(starts[term], starts[term + 1]):
            block = rows[i] >> SHIFT
            highest[block] = max(highest[block], impacts[i])
            pointers[slot, (rows[i] >> COARSE) + 1] += 1
        for place in range(1, pointers.shape[1]):
            pointers[slot, place] += pointers[slot, place - 1]
        steps[slot] = highest.max() / np.float32(255) * SAFE
        for block in range(blocks):
            maxima[slot, block] = min(255, np.ceil(highest[block] / steps[slot]))
    return slots, maxima, steps, pointers


@njit(cache=True, nogil=True)
def search(
    lists, terms, weights, starts, rows, impacts, names, best, level, slots, maxima, steps, pointers, documents, k,
    seeds, share, group, accumulators, out_rows, out_scores, work,
):  # fmt: skip
    """Write the best k rows and scores of every query to `out_rows` and `out_scores` [queries, k].

    lists [queries + 1]: query i owns the lists [lists[i], lists[i + 1]) of `terms` and `weights`, all above 0.
    names [documents]: the rows to be reported, by which ties are broken too. best [terms, levels]: a term's k-th best
    impact, for a k of this or a deeper `level` (negative: none is known). slots … pointers: from `tables`.
    seeds: blocks scored first, 0 to score every document. share: of blocks; where more are left than this, all
    documents are scored, term by term. accumulators: zeros, those of the documents then scored at once.
    work [4]: postings read, documents scored, blocks scored, blocks skipped; added to.
    """
    blocks = ((documents - 1) >> SHIFT) + 1
    bounds = np.empty(blocks, np.float32)
    left = np.empty(blocks, np.int32)
    done = np.zeros(blocks, np.bool_)
    few = np.zeros(1 << SHIFT, np.float64)
    keys, spare = np.empty(2 * k + len(accumulators), np.uint64), np.empty(2 * k + len(accumulators), np.uint64)
    bins = np.empty(2049, np.int64)
    first_blocks, first_bounds = np.empty(max(1, seeds), np.int32), np.empty(max(1, seeds), np.float32)
    longest = 0
    for query in range(len(lists) - 1):
        longest = max(longest, lists[query + 1] - lists[query])
    heads, ends = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for query in range(len(lists) - 1):
        begin, end = lists[query], lists[query + 1]
        threshold, held, whole, scored = np.float32(0), 0, seeds == 0, work[2]
        if level >= 0:  # the k-th best document scores at least what the k-th best of one list gives it
            for t in range(begin, end):
                threshold = max(threshold, np.float32(weights[t] * best[terms[t], level] * (1 - 1e-6)))
        if not whole:
            _bound(bounds, begin, end, terms, weights, starts, rows, impacts, slots, maxima, steps, work)
            found = _highest(bounds, first_blocks, first_bounds, group)
            for i in range(found):
                if held == k and first_bounds[i] * SAFE < score_of(keys[k - 1]):
                    break
                block = first_blocks[i]
                done[block] = True
                held = _score(
                    block, begin, end, terms, weights, starts, rows, impacts, names, slots, pointers, few, heads, ends,
                    keys, held, k, work,
                )  # fmt: skip
            if held == k:
                threshold = max(threshold, score_of(keys[k - 1]))
            count = _at_least(bounds, threshold / SAFE, done, left, group)
            for i in range(found):
                done[first_blocks[i]] = False
            whole = count > share * blocks
            for i in range(0 if whole else count):
                block = left[i]
                if held == k and bounds[block] * SAFE < score_of(keys[k - 1]):
                    continue
                held = _score(
                    block, begin, end, terms, weights, starts, rows, impacts, names, slots, pointers, few, heads, ends,
                    keys, held, k, work,
                )  # fmt: skip
            if not whole:
                work[3] += blocks - (work[2] - scored)
        if whole:
            held = _everything(
                begin, end, terms, weights, starts, rows, impacts, names, documents, threshold, group, accumulators,
                heads, keys, spare, bins, k, work,
            )  # fmt: skip
        for i in range(held):
            out_rows[query, i] = np.int64(LOW - (keys[i] & LOW))
            out_scores[query, i] = score_of(keys[i])


@njit(cache=True, nogil=True)
def _bound(bounds, begin, end, terms, weights, starts, rows, impacts, slots, maxima, steps, work):
    bounds[:] = 0
    for t in range(begin, end):
        term, weight = terms[t], np.float32(weights[t])
        slot = slots[term]
        if slot >= 0:
            _add_scaled(bounds, maxima[slot], weight * steps[slot])
            continue
        work[0] += starts[term + 1] - starts[term]
        last, best = np.int64(-1), np.float32(0)
        for i in range(np.uint64(starts[term]), np.uint64(starts[term + 1])):
            block = np.int64(rows[i] >> SHIFT)
            if block == last:
                best = max(best, impacts[i])
            else:
                if last >= 0:
                    bounds[last] += weight * best
                last, best = block, impacts[i]
        if last >= 0:
            bounds[last] += weight * best


@njit(cache=True, nogil=True)
def _add_scaled(bounds, maxima, factor):
    for i in range(np.uint64(len(bounds))):
        bounds[i] += factor * np.float32(maxima[i])


@njit(cache=True, nogil=True)
def _highest(bounds, blocks, values, group):
    """The blocks of highest bounds, best first, as many as there is room for; returns how many."""
    count = 0
    for begin in range(0, len(bounds), group):
        end = min(begin + group, len(bounds))
        best = np.float32(0)
        for i in range(np.uint64(begin), np.uint64(end)):
            best = max(best, bounds[i])
        if best <= (values[count - 1] if count == len(values) else np.float32(0)):
            continue
        for i in range(begin, end):
            if bounds[i] <= (values[count - 1] if count == len(values) else np.float32(0)):
                continue
            place = min(count, len(values) - 1)
            count = min(count + 1, len(values))
            while place > 0 and values[place - 1] < bounds[i]:
                values[place], blocks[place] = values[place - 1], blocks[place - 1]
                place -= 1
            values[place], blocks[place] = bounds[i], i
    return count


@njit(cache=True, nogil=True)
def _at_least(bounds, least, done, left, group):
    """Collect the blocks that may reach `least` and are not done; returns how many."""
    count = 0
    for begin in range(0, len(bounds), group):
        end = min(begin + group, len(bounds))
        best = np.float32(0)
        for i in range(np.uint64(begin), np.uint64(end)):
            best = max(best, bounds[i])
        if best >= least and best > 0:
            for i in range(begin, end):
                if bounds[i] >= least and bounds[i] > 0 and not done[i]:
                    left[count] = i
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _score(
    block, begin, end, terms, weights, starts, rows, impacts, names, slots, pointers, few, heads, ends, keys, held, k,
    work,
):  # fmt: skip
    """Score the documents of one block and insert them into the `keys`, sorted, largest first, of at most k."""
    base = block << SHIFT
    after = base + (1 << SHIFT)
    for t in range(end - begin):  # apart from the postings, so that the reads from memory overlap
        term = terms[begin + t]
        slot = slots[term]
        if slot >= 0:
            heads[t] = starts[term] + pointers[slot, base >> COARSE]
            ends[t] = starts[term] + pointers[slot, (base >> COARSE) + 1]
        else:
            ends[t] = starts[term + 1]
            heads[t] = _first_at_least(rows, starts[term], ends[t], base)
    for t in range(end - begin):
        weight = weights[begin + t]
        for i in range(np.uint64(heads[t]), np.uint64(ends[t])):
            if rows[i] >= after:
                break
            if rows[i] >= base:
                few[rows[i] - base] += weight * impacts[i]
                work[0] += 1
    work[2] += 1
    for i in range(len(few)):
        if few[i] == 0:
            continue
        work[1] += 1
        key = key_of(few[i], names[base + i])
        few[i] = 0
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
    return held


@njit(cache=True, nogil=True)
def _everything(
    begin, end, terms, weights, starts, rows, impacts, names, documents, threshold, group, accumulators, heads, keys,
    spare, bins, k, work,
):  # fmt: skip
    """Score every document term by term, thousands at a time; those below the threshold, which rises, are left out."""
    held, size, bits = 0, len(accumulators), accumulators.view(np.int64)
    for t in range(begin, end):
        heads[t - begin] = starts[terms[t]]
    for base in range(0, documents, size):
        after = min(base + size, documents)
        for t in range(begin, end):
            head, stop = heads[t - begin], starts[terms[t] + 1]
            if after < documents:
                stop = _first_at_least(rows, head, stop, after)
            weight = weights[t]
            for i in range(np.uint64(head), np.uint64(stop)):
                accumulators[np.uint64(rows[i] - base)] += weight * impacts[i]
            work[0] += stop - head
            heads[t - begin] = stop
        # Numbers from 0 are ordered as their bits, which compare faster; what rounds up to the threshold is above this.
        least = max(np.int64(1), np.float64(np.float64(threshold) * (1 - 1e-7)).view(np.int64))
        for start in range(0, after - base, group):
            stop = min(start + group, after - base)
            best, matched = bits[start], 0
            for i in range(np.uint64(start), np.uint64(stop)):
                best = max(best, bits[i])
                matched += bits[i] != 0
            work[1] += matched
            if best >= least:
                for i in range(np.uint64(start), np.uint64(stop)):
                    if bits[i] >= least:
                        keys[held] = key_of(accumulators[i], names[np.uint64(base) + i])
                        held += 1
            for i in range(np.uint64(start), np.uint64(stop)):
                bits[i] = 0
        if held >= 2 * k and after < documents:
            held = largest(keys, held, k, spare, bins)
            threshold = score_of(keys[k - 1])
    return largest(keys, held, k, spare, bins)


@njit(cache=True, nogil=True)
def _first_at_least(rows, start, stop, row):
    while start < stop:
        middle = (start + stop) >> 1
        if rows[np.uint64(middle)] < row:
            start = middle + 1
        else:
            stop = middle
    return start
