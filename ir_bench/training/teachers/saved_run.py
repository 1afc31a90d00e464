"""Scores from a run file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.trec import read_run
from ir_bench.store import Store
from ir_bench.training.examples import Examples, TrainingText, spread
from ir_bench.training.started import require_started


@dataclass
class SavedRun:
    """What a run file says of each candidate [examples, 1 + negatives].

    Raises InputError for a missing or malformed file, a query that the run lacks and a candidate that it does not
    score: a made-up score would teach something that no system said.
    Source: distillation from cached scores, as in Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models
    with Cross-Architecture Knowledge Distillation".
    """

    file: str = field(metadata={"changes_results": False})  # provenance() names its content
    _scores: dict[str, dict[str, float]] | None = field(default=None, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        self._scores = read_run(self._path()).scored()

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        scored = require_started(self._scores, self)
        queries, documents, at = examples.candidates()
        pairs = examples.pairs
        values = np.empty(len(queries), np.float32)
        for i, (q, d) in enumerate(zip(queries.tolist(), documents.tolist(), strict=True)):
            query, document = pairs.query_ids[q], pairs.document_ids[d]
            try:
                values[i] = scored[query][document]
            except KeyError:
                lacking = f"document {document!r} for query {query!r}" if query in scored else f"query {query!r}"
                raise InputError(
                    f"the run {Path(self.file).name} does not score {lacking} (candidate {document!r})",
                    "a score for every candidate of every query",
                    "make a deeper run, or draw the negatives from this run: negatives=static_file",
                ) from None
        return spread(values, at)

    def provenance(self) -> Mapping[str, object]:
        with self._path().open("rb") as stream:
            return {"file": hashlib.file_digest(stream, "sha256").hexdigest()}

    def _path(self) -> Path:
        path = Path(self.file).expanduser()
        if not path.is_file():
            raise InputError(f"there is no run file {path}", "a TREC run, plain or gzip", "set teacher.file=FILE")
        return path
