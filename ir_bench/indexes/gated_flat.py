"""Exact search by the gated inner product of sliced sparse vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels import gated
from ir_bench.kernels.half import single
from ir_bench.scoring import best, require_depth, require_finite
from ir_bench.shards import write_arrays
from ir_bench.types import Gated, Hits


@dataclass
class GatedFlatIndex:
    """sum_i v_i(q) v_i(d) over the slices i whose gates agree, added in float64; who shares none is no hit.

    `gate: false` leaves the condition out, an ablation: slices then match whatever terms they hold. Only the slices in
    which a query has a weight are read; the index keeps slices one after the other for that.

    Source: Lin and Lin 2023, A Dense Representation Framework for Lexical and Semantic Matching, gated inner product.
    Differs: every document is scored at once; the paper's first stage over few slices is left out.
    Raises InputError for queries of another number of slices, NaN or infinite values, and a search before build.
    """

    accepts: ClassVar[type] = Gated

    gate: bool = field(default=True, metadata={"changes_documents": False})
    _values: NDArray[np.floating] | None = field(default=None, init=False, repr=False, compare=False)
    _gates: NDArray[np.integer] | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: Gated) -> None:
        require_finite(documents.values, "the vector of document")
        self._values, self._gates = np.ascontiguousarray(documents.values.T), np.ascontiguousarray(documents.gates.T)

    def save(self, folder: Path) -> None:
        values, gates = self._built()
        write_arrays(folder, {"values": values, "gates": gates})

    def load(self, folder: Path) -> None:
        self._values, self._gates = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("values", "gates")
        )
        cost.note("index_bytes", self._values.nbytes + self._gates.nbytes)

    def search(self, queries: Gated, k: int) -> Hits:
        require_depth(k)
        values, gates = self._built()
        if queries.values.shape[1] != len(values):
            raise InputError(
                f"queries have {queries.values.shape[1]} slices, the documents {len(values)}",
                "vectors of one transform",
                "slice both alike",
            )
        require_finite(queries.values, "the vector of query")
        k = min(k, values.shape[1])
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        for i in range(len(queries)):
            sums = np.zeros(values.shape[1])
            for slice_ in np.flatnonzero(queries.values[i]).tolist():
                weight, gate = float(queries.values[i, slice_]), int(queries.gates[i, slice_])
                gated.add(sums, single(values[slice_]), np.asarray(gates[slice_]), weight, gate, self.gate)
                cost.note("slices_read", 1)
            hits = best(np.where(sums > 0, sums, -np.inf).astype(np.float32)[None], k)
            found = np.isfinite(hits.scores[0])
            rows[i, found], scores[i, found] = hits.rows[0, found], hits.scores[0, found]
        return Hits(rows, scores)

    def _built(self) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
        if self._values is None or self._gates is None:
            raise InputError("search before build", "an index of documents", "call build or load first")
        return self._values, self._gates
