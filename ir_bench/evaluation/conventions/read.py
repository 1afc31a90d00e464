"""A run file as other evaluators see it: scores in double precision, in the order of the lines."""

from __future__ import annotations

from pathlib import Path

from ir_bench.evaluation.files import decode, read_lines
from ir_bench.evaluation.trec import read_run


def read_scored(path: Path | str) -> dict[str, dict[str, float]]:
    """Query -> document -> score, in the order of the file; three columns are query, document, rank.

    `Run` orders documents and rounds scores to float32 as trec_eval does, which is what some conventions do not.
    Raises InputError for whatever `read_run` refuses.
    """
    path = Path(path)
    read_run(path)
    scored: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path):
        columns = line.split()
        if not columns or columns[0].startswith(b"#"):
            continue
        query = decode(path, number, columns[0])
        if len(columns) == 6:
            document, score = columns[2], float(columns[4])
        else:
            document, score = columns[1], -float(int(columns[2]))
        scored.setdefault(query, {})[decode(path, number, document)] = score
    return scored
