"""The queries of a group as arrays: values, best documents, judgments and the ranks of what is relevant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_bench.evaluation.measured import HEAD, RUN, Measured
from ir_bench.evaluation.ranks import read_ranks
from ir_bench.evaluation.trec import read_run
from ir_bench.progress import bar
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.data import Data
from ir_bench.types import Qrels, Queries, Run

SHOWN = 10  # documents of a ranking
WHOLE = 12_000_000  # bytes of a run file up to which all ranks of judged documents are read from it; some seconds
NONE = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True)
class Rankings:
    """`best` is system → query → the best documents; `block` is what the page is given."""

    best: Sequence[Mapping[str, Sequence[str]]]
    documents: Sequence[str]
    judged: Qrels
    texts: Queries
    block: dict[str, Any]


def rankings(group: Group, data: Data, measures: Sequence[str]) -> Rankings:
    """Values [systems × queries] of each measure, ranking [systems × queries × 10] by numbers of documents, judged
    documents with the rank that each system gave them (0: not in its run, or not known beyond its ten best)."""
    numbers: dict[str, int] = {}

    def number(document: str) -> int:
        return numbers.setdefault(document, len(numbers))

    texts = data.dataset.queries if data.dataset else {}
    qrels = data.dataset.qrels if data.dataset else {}
    values = {
        m: np.array([[_value(cell.measured, m, q) for q in group.queries] for cell in group.cells], np.float32).ravel()
        for m in measures
        if any(m in cell.measured.per_query for cell in group.cells)
    }
    shape = (len(group.cells), len(group.queries), SHOWN)
    top, scores = np.full(shape, NONE, np.uint32), np.zeros(shape, np.float32)
    best: list[dict[str, Sequence[str]]] = []
    judged_ranks: list[dict[str, dict[str, int]]] = []
    threshold = group.cells[0].measured.system.get("rules", {}).get("relevance_threshold", 1)
    relevant = [_relevant_ranks(cell.measured, group.queries) for cell in group.cells]
    whole = []
    for i, cell in enumerate(bar_of(group.cells, f"rankings of {group.label}")):
        run, complete = _run(cell.measured)
        whole.append(complete)
        best.append({})
        judged_ranks.append({})
        for j, query in enumerate(group.queries):
            if run is None or query not in run.rankings:
                continue
            ranking = run[query]
            documents = list(ranking.documents[:SHOWN])
            best[i][query] = documents
            top[i, j, : len(documents)] = [number(d) for d in documents]
            scores[i, j, : len(documents)] = ranking.scores[:SHOWN]
            of_interest = qrels.get(query, {})
            judged_ranks[i][query] = {d: rank for rank, d in enumerate(ranking.documents, 1) if d in of_interest}
            if not complete:
                judged_ranks[i][query] |= _only_relevant(relevant[i], j, of_interest, threshold)
    judged = {q: _listed(qrels.get(q, {}), threshold, [b.get(q, ()) for b in best]) for q in group.queries}
    sizes = [len(documents) for documents in judged.values()]
    ranks = [
        [min(found.get(q, {}).get(d, 0), 65535) for q in group.queries for d in judged[q]] for found in judged_ranks
    ]
    block = {
        "ids": list(group.queries),
        "texts": [texts.get(q, "") for q in group.queries] if texts else None,
        "values": values,
        "top": top.ravel(),
        "scores": scores.ravel(),
        "whole": whole,
        "judged": {
            "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32),
            "documents": np.array([number(d) for q in group.queries for d in judged[q]], np.uint32),
            "grades": np.array([g for q in group.queries for g in judged[q].values()], np.int16),
            "ranks": np.array(ranks, np.uint16).ravel(),
        }
        if qrels
        else None,
        "relevant": relevant,
        "documents": list(numbers),
    }
    return Rankings(best, list(numbers), judged, texts, block)


def bar_of(items: Sequence[Any], description: str) -> Any:
    """The items, counted on a progress bar."""
    with bar(len(items), description, "system") as progress:
        for item in items:
            yield item
            progress.update()


def _value(measured: Measured, measure: str, query: str) -> float:
    values = measured.per_query.get(measure)
    return -1.0 if values is None else values[query]  # -1: not scored for this system


def _run(measured: Measured) -> tuple[Run | None, bool]:
    """The run, and whether it is the whole one."""
    if measured.run is not None or measured.folder is None:
        return measured.run, measured.run is not None
    for name, complete in ((RUN, True), (HEAD, False)):
        path: Path = measured.folder / name
        if path.is_file() and (not complete or path.stat().st_size <= WHOLE):
            return read_run(path), complete
    return None, False


def _listed(grades: Mapping[str, int], threshold: int, shown: Sequence[Sequence[str]]) -> dict[str, int]:
    """Relevant documents by falling grade, then those judged not relevant that a system has among its best."""
    seen = {document for documents in shown for document in documents}
    kept = [(d, g) for d, g in grades.items() if g >= threshold or d in seen]
    return dict(sorted(kept, key=lambda pair: (-pair[1], pair[0])))


def _only_relevant(
    known: Mapping[str, NDArray[Any]] | None, j: int, grades: Mapping[str, int], threshold: int
) -> dict[str, int]:
    """The rank of a query's one relevant document, which needs no run to be told."""
    wanted = [document for document, grade in grades.items() if grade >= threshold]
    if known is None or len(wanted) != 1:
        return {}
    begin, end = known["offsets"][j : j + 2].tolist()
    return {wanted[0]: int(known["ranks"][begin])} if end - begin == 1 else {}


def _relevant_ranks(measured: Measured, queries: Sequence[str]) -> dict[str, NDArray[Any]] | None:
    path = measured.folder / "ranks.tsv.gz" if measured.folder else None
    if path is None or not path.is_file():
        return None
    known = read_ranks(path)
    found = [known[q].found if q in known else () for q in queries]
    return {
        "relevant": np.array([known[q].relevant if q in known else 0 for q in queries], np.uint16),
        "offsets": np.concatenate([[0], np.cumsum([len(f) for f in found])]).astype(np.uint32),
        "ranks": np.array([min(rank, 65535) for f in found for rank in f], np.uint16),
    }
