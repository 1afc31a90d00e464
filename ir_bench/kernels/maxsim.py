"""MaxSim of chosen pairs of queries and documents over one flat matrix of token vectors, where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ir_bench.scoring import DOCUMENT_TOKENS, QUERY_TOKENS, require_dims, require_finite, token_blocks
from ir_bench.types import MultiVector

CONVERTED_AT_ONCE = 65_536  # tokens
TOKENS = 256  # of a document multiplied at once: with the query they stay in a core's cache
COPIED = 512  # of several short documents in int8, where a product takes less time than asking torch for it
# Shapes of products that torch prepares for and remembers, of which it keeps a thousand: a new one takes longer than
# the product itself, so sizes are rounded up.
HEIGHTS, WIDTHS = 32, 8
_HALF_TO_SINGLE = np.float32(2.0**112)  # between the exponents that the two formats start from


def pair_scores(
    queries: MultiVector,
    documents: MultiVector,
    asked: NDArray[np.int64],
    rows: NDArray[np.int64],
    scales: NDArray[np.float32] | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """MaxSim in float32 of query `asked[i]` with document `rows[i]` [pairs]; -inf where one of them has no tokens, NaN
    where a vector is not finite.

    The documents' tokens are float32, float16 or, with `scales` [tokens], int8, and are read where they lie: nothing is
    padded, only the named rows are touched, and pairs with the same row one after the other. `threads` share the
    pairs. The memory beyond the result is the queries' tokens and, per thread, `TOKENS` float32 vectors and their
    products. With `scales` the queries are rounded to int8 too and the products are those of whole numbers; short
    documents are copied, `COPIED` tokens at a time, and taken query by query, which changes no score.
    """
    order = np.argsort(rows, kind="stable")  # a document is read once, and a memory map in ascending order
    if scales is not None and 4 * (documents.offsets[rows + 1] - documents.offsets[rows]).sum() <= COPIED * len(rows):
        order = np.lexsort((rows, asked))
    parts = [part for part in np.array_split(order, max(threads, 1)) if len(part)]
    scores = np.empty(len(rows), np.float32)
    work = _float_scores(queries, documents) if scales is None else _int8_scores(queries, documents, scales)

    def part_of(part: NDArray[np.int64]) -> None:
        scores[part] = work(np.ascontiguousarray(asked[part]), np.ascontiguousarray(rows[part]))

    if len(parts) > 1:
        with one_thread_of_blas(), ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(part_of, parts))
    elif parts:
        with one_thread_of_blas():
            part_of(parts[0])
    return scores


@contextmanager
def one_thread_of_blas() -> Iterator[None]:
    """Products this small are slower by several threads than by one."""
    with _pools().limit(limits=1, user_api="blas"):
        yield


@cache
def _pools() -> Any:
    import scipy.linalg.cython_blas  # noqa: F401  what numba multiplies with: it must be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looking for the thread pools takes a millisecond


def quantised(vectors: NDArray[np.floating]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Vectors [n, dims] as whole numbers of -127 to 127 and one scale each [n]: vector ≈ scale · numbers."""
    single = vectors.astype(np.float32)
    largest = np.abs(single).max(axis=1, initial=0)
    scales = np.where(largest > 0, largest / 127, np.float32(1)).astype(np.float32)
    single /= scales[:, None]
    return np.rint(single, out=single).astype(np.int8), scales


def finite_blocks(
    documents: MultiVector, dtype: type[np.float16] | type[np.float32]
) -> Iterator[tuple[slice, NDArray[np.floating]]]:
    """Token vectors [tokens, dims] in another number format, `CONVERTED_AT_ONCE` at a time, and where they are.

    Raises InputError naming the first document with a vector that has NaN or infinite values in this format.
    """
    for start in range(0, len(documents.values), CONVERTED_AT_ONCE):
        span = slice(start, start + CONVERTED_AT_ONCE)
        with np.errstate(over="ignore"):  # looked for below, where the document can be named
            vectors: NDArray[np.floating] = documents.values[span].astype(dtype)
        if not np.isfinite(vectors).all():
            require_finite(vectors, "a vector of document", documents.offsets - start)
        yield span, vectors


def int8_scores(queries: MultiVector, documents: MultiVector, scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """MaxSim of all queries with all documents in int8 with `scales` [tokens], as [queries, documents]: what
    `pair_scores` gives for each pair, bit for bit, but many tokens are multiplied at once.

    The memory beyond the result is as in `scoring.maxsim`. Raises InputError for queries of other dims.
    """
    import torch

    require_dims(queries, documents.values.shape[1])
    scores = np.full((len(queries), len(documents)), -np.inf, np.float32)
    numbers, query_scales = quantised(queries.values)
    asked = [
        (rows, np.append(starts, span.stop - span.start), query_scales[span], _columns(numbers[span]))
        for rows, starts, span in token_blocks(queries.offsets, QUERY_TOKENS)
    ]
    tokens = _tensor(documents.values)
    most = int(np.diff(documents.offsets).max(initial=DOCUMENT_TOKENS)) + HEIGHTS
    room = torch.empty(most * max((block.shape[1] for *_, block in asked), default=0), dtype=torch.int32)
    for rows, starts, span in token_blocks(documents.offsets, DOCUMENT_TOKENS):
        bounds = np.append(starts, span.stop - span.start)
        for query_rows, query_bounds, own, block in asked:
            largest = np.full((len(rows), len(own)), -np.inf, np.float32)
            _largest_by_document(_products(tokens, span.start, span.stop, block, room), bounds, scales[span], largest)
            for query, a, b in zip(query_rows.tolist(), query_bounds[:-1], query_bounds[1:], strict=True):
                scores[query, rows] = np.vecdot(largest[:, a:b], own[a:b])  # added up in the order of a single pair
    return scores


def stored_numbers(values: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """Vectors [n, dims] as compiled code reads them, one of the two empty: float32, or the bits of float16, which it
    has no type for. Nothing is copied where the vectors are of one of these formats and contiguous."""
    dims = values.shape[1]
    if values.dtype == np.float16:
        return np.empty((0, dims), np.float32), np.ascontiguousarray(np.asarray(values)).view(np.uint16)
    return np.ascontiguousarray(np.asarray(values), np.float32), np.empty((0, dims), np.uint16)


def _float_scores(queries: MultiVector, documents: MultiVector) -> Any:
    offsets = np.ascontiguousarray(queries.offsets)
    transposed = np.empty(queries.values.size, np.float32)  # query i as [dims, tokens], one after the other
    dims = queries.values.shape[1]
    for i, (a, b) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        transposed[a * dims : b * dims] = queries.row(i).astype(np.float32, copy=False).T.ravel()
    singles, halves = stored_numbers(documents.values)
    bounds = np.ascontiguousarray(documents.offsets)

    def work(asked: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return _pairs(transposed, offsets, singles, halves, bounds, asked, rows)

    return work


def _int8_scores(queries: MultiVector, documents: MultiVector, scales: NDArray[np.float32]) -> Any:
    import torch

    numbers, query_scales = quantised(queries.values)
    spans = list(_spans(queries.offsets))
    blocks = [_columns(numbers[a:b]) for a, b in spans]
    values = np.asarray(documents.values, np.int8)
    tokens, scales = _tensor(values), np.asarray(scales)
    offsets = documents.offsets
    widest = max((block.shape[1] for block in blocks), default=0)

    def work(asked: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        room = torch.empty(COPIED * widest, dtype=torch.int32)
        near = np.zeros((COPIED, values.shape[1]), np.int8)
        copies = torch.from_numpy(near)
        scores = np.full(len(rows), -np.inf, np.float32)
        starts, stops = offsets[rows], offsets[rows + 1]  # not of all documents
        cuts = _together(asked, starts, stops).tolist()
        for i, j in pairwise(cuts):
            (q, r), block = spans[asked[i]], blocks[asked[i]]
            if q == r:
                continue
            largest = np.full((j - i, r - q), -np.inf, np.float32)
            if j - i == 1:
                first, last = int(starts[i]), int(stops[i])
                for a in range(first, last, TOKENS):
                    b = min(a + TOKENS, last)
                    _scaled_largest(_products(tokens, a, b, block, room), scales[a:b], largest[0])
            elif count := _copy(values, starts[i:j], stops[i:j], near):
                _largest_of_copies(_products(copies, 0, count, block, room), starts[i:j], stops[i:j], scales, largest)
            scores[i:j] = np.vecdot(largest, query_scales[q:r])
        return scores

    return work


def _columns(numbers: NDArray[np.int8]) -> Any:
    """Vectors [n, dims] as the right side [dims, columns] of a product, with zeros up to a whole number of `WIDTHS`."""
    import torch

    block = np.zeros((numbers.shape[1], -(-len(numbers) // WIDTHS) * WIDTHS), np.int8)
    block[:, : len(numbers)] = numbers.T
    return torch.from_numpy(block)


def _products(tokens: Any, start: int, stop: int, block: Any, room: Any) -> NDArray[np.int32]:
    """Inner products [rows, columns] of the tokens from `start` to `stop` with those of `block`, in `room`; rows and
    columns beyond them mean nothing."""
    import torch

    height = -(-(stop - start) // HEIGHTS) * HEIGHTS  # the next documents' tokens are multiplied, not looked at
    if start + height > len(tokens):
        height = stop - start
    products = room[: height * block.shape[1]].view(height, -1)
    return torch._int_mm(tokens[start : start + height], block, out=products).numpy()


def _tensor(values: NDArray) -> Any:
    import torch

    return torch.from_dlpack(_writable(np.asarray(values, np.int8)))


def _spans(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)


def _writable(values: NDArray[np.int8]) -> NDArray[np.int8]:
    """The same memory as torch takes it without a warning: a read-only memory map is only ever read here."""
    if values.flags.writeable:
        return values
    interface = {**values.__array_interface__}
    interface["data"] = (interface["data"][0], False)

    class View:
        __array_interface__ = interface
        owner = values

    return np.asarray(View())


# Without fast-math's "no NaN": whether a vector is finite is told by the sum of all its products.
@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"})
def _take(products, tokens, width, largest):
    """Raises `largest` [width] to the largest of each column of `products` [tokens · width]; the sum of all."""
    total = np.float32(0)
    for i in range(tokens):
        row = products[i * width : (i + 1) * width]
        for j in range(width):
            total += row[j]
            if row[j] > largest[j]:
                largest[j] = row[j]
    return total


@njit(cache=True, nogil=True)
def _pairs(queries, query_offsets, tokens, halves, offsets, asked, rows):
    dims, half = tokens.shape[1], len(halves) > 0
    widest = np.int64(0)
    for query in asked:
        widest = max(widest, query_offsets[query + 1] - query_offsets[query])
    products, largest = np.empty(TOKENS * widest, np.float32), np.empty(widest, np.float32)
    bits = np.empty((TOKENS if half else 0, dims), np.uint32)
    converted = bits.view(np.float32)
    held, end, finite = -1, -1, True  # the block that is converted, and whether its numbers are finite
    scores = np.full(len(rows), -np.inf, np.float32)
    for pair in range(len(rows)):
        query, first, last = asked[pair], offsets[rows[pair]], offsets[rows[pair] + 1]
        width = query_offsets[query + 1] - query_offsets[query]
        if width == 0 or first == last:
            continue
        vectors = queries[query_offsets[query] * dims : query_offsets[query + 1] * dims].reshape(dims, width)
        largest[:width] = -np.inf
        total = np.float32(0)
        for a in range(first, last, TOKENS):
            b = min(a + TOKENS, last)
            if half:
                if a != held or b != end:
                    finite = half_to_single(halves[a:b], bits, converted)
                    held, end = a, b
                if not finite:
                    total = np.float32(np.nan)
                block = converted[: b - a]
            else:
                block = tokens[a:b]
            np.dot(block, vectors, products[: (b - a) * width].reshape(b - a, width))
            total += _take(products, b - a, width, largest)
        scores[pair] = largest[:width].sum() if np.isfinite(total) else np.nan
    return scores


@njit(cache=True, nogil=True)
def half_to_single(halves, bits, converted):
    """The float16 numbers whose bits are `halves` [n, dims] in float32, into `converted`, which shares its memory with
    `bits`; false where one is NaN or infinite, whose conversion means nothing."""
    highest = np.uint16(0)
    for i in range(len(halves)):
        source, target, floats = halves[i], bits[i], converted[i]
        for j in range(len(source)):
            half = source[j]
            magnitude = half & np.uint16(0x7FFF)
            highest = max(highest, magnitude)
            target[j] = (np.uint32(magnitude) << np.uint32(13)) | (np.uint32(half & np.uint16(0x8000)) << np.uint32(16))
        for j in range(len(source)):
            floats[j] *= _HALF_TO_SINGLE
    return highest < np.uint16(0x7C00)


@njit(cache=True, nogil=True)
def _together(asked, starts, stops):
    """Where pairs begin that are multiplied at once, and the number of pairs: those of one query one after the other
    whose documents have at most `COPIED` tokens together, or a single pair."""
    cuts = np.empty(len(asked) + 1, np.int64)
    count, held = 0, 0
    for i in range(len(asked)):
        tokens = stops[i] - starts[i]
        if count == 0 or asked[i] != asked[i - 1] or held + tokens > COPIED:
            cuts[count] = i
            count, held = count + 1, 0
        held += tokens
    cuts[count] = len(asked)
    return cuts[: count + 1]


@njit(cache=True, nogil=True)
def _copy(values, starts, stops, near):
    """The tokens from each start to its stop, one after the other in `near`; how many they are."""
    count = 0
    for i in range(len(starts)):
        for token in range(starts[i], stops[i]):
            near[count] = values[token]
            count += 1
    return count


@njit(cache=True, nogil=True)
def _largest_of_copies(products, starts, stops, scales, largest):
    """Raises each row of `largest` [documents, columns] to the largest of its document's scaled products."""
    first = 0
    for i in range(len(starts)):
        last = first + stops[i] - starts[i]
        _scaled_largest(products[first:last], scales[starts[i] : stops[i]], largest[i])
        first = last


@njit(cache=True, nogil=True)
def _scaled_largest(products, scales, largest):
    for i in range(len(scales)):
        scale, row = scales[i], products[i]
        for j in range(len(largest)):
            scaled = row[j] * scale
            if scaled > largest[j]:
                largest[j] = scaled


@njit(cache=True, nogil=True)
def _largest_by_document(products, bounds, scales, largest):
    """Raises each row of `largest` [documents, columns] to the largest of the document's scaled products."""
    for i in range(len(largest)):
        a, b = bounds[i], bounds[i + 1]
        _scaled_largest(products[a:b], scales[a:b], largest[i])
