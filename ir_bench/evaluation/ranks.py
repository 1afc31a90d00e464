"""The ranks at which a run found the relevant documents of each query: from them follows recall at every depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_bench.errors import InputError
from ir_bench.evaluation.files import decode, read_lines, write_text
from ir_bench.evaluation.measures import judged_queries
from ir_bench.types import Qrels, Rules, Run


@dataclass(frozen=True)
class Ranks:
    """One judged query: how many documents are relevant to it, and the ranks (from 1, rising) of those found."""

    relevant: int
    found: tuple[int, ...]

    def recall(self, depth: int) -> float:
        """Share of the relevant documents within the first `depth`; zero where none is relevant."""
        return sum(rank <= depth for rank in self.found) / self.relevant if self.relevant else 0.0


def relevant_ranks(run: Run, qrels: Qrels, rules: Rules | None = None) -> dict[str, Ranks]:
    """Query -> ranks of its relevant documents, for every judged query; relevance begins at the rules' threshold."""
    threshold = 1 if rules is None else rules.relevance_threshold
    ranks = {}
    for query in judged_queries(qrels):
        relevant = {document for document, grade in qrels[query].items() if grade >= threshold}
        documents = run[query].documents if query in run.rankings else []
        found = tuple(rank for rank, document in enumerate(documents, 1) if document in relevant)
        ranks[query] = Ranks(len(relevant), found)
    return ranks


def recall_by_depth(ranks: Mapping[str, Ranks], depth: int) -> NDArray[np.float64]:
    """Recall of each query at each depth from 1 to `depth` [queries, depth]."""
    table = np.zeros((len(ranks), depth))
    for row, query in zip(table, ranks.values(), strict=True):
        for rank in query.found:
            if rank <= depth:
                row[rank - 1 :] += 1 / query.relevant
    return table


def write_ranks(ranks: Mapping[str, Ranks], path: Path) -> None:
    """One line a query: id, number of relevant documents, ranks of those found; the same bytes each time."""
    lines = (f"{query}\t{entry.relevant}\t{' '.join(map(str, entry.found))}\n" for query, entry in ranks.items())
    write_text(path, ["query\trelevant\tranks\n", *lines])


def read_ranks(path: Path) -> dict[str, Ranks]:
    """What `write_ranks` wrote. Raises InputError, with file and line, for anything else."""
    ranks: dict[str, Ranks] = {}
    for number, raw in read_lines(path):
        cells = decode(path, number, raw).rstrip("\n").split("\t")
        if number == 1:
            continue
        try:
            query, relevant, found = cells
            ranks[query] = Ranks(int(relevant), tuple(map(int, found.split())))
        except ValueError:
            raise InputError(f"{path}:{number}: not a line of ranks", "query<TAB>relevant<TAB>ranks") from None
    return ranks
