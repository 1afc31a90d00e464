"""Which queries are shown with the texts of their documents, within a budget of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ir_bench.progress import bar
from ir_bench.reports.html.cells import Group
from ir_bench.reports.html.rankings import Rankings
from ir_bench.types import Corpus

CLIPPED = 2000  # characters of a document
RELEVANT = 10  # judged documents of a query whose texts are wanted, besides the rankings
SMALLEST = 200  # bytes: no more documents are looked for than would fit if each were this short


def by_disagreement(group: Group) -> list[int]:
    """Queries by how far the systems' values of the main measure lie apart, most first; then in their order."""
    main = group.cells[0].measured.main_measure
    rows = [[c.measured.per_query[main][q] for q in group.queries] for c in group.cells if main in c.measured.per_query]
    apart = np.std(rows, axis=0) if rows else np.zeros(len(group.queries))
    return np.argsort(-apart, kind="stable").tolist()


def texts(group: Group, rankings: Rankings, corpus: Corpus, budget: int) -> dict[str, Any]:
    """Titles and texts of the documents of as many queries as `budget` bytes hold, those first on which the systems
    differ most. A query is in with all its documents or not at all."""
    order = by_disagreement(group)
    wanted: dict[str, None] = {}
    candidates = []
    for j in order:
        mine = _documents(group.queries[j], rankings)
        if len(wanted) * SMALLEST > budget:
            break
        wanted.update(dict.fromkeys(mine))
        candidates.append((j, mine))
    found: dict[str, tuple[str, str]] = {}
    with bar(corpus.size, f"texts of {group.label}", "document") as progress:
        for document in corpus:
            progress.update()
            if document.id in wanted:
                found[document.id] = (document.title, _clipped(document.text))
                if len(found) == len(wanted):
                    break
    numbers = {document: i for i, document in enumerate(rankings.documents)}
    shown, kept, spent = [], dict[str, None](), 0
    for j, mine in candidates:
        new = [d for d in mine if d not in kept and d in found]
        cost = sum(len(title.encode()) + len(text.encode()) for title, text in (found[d] for d in new))
        if spent + cost > budget:
            continue
        spent += cost
        kept.update(dict.fromkeys(new))
        shown.append(j)
    return {
        "queries": np.array(sorted(shown), np.uint32),
        "documents": np.array([numbers[d] for d in kept], np.uint32),
        "titles": [found[d][0] for d in kept],
        "texts": [found[d][1] for d in kept],
    }


def _documents(query: str, rankings: Rankings) -> list[str]:
    ranked = [d for best in rankings.best for d in best.get(query, ())]
    return list(dict.fromkeys([*ranked, *list(rankings.judged.get(query, {}))[:RELEVANT]]))


def _clipped(text: str) -> str:
    return text if len(text) <= CLIPPED else text[:CLIPPED].rstrip() + " …"
