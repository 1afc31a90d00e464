"""Fixed dimensional encodings of many token sets, one set at a time, in buffers that stay in a core's cache."""

from __future__ import annotations

import numpy as np
from numba import njit

from ir_bench.kernels.maxsim import half_to_single


@njit(cache=True, nogil=True)
def encode(
    tokens, halves, offsets, hyperplanes, projections, identity, mean, fill, lowest_region, sketch, signs, encodings
):
    """Encodings of the texts [offsets[i], offsets[i+1]) of `tokens` [tokens, dims] into `encodings` [texts, size]; the
    first text with a number that is not finite, or -1.

    `halves` holds the bits of float16 tokens as uint16 where `tokens` is empty. `hyperplanes` [dims, repetitions · k];
    `projections` [repetitions, dims, columns], not read where `identity`. `mean` of a region's tokens, else their sum.
    `fill`: an empty region takes a token of the nearest region that has one (by Hamming distance), of several the first
    in the text, or the first of the lowest-numbered region with `lowest_region`. `sketch` [repetitions · regions ·
    columns] and `signs`: the place and sign of each number in the final projection; empty for none.
    """
    dims, repetitions = hyperplanes.shape[0], len(projections)
    k = hyperplanes.shape[1] // repetitions
    regions = 1 << k
    columns = dims if identity else projections.shape[2]
    longest = 0
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    half = len(halves) > 0
    bits = np.empty((longest if half else 0, dims), np.uint32)
    converted = bits.view(np.float32)
    products = np.empty(longest * repetitions * k, np.float32)
    codes, order = np.empty(longest, np.int64), np.empty(longest, np.int64)
    counts, first = np.empty(regions, np.int64), np.empty(regions, np.int64)
    rows, row_of = np.empty((2 * regions, dims), np.float32), np.empty(regions, np.int64)
    projected = np.empty((2 * regions, columns), np.float32)
    held, single, filled_by = np.empty(regions, np.int64), np.empty(regions, np.int64), np.empty(regions, np.int64)
    after = np.empty(regions, np.int64)
    apart = _apart(regions)
    whole = np.empty(repetitions * regions * columns if len(sketch) else 0, np.float32)
    for text in range(len(offsets) - 1):
        a, b = offsets[text], offsets[text + 1]
        n = b - a
        target = whole if len(sketch) else encodings[text]
        target[:] = 0
        encodings[text] = 0
        if n == 0:
            continue
        if half:
            if not half_to_single(halves[a:b], bits, converted):
                return text
            vectors = converted[:n]
        else:
            vectors = tokens[a:b]
        sides = products[: n * repetitions * k].reshape(n, repetitions * k)
        if k:
            np.dot(vectors, hyperplanes, sides)
        for r in range(repetitions):
            counts[:] = 0
            holding = 0
            for i in range(n):
                code = np.int64(0)
                for j in range(k):
                    code |= np.int64(sides[i, r * k + j] > 0) << j  # without a branch: it goes either way
                codes[i] = code
                if counts[code] == 0:
                    first[code] = i
                    held[holding] = code
                    row_of[code] = holding
                    holding += 1
                counts[code] += 1
            _sums(vectors, codes[:n], counts, held[:holding], row_of, order, after, rows)
            used = holding
            if fill and holding < regions:
                _nearest(counts, first, held[:holding], apart, lowest_region, filled_by)
                single[:] = -1  # the row of a region's first token by itself
                for i in range(holding):
                    if counts[held[i]] == 1:
                        single[held[i]] = i
                for region in range(regions):
                    if counts[region] == 0 and single[filled_by[region]] < 0:
                        _copy(vectors[first[filled_by[region]]], rows[used])
                        single[filled_by[region]] = used
                        used += 1
            if identity:
                projected[:used] = rows[:used]
            else:
                np.dot(rows[:used], projections[r], projected[:used])
            block = target[r * regions * columns : (r + 1) * regions * columns].reshape(regions, columns)
            for region in range(regions):
                if counts[region]:
                    scale = np.float32(1.0 / counts[region]) if mean else np.float32(1.0)
                    for j in range(columns):
                        block[region, j] = scale * projected[row_of[region], j]
                elif fill:
                    for j in range(columns):
                        block[region, j] = projected[single[filled_by[region]], j]
        if len(sketch):
            row = encodings[text]
            for i in range(len(target)):
                row[sketch[i]] += signs[i] * target[i]
        if not np.isfinite(encodings[text].sum()):
            return text
    return -1


@njit(cache=True, nogil=True)
def _sums(vectors, codes, counts, held, row_of, order, after, rows):
    """The sum of each region's tokens in its row, some tokens at once: a sum is read and written less often.

    `order` [tokens] and `after` [regions] are room: the tokens by row, and where those of each end."""
    total = 0
    for i in range(len(held)):
        after[i] = total
        total += counts[held[i]]
    for i in range(len(codes)):
        row = row_of[codes[i]]
        order[after[row]] = i
        after[row] += 1
    start = 0
    for row in range(len(held)):
        into, stop = rows[row], after[row]
        _copy(vectors[order[start]], into)
        start += 1
        while start + 4 <= stop:
            _add_four(
                into, vectors[order[start]], vectors[order[start + 1]], vectors[order[start + 2]],
                vectors[order[start + 3]],
            )  # fmt: skip
            start += 4
        while start < stop:
            _add(into, vectors[order[start]])
            start += 1


@njit(cache=True, nogil=True)
def _copy(vector, into):
    for j in range(len(into)):
        into[j] = vector[j]


@njit(cache=True, nogil=True)
def _add_four(into, a, b, c, d):
    for j in range(len(into)):
        into[j] += (a[j] + b[j]) + (c[j] + d[j])


@njit(cache=True, nogil=True)
def _add(into, vector):
    for j in range(len(into)):
        into[j] += vector[j]


@njit(cache=True, nogil=True)
def _apart(regions):
    """Hamming distance of two regions by the bits in which they differ [regions]."""
    distances = np.zeros(regions, np.int64)
    for i in range(1, regions):
        distances[i] = distances[i >> 1] + (i & 1)
    return distances


@njit(cache=True, nogil=True)
def _nearest(counts, first, held, apart, lowest_region, filled_by):
    """The region of `held` (those with tokens) whose first token fills each empty region."""
    for region in range(len(counts)):
        if counts[region]:
            continue
        best_distance, best_tie, best = len(counts), 0, -1
        for other in held:
            distance = apart[region ^ other]
            tie = other if lowest_region else first[other]
            if distance < best_distance or (distance == best_distance and tie < best_tie):
                best_distance, best_tie, best = distance, tie, other
        filled_by[region] = best


@njit(cache=True, nogil=True)
def encode_products(products, scales, offsets, repetitions, k, columns, divisor, fill, encodings):
    """Encodings of the texts [offsets[i], offsets[i+1]) into `encodings` [texts, size] from whole numbers: `products`
    [tokens, at least repetitions · (k + columns)] of their tokens with all hyperplanes, then with all projections,
    and `scales` [tokens] by which the latter are multiplied before they are averaged and divided by `divisor`.
    """
    regions = 1 << k
    counts, first = np.empty((repetitions, regions), np.int64), np.empty((repetitions, regions), np.int64)
    held, filled_by, apart = np.empty(regions, np.int64), np.empty(regions, np.int64), _apart(regions)
    scales = scales / divisor
    width = products.shape[1]
    numbers = products.reshape(-1)
    for text in range(len(offsets) - 1):
        a, b = offsets[text], offsets[text + 1]
        encoding = encodings[text]
        encoding[:] = 0
        counts[:] = 0
        for i in range(a, b):
            for r in range(repetitions):
                code = np.int64(0)
                for j in range(k):
                    code |= np.int64(products[i, r * k + j] > 0) << j
                if counts[r, code] == 0:
                    first[r, code] = i
                counts[r, code] += 1
                start = i * width + repetitions * k + r * columns
                _add_scaled(encoding, (r * regions + code) * columns, numbers, start, columns, scales[i])
        for r in range(repetitions):
            holding = 0
            for region in range(regions):
                if counts[r, region]:
                    held[holding] = region
                    holding += 1
                    if counts[r, region] > 1:
                        at = (r * regions + region) * columns
                        _divide(encoding[at : at + columns], np.float32(counts[r, region]))
            if fill and 0 < holding < regions:
                _nearest(counts[r], first[r], held[:holding], apart, False, filled_by)
                for region in range(regions):
                    if counts[r, region] == 0:
                        i = first[r, filled_by[region]]
                        start = i * width + repetitions * k + r * columns
                        _add_scaled(encoding, (r * regions + region) * columns, numbers, start, columns, scales[i])


@njit(cache=True, nogil=True)
def _divide(numbers, by):
    for j in range(len(numbers)):
        numbers[j] /= by


@njit(cache=True, nogil=True)
def _add_scaled(into, at, numbers, start, count, scale):
    """Adds numbers[start : start + count], scaled, to into[at : at + count].

    Eight at once and with indices that cannot be negative, because the compiler's own form of a loop pays only for
    more numbers than a projection has columns."""
    at, start, whole, count = np.uint64(at), np.uint64(start), np.uint64(count // 8 * 8), np.uint64(count)
    for some in range(np.uint64(0), whole, np.uint64(8)):
        for j in range(np.uint64(8)):
            into[at + some + j] += scale * np.float32(numbers[start + some + j])
    for j in range(whole, count):
        into[at + j] += scale * np.float32(numbers[start + j])
