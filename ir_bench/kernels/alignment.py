"""Every token of a query against every token of some documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_bench.kernels.half import single
from ir_bench.kernels.maxsim import quantised
from ir_bench.types import Alignment, MultiVector


def alignments(
    query: MultiVector, documents: MultiVector, rows: Sequence[int], scales: NDArray[np.float32] | None = None
) -> list[Alignment]:
    """Inner products [query tokens, document tokens] of the first query with each of some rows, in float32.

    `scales` [tokens] are those of documents in 8 bits; the query is rounded to 8 bits then too, as it is for scores.
    """
    asked = query.row(0).astype(np.float32, copy=False)
    if scales is not None:
        numbers, own = quantised(asked)
        asked = numbers * own[:, None]
    names, found = query.names(0), []
    for row in rows:
        vectors = single(documents.row(row))
        if scales is not None:
            vectors = vectors * scales[documents.offsets[row] : documents.offsets[row + 1], None]
        found.append(Alignment(names, documents.names(row), asked @ vectors.T))
    return found
