"""Negatives listed in a file."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.trec import read_run
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText
from ir_bench.training.known import Choice, Rows, pick
from ir_bench.training.ranked import ranked_rows
from ir_bench.training.started import require_started
from ir_bench.types import Run

FORM = '{"query": "query id", "negatives": ["document id", "…"]}'


@dataclass
class StaticFile:
    """`count` of a query's listed documents [n, count], drawn at each step, or with `choice=first` the first ones.

    `file` has a line `{"query": …, "negatives": […]}` for each query (.jsonl), or is a run file of which every ranked
    document counts; either may be gzipped. A list that is too short is filled with random documents.
    Raises InputError for a malformed line, a query that the file lacks and a document that the corpus lacks.
    """

    file: str
    count: int = 1
    choice: Choice = "random"
    _pairs: Pairs | None = field(default=None, init=False, repr=False, compare=False)
    _listed: Rows | None = field(default=None, init=False, repr=False, compare=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)

    def start(self, text: TrainingText, pairs: Pairs, store: Store, seed: int) -> None:
        path = Path(self.file).expanduser()
        if not path.is_file():
            raise InputError(f"there is no file {path}", f"a run, or lines {FORM}", "set negatives.file=FILE")
        run = _read_lists(path) if path.name.removesuffix(".gz").endswith(".jsonl") else read_run(path)
        used = np.unique(pairs.query_rows)
        found = ranked_rows(run, [pairs.query_ids[row] for row in used.tolist()], text)
        self._listed = np.full((len(pairs.queries), found.shape[1]), -1, np.int64)
        self._listed[used] = found
        self._pairs, self._seed = pairs, seed

    def draw(self, at: Rows, step: int, query_vectors: NDArray[np.floating] | None = None) -> Rows:
        pairs, listed = require_started(self._pairs, self), require_started(self._listed, self)
        queries = pairs.query_rows[at]
        generator = np.random.default_rng([self._seed, step])
        return pick(pairs.known, queries, listed[queries], self.count, generator, self.choice)


def _read_lists(path: Path) -> Run:
    """As a run: the first of a list has the best score."""
    scored: dict[str, dict[str, float]] = {}
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                record = json.loads(line)
                query, documents = str(record["query"]), record["negatives"]
                if query in scored or not isinstance(documents, list):
                    raise ValueError("a query that is repeated" if query in scored else "negatives that are no list")
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}:{number}: no list of negatives: {error!r}", FORM, "correct the line"
                ) from None
            names = dict.fromkeys(str(document) for document in documents)
            scored[query] = {name: -float(rank) for rank, name in enumerate(names)}
    return Run.of(scored)
