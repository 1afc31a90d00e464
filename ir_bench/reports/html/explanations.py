"""Why documents matched, for the queries that are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ir_bench.progress import bar
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.rankings import Rankings
from ir_bench.reports.html.texts import by_disagreement
from ir_bench.types import Match

Explainer = Callable[[str, Sequence[str]], Mapping[str, Sequence[Match]]]  # query text, document ids → matches

QUERIES = 500  # at most, those on which the systems differ most
JUDGED = 10  # judged documents of a query, besides the system's own ten best


def explanations(
    group: Group, rankings: Rankings, explainers: Mapping[str, Explainer], texts: Mapping[str, Any]
) -> dict[str, Any]:
    """Of each system that can explain: {"kind": "terms", "queries": query → document → term, weight in the query,
    weight in the document, what it adds}. Numbers of queries and documents are those of `rankings`.
    Only documents with a text in `texts` are explained: a judged document need not be in the corpus. The kind says what
    the page draws; another kind of evidence (aligned tokens) is another entry here.
    """
    numbers = {document: i for i, document in enumerate(rankings.documents)}
    explained: dict[str, Any] = {}
    there = {rankings.documents[d] for d in texts["documents"]}
    shown = set(texts["queries"].tolist())
    chosen = sorted([j for j in by_disagreement(group) if j in shown][:QUERIES])
    for i, cell in enumerate(group.cells):
        explain = explainers.get(cell.label)
        if explain is None:
            continue
        found: dict[str, Any] = {}
        with bar(len(chosen), f"why {cell.label} matched", "query") as progress:
            for j in chosen:
                progress.update()
                query = group.queries[j]
                own = rankings.best[i].get(query, ())
                judged = list(rankings.judged.get(query, {}))[:JUDGED]
                documents = [d for d in dict.fromkeys([*own, *judged]) if d in there]
                if documents and rankings.texts.get(query, "").strip():
                    matches = explain(rankings.texts[query], documents)
                    found[str(j)] = {str(numbers[d]): [_plain(m) for m in matches[d]] for d in documents}
        explained[cell.label] = {"kind": "terms", "queries": found}
    return explained


def _plain(match: Match) -> list[str | float]:
    return [match.term, *(float(f"{x:.6g}") for x in (match.query_weight, match.document_weight, match.score))]
