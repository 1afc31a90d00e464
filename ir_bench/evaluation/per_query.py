"""The scores of each query as a table: `query`, then one column a measure, separated by tabs."""

from __future__ import annotations

from pathlib import Path

from ir_bench.errors import InputError
from ir_bench.evaluation.files import decode, read_lines, write_text
from ir_bench.evaluation.measures import Scores


def write_per_query(scores: Scores, path: Path | str) -> None:
    """Write one row a judged query, in their order; values are written so that reading restores them exactly.

    Gzip when the name ends in ".gz"; all or nothing, the same bytes each time. Raises InputError for a query id with
    a tab or a line end.
    """
    measures = list(scores.per_query)
    queries = list(next(iter(scores.per_query.values()), {}))
    for query in queries:
        if set(query) & set("\t\n\r"):
            raise InputError(f"the query id {query!r} contains a tab or a line end", "one-line ids", "rename the query")
    rows = [[query, *(repr(float(scores.per_query[m][query])) for m in measures)] for query in queries]
    write_text(Path(path), ("\t".join(row) + "\n" for row in [["query", *measures], *rows]))


def read_per_query(path: Path | str) -> dict[str, dict[str, float]]:
    """Measure -> query -> value. Raises InputError, with file and line, for what `write_per_query` did not write."""
    path = Path(path)
    measures: list[str] = []
    values: dict[str, dict[str, float]] = {}
    for number, raw in read_lines(path):
        first, *cells = decode(path, number, raw).rstrip("\n").split("\t")
        try:
            if number == 1:
                measures, values = cells, {m: {} for m in cells}
                if first != "query":
                    raise ValueError("the first line is not a header")
                continue
            for measure, cell in zip(measures, cells, strict=True):
                if first in values[measure]:
                    raise ValueError(f"query {first!r} is given twice")
                values[measure][first] = float(cell)
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: {error}", "query<TAB>value… under a header", "score the run again"
            ) from None
    if not measures:
        raise InputError(f"{path} holds no scores", "a header and one line a query", "score the run again")
    return values
