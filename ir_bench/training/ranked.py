"""What a search system ranks for training queries, by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ir_bench.errors import InputError
from ir_bench.progress import bar
from ir_bench.protocols import Retriever
from ir_bench.store import Store
from ir_bench.training.examples import TrainingText
from ir_bench.training.known import Rows
from ir_bench.types import Queries, Ranking, Run

AT_ONCE = 1024  # queries between two progress updates


def search(retriever: Retriever, text: TrainingText, queries: Queries, depth: int, store: Store) -> Run:
    """The best `depth` documents of a retriever, built here on the corpus, for each query."""
    retriever.build(text.corpus, store)
    rankings: dict[str, Ranking] = {}
    names = list(queries)
    with bar(len(names), f"searching {text.corpus.name}", "queries") as progress:
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            rankings.update(retriever.search({name: queries[name] for name in some}, depth).rankings)
            progress.update(len(some))
    return Run(rankings)


def ranked_rows(run: Run, query_ids: Sequence[str], text: TrainingText) -> Rows:
    """Document rows of each query by rank [queries, depth], -1 behind short rankings.

    Raises InputError for a query that the run lacks and a document that the corpus lacks.
    """
    row_of = {name: row for row, name in enumerate(text.document_ids)}
    depth = max((len(run[query]) for query in query_ids if query in run.rankings), default=0)
    rows = np.full((len(query_ids), depth), -1, np.int64)
    for i, query in enumerate(query_ids):
        if query not in run.rankings:
            raise InputError(
                f"the run has no ranking for train query {query!r}",
                f"rankings for all {len(query_ids)} queries",
                "make the run with the train queries of the same collection",
            )
        documents = run[query].documents
        try:
            rows[i, : len(documents)] = [row_of[name] for name in documents]
        except KeyError as error:
            raise InputError(
                f"the run ranks document {error.args[0]!r} for query {query!r}, which {text.corpus.name} does not have",
                "documents of the corpus",
                "use a run of the same collection",
            ) from None
    return rows
