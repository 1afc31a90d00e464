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
    codes, counts, first = np.empty(longest, np.int64), np.empty(regions, np.int64), np.empty(regions, np.int64)
    sums, projected = np.empty((regions, dims), np.float32), np.empty((regions, columns), np.float32)
    filled_by = np.empty(regions, np.int64)
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
            for i in range(n):
                code = 0
                for j in range(k):
                    if sides[i, r * k + j] > 0:
                        code |= 1 << j
                codes[i] = code
                if counts[code] == 0:
                    first[code] = i
                    sums[code] = vectors[i]
                else:
                    _add(sums[code], vectors[i])
                counts[code] += 1
            if mean:
                for region in range(regions):
                    if counts[region] > 1:
                        sums[region] /= np.float32(counts[region])
            if fill:
                _nearest(counts, first, k, lowest_region, filled_by)
                for region in range(regions):
                    if counts[region] == 0:
                        sums[region] = vectors[filled_by[region]]
                        counts[region] = 1
            # regions that hold something first, so that only these are multiplied
            held = 0
            for region in range(regions):
                if counts[region]:
                    if held < region:
                        sums[held] = sums[region]
                    filled_by[held] = region
                    held += 1
            block = target[r * regions * columns : (r + 1) * regions * columns].reshape(regions, columns)
            if identity:
                for i in range(held):
                    block[filled_by[i]] = sums[i]
            else:
                np.dot(sums[:held], projections[r], projected[:held])
                for i in range(held):
                    block[filled_by[i]] = projected[i]
        if len(sketch):
            row = encodings[text]
            for i in range(len(target)):
                row[sketch[i]] += signs[i] * target[i]
        if not np.isfinite(encodings[text].sum()):
            return text
    return -1


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add(into, vector):
    for j in range(len(into)):
        into[j] += vector[j]


@njit(cache=True, nogil=True)
def _nearest(counts, first, k, lowest_region, filled_by):
    """For each empty region, the token that fills it."""
    regions = len(counts)
    for region in range(regions):
        if counts[region]:
            continue
        best_distance, best_token = k + 1, -1
        for other in range(regions):
            if counts[other] == 0:
                continue
            distance, apart = 0, region ^ other
            while apart:
                apart &= apart - 1
                distance += 1
            if distance < best_distance or (
                distance == best_distance and not lowest_region and first[other] < best_token
            ):
                best_distance, best_token = distance, first[other]
        filled_by[region] = best_token


@njit(cache=True, nogil=True)
def encode_products(products, scales, offsets, repetitions, k, columns, divisor, fill, encodings):
    """Encodings of the texts [offsets[i], offsets[i+1]) into `encodings` [texts, size] from whole numbers: `products`
    [tokens, at least repetitions · (k + columns)] of their tokens with all hyperplanes, then with all projections,
    and `scales` [tokens] by which the latter are multiplied before they are averaged and divided by `divisor`.
    """
    regions = 1 << k
    counts, first = np.empty(regions, np.int64), np.empty(regions, np.int64)
    filled_by = np.empty(regions, np.int64)
    encodings[:] = 0
    for text in range(len(offsets) - 1):
        a, b = offsets[text], offsets[text + 1]
        if a == b:
            continue
        for r in range(repetitions):
            block = encodings[text, r * regions * columns : (r + 1) * regions * columns].reshape(regions, columns)
            start = repetitions * k + r * columns
            counts[:] = 0
            for i in range(a, b):
                code = 0
                for j in range(k):
                    if products[i, r * k + j] > 0:
                        code |= 1 << j
                if counts[code] == 0:
                    first[code] = i
                counts[code] += 1
                _add_scaled(block[code], products[i, start : start + columns], scales[i] / divisor)
            for region in range(regions):
                if counts[region] > 1:
                    block[region] /= np.float32(counts[region])
            if fill:
                _nearest(counts, first, k, False, filled_by)
                for region in range(regions):
                    if counts[region] == 0:
                        i = filled_by[region]
                        _add_scaled(block[region], products[i, start : start + columns], scales[i] / divisor)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_scaled(into, numbers, scale):
    for j in range(len(into)):
        into[j] += scale * np.float32(numbers[j])
