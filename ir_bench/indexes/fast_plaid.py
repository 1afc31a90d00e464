"""Approximate MaxSim by the fast-plaid package: PLAID in Rust, on CPU or GPU."""

from __future__ import annotations

import inspect
import shutil
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ir_bench import cost
from ir_bench.errors import InputError
from ir_bench.kernels.half import single
from ir_bench.scoring import require_depth, require_dims, require_finite
from ir_bench.types import Hits, MultiVector

AT_SEARCH = {"changes_documents": False}


@dataclass
class FastPlaidIndex:
    """fast-plaid's index over token vectors, its settings under the names of `index=plaid`.

    `full_scores` documents are scored by centroids, a quarter of them exactly. Versions before 1.5 are asked to keep
    all of the index in memory, because they search about ten times slower on a GPU otherwise; later ones have no such
    setting. The index is created in one go, never grown. Documents without tokens are left out of it and are no hits;
    equal scores are ordered by ascending row.
    Source: github.com/lightonai/fast-plaid; Santhanam et al. 2022, PLAID (arXiv 2205.09707).
    Raises InputError where the package is not installed (it needs the torch that the end of its version names), k is
    below 1, no document has a token, values are NaN or infinite, queries have other dims, and before build or load.
    """

    accepts: ClassVar[type] = MultiVector

    bits: int = 4
    iterations: int = 4
    seed: int = 42
    nprobe: int = field(default=8, metadata=AT_SEARCH)
    full_scores: int = field(default=4096, metadata=AT_SEARCH)
    device: str = field(default="cpu", metadata={"changes_results": False})
    _index: Any = field(default=None, init=False, repr=False, compare=False)
    _rows: NDArray[np.int64] | None = field(default=None, init=False, repr=False, compare=False)
    _dims: int = field(default=0, init=False, repr=False, compare=False)
    _folder: str | None = field(default=None, init=False, repr=False, compare=False)

    def build(self, documents: MultiVector) -> None:
        import torch

        rows = np.flatnonzero(np.diff(documents.offsets))
        if not len(rows):
            raise InputError("no document has a token vector", "at least one", "look at the corpus and the encoder")
        require_finite(documents.values, "a vector of document", documents.offsets)
        self._fresh()
        assert self._folder is not None
        index = _opened(self._folder, self.device)
        tensors = [torch.from_numpy(np.array(single(documents.row(row)))) for row in rows.tolist()]
        index.create(documents_embeddings=tensors, nbits=self.bits, kmeans_niters=self.iterations, seed=self.seed)
        self._index, self._rows, self._dims = index, rows, documents.values.shape[1]

    def save(self, folder: Path) -> None:
        assert self._folder is not None, "build comes first"
        assert self._rows is not None
        shutil.copytree(self._folder, folder / "fast_plaid", ignore=shutil.ignore_patterns("*.lock"))
        np.save(folder / "rows.npy", self._rows)
        np.save(folder / "dims.npy", np.array([self._dims]))

    def load(self, folder: Path) -> None:
        """Open a copy of a saved index, because the package writes beside its files; notes `index_bytes`."""
        self._fresh()
        assert self._folder is not None
        shutil.copytree(folder / "fast_plaid", self._folder, dirs_exist_ok=True)
        self._rows = np.load(folder / "rows.npy", allow_pickle=False)
        self._dims = int(np.load(folder / "dims.npy", allow_pickle=False)[0])
        self._index = _opened(self._folder, self.device)
        files = (folder / "fast_plaid").rglob("*")
        cost.note("index_bytes", sum(path.stat().st_size for path in files if path.is_file()))

    def search(self, queries: MultiVector, k: int) -> Hits:
        import torch

        require_depth(k)
        if self._index is None or self._rows is None:
            raise InputError("search before build", "an index over documents", "call build(vectors) first")
        require_dims(queries, self._dims)
        require_finite(queries.values, "a vector of query", queries.offsets)
        asked = np.flatnonzero(np.diff(queries.offsets))
        tensors = [torch.from_numpy(np.array(single(queries.row(i)))) for i in asked.tolist()]
        k = min(k, len(self._rows))
        rows, scores = np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), -np.inf, np.float32)
        settings = {"n_ivf_probe": self.nprobe, "n_full_scores": self.full_scores, "show_progress": False}
        answers = self._index.search(queries_embeddings=tensors, top_k=k, **settings) if tensors else []
        for i, answer in zip(asked.tolist(), answers, strict=True):
            found = self._rows[np.fromiter((row for row, _ in answer), np.int64, len(answer))]
            given = np.fromiter((score for _, score in answer), np.float32, len(answer))
            order = np.lexsort((found, -given))[:k]
            rows[i, : len(order)], scores[i, : len(order)] = found[order], given[order]
        return Hits(rows, scores)

    def _fresh(self) -> None:
        self._folder = mkdtemp(prefix="fast-plaid-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)


def _opened(folder: str, device: str) -> Any:
    try:
        from fast_plaid.search import FastPlaid
    except ImportError as error:
        raise InputError(
            f"fast-plaid cannot be imported: {error}",
            "fast-plaid built for the installed torch",
            "use index=plaid, or an environment of its own: pip install 'ir-bench[fast-plaid]' torch==2.11.0",
        ) from None
    memory = {"low_memory": False} if "low_memory" in inspect.signature(FastPlaid.__init__).parameters else {}
    return FastPlaid(index=folder, device=device, **memory)
