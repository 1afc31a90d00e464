"""Why documents matched, for the queries that are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ir_bench.progress import bar
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.rankings import Rankings
from ir_bench.reports.html.texts import by_disagreement
from ir_bench.types import Alignment, Match

# query text, document ids → matches of terms, or tokens compared with tokens
Explainer = Callable[[str, Sequence[str]], Mapping[str, Sequence[Match]] | Mapping[str, Alignment]]

QUERIES = 500  # at most, those on which the systems differ most
JUDGED = 10  # judged documents of a query, besides the system's own ten best
# Tokens against tokens take some kilobytes a document.
ALIGNED_QUERIES, ALIGNED_OWN, ALIGNED_JUDGED = 100, 3, 2


def explanations(
    group: Group, rankings: Rankings, explainers: Mapping[str, Explainer], texts: Mapping[str, Any]
) -> dict[str, Any]:
    """Of each system that can explain, its kind of evidence by numbers of query and document, as in `rankings`.

    {"kind": "terms", "queries": query → document → [term, weight in the query, weight in the document, what it adds,
    and where the vector has it but not the text: which of "query" and "document"]}
    {"kind": "tokens", "queries": query → document → {"query": tokens, "document": tokens, "best": for each query token
    [which token of the document, or -1, what it adds], "heat": similarities in hundredths, null where tokens were not
    compared, "added": [what else adds to the score, how much], where anything does}}, for fewer queries and documents.
    Only documents with a text in `texts` are explained: a judged document need not be in the corpus.
    """
    numbers = {document: i for i, document in enumerate(rankings.documents)}
    explained: dict[str, Any] = {}
    there = {rankings.documents[d] for d in texts["documents"]}
    shown = set(texts["queries"].tolist())
    ordered = [j for j in by_disagreement(group) if j in shown]
    chosen, aligned = sorted(ordered[:QUERIES]), set(ordered[:ALIGNED_QUERIES])
    for i, cell in enumerate(group.cells):
        explain = explainers.get(cell.label)
        if explain is None:
            continue
        kind, found = "terms", {}
        with bar(len(chosen), f"why {cell.label} matched", "query") as progress:
            for j in chosen:
                progress.update()
                query = group.queries[j]
                if not rankings.texts.get(query, "").strip() or (kind == "tokens" and j not in aligned):
                    continue
                own, judged = list(rankings.best[i].get(query, ())), list(rankings.judged.get(query, {}))[:JUDGED]
                few = {*own[:ALIGNED_OWN], *judged[:ALIGNED_JUDGED]}
                documents = [d for d in dict.fromkeys([*own, *judged]) if d in there and (kind == "terms" or d in few)]
                if not documents:
                    continue
                why = explain(rankings.texts[query], documents)
                if isinstance(why[documents[0]], Alignment):  # which the first answer tells
                    kind, documents = "tokens", [d for d in documents if d in few]
                    if j not in aligned:
                        continue
                found[str(j)] = {str(numbers[d]): _evidence(why[d]) for d in documents}
        explained[cell.label] = {"kind": kind, "queries": found}
    return explained


def _evidence(why: Sequence[Match] | Alignment) -> Any:
    if not isinstance(why, Alignment):
        return [_plain(match) for match in why]
    added = {"added": [[name, _short(score)] for name, score in why.added.items()]} if why.added else {}
    best = zip(why.nearest().tolist(), why.adds().tolist(), strict=True)
    return {
        "query": list(why.query_terms),
        "document": list(why.document_terms),
        "best": [[j, _short(adds)] for j, adds in best] if why.compares else [],
        "heat": [[None if x != x else round(100 * x) for x in row] for row in why.similarities.tolist()],
        **added,
    }


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def _plain(match: Match) -> list[Any]:
    plain = [match.term, *(_short(x) for x in (match.query_weight, match.document_weight, match.score))]
    return [*plain, list(match.added_to)] if match.added_to else plain
