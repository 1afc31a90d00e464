"""MaxSim of all queries with all documents on a device of torch, and the best of it, both left there."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_bench.kernels.maxsim import quantised
from ir_bench.scoring import require_dims, token_blocks
from ir_bench.types import MultiVector

DOCUMENT_TOKENS, QUERY_TOKENS = 65_536, 2048  # multiplied at once: 512 MiB of products
SEGMENTED = ("cpu", "cuda")  # the kinds of devices that torch.segment_reduce is made for


def maxsim(
    queries: MultiVector, documents: MultiVector, device: torch.device, scales: NDArray[np.float32] | None = None
) -> Tensor:
    """Sums over the tokens of each query of the largest inner product with a token of each document
    [queries, documents], in float32 on the device; -inf where one of them has no tokens, NaN or infinity where the
    vectors are not finite.

    Documents are not padded. They are sent to the device block by block, float16 and int8 ones as such, and multiplied
    in float32. With `scales` [tokens] they are int8 and the queries are rounded to int8 too; their products are whole
    numbers, exact up to 1040 dims. The memory on it beyond the result is the queries' tokens, `DOCUMENT_TOKENS` vectors
    and their products with `QUERY_TOKENS`, or those of the longest document and query if they are longer.
    Raises InputError for queries of other dims than the documents.
    """
    require_dims(queries, documents.values.shape[1])
    scores = torch.full((len(queries), len(documents)), -torch.inf, device=device)
    values, own = (queries.values, None) if scales is None else quantised(queries.values)
    asked = [
        (
            torch.from_numpy(rows[:, None]).to(device),
            _sent(values[span], device).T,
            _owners(starts, span, device) * (1 if own is None else _sent(own[span], device)[:, None]),
        )
        for rows, starts, span in token_blocks(queries.offsets, QUERY_TOKENS)
    ]
    for rows, starts, span in token_blocks(documents.offsets, DOCUMENT_TOKENS):
        block = _sent(documents.values[span], device)
        columns = torch.from_numpy(rows).to(device)
        bounds = torch.from_numpy(np.append(starts, len(block))).to(device)
        each = None if scales is None else _sent(scales[span], device)[:, None]
        for query_rows, tokens, owners in asked:
            products = block @ tokens
            if each is not None:
                products *= each
            scores[query_rows, columns] = (_largest(products, bounds) @ owners).T
    return scores


def best(rows: Tensor, scores: Tensor, found: Tensor, first: int, k: int) -> tuple[Tensor, Tensor]:
    """Rows and scores [queries, k] of the k largest among those kept [queries, kept] and the scores `found`
    [queries, documents] of the rows from `first` on, largest first, equal scores by ascending row.

    What is kept must be in this order, with rows below `first`.
    """
    after = torch.arange(first, first + found.shape[1], device=found.device).expand(len(found), -1)
    ordered, order = torch.cat([scores, found], 1).sort(dim=1, descending=True, stable=True)
    return torch.cat([rows, after], 1).gather(1, order[:, :k]), ordered[:, :k]


def _sent(values: NDArray[np.floating] | NDArray[np.int8], device: torch.device) -> Tensor:
    # a copy: torch warns of a read-only memory map
    copied = np.array(values, values.dtype if values.dtype in (np.float16, np.int8) else np.float32)
    return torch.from_numpy(copied).to(device).float()


def _owners(starts: NDArray[np.int64], span: slice, device: torch.device) -> Tensor:
    """1 where a token is of a text, else 0 [tokens, texts]: a product with it sums over each text's tokens, always in
    the same order, which atomic additions on a GPU would not."""
    texts = torch.arange(len(starts), device=device)
    owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=span.stop - span.start))
    return (torch.from_numpy(owners).to(device)[:, None] == texts).float()


def _largest(products: Tensor, bounds: Tensor) -> Tensor:
    """The largest of each column of `products` [tokens, columns] between two consecutive `bounds` [texts + 1], as
    [texts, columns]."""
    if products.device.type in SEGMENTED:  # no atomic operations, which make scatter_reduce slow on a GPU
        # unsafe: the bounds are right, and to look at them would be to wait for the device
        return torch.segment_reduce(products, "max", offsets=bounds, axis=0, unsafe=True)
    texts = torch.repeat_interleave(bounds.diff())
    largest = products.new_full((len(bounds) - 1, products.shape[1]), -torch.inf)
    return largest.scatter_reduce_(0, texts[:, None].expand_as(products), products, "amax")
