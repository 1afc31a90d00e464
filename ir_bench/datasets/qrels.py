"""Relevance judgments from text files: BEIR's three columns, with or without a header, or TREC's four."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ir_bench.datasets.lines import lines
from ir_bench.errors import InputError

Judgment = tuple[str, str, str, int]  # where it stands, query id, document id, grade

_HEADER_FIRST = {"query-id", "query_id", "queryid", "qid", "query", "topic"}
_HEADER_LAST = {"score", "grade", "rel", "relevance", "label", "judgment"}
_GRADE = re.compile(r"[+-]?[0-9]+")
FORMS = "query-id<TAB>corpus-id<TAB>score (BEIR) or query 0 document grade (TREC)"


def judgments(path: Path) -> Iterator[Judgment]:
    """Every judgment of a file in its order. The first line decides between three and four columns.

    Raises InputError, with file and line, for another number of columns and for a grade that is no integer.
    """
    width = None
    for number, line in lines(path):
        columns = _columns(line)
        if width is None:
            width = len(columns)
            if columns[0].lower() in _HEADER_FIRST and columns[-1].lower() in _HEADER_LAST:
                continue
        if len(columns) != width or width not in (3, 4):
            raise InputError(
                f"{path}:{number}: {len(columns)} columns in a file of judgments: {line[:100]!r}",
                f"{width} columns, as on the first line" if width in (3, 4) else FORMS,
                "correct the line; ids cannot contain blanks",
            )
        query, document, grade = columns[0], columns[-2], columns[-1]
        if not query or not document:
            raise InputError(f"{path}:{number}: an empty id: {line[:100]!r}", FORMS, "correct the line")
        if not _GRADE.fullmatch(grade):
            raise InputError(
                f"{path}:{number}: the grade {grade!r} is not an integer",
                FORMS,
                "write grades as whole numbers: 0 not relevant, 1 relevant, more for graded judgments",
            )
        yield f"{path}:{number}", query, document, int(grade)


def collect(judged: Iterable[Judgment], origin: str) -> dict[str, dict[str, int]]:
    """Judgments by query and document. A judgment that is repeated counts once.

    Raises InputError when there is none and when two of them contradict each other.
    """
    qrels: dict[str, dict[str, int]] = {}
    for where, query, document, grade in judged:
        if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
            raise InputError(
                f"{where}: document {document!r} is judged {grade} for query {query!r}, before it was judged "
                f"{qrels[query][document]}",
                "one grade for a query and a document",
                "remove one of the two lines",
            )
    if not qrels:
        raise InputError(f"{origin} holds no judgments", FORMS, "look at the file")
    return qrels


def _columns(line: str) -> list[str]:
    if line.count("\t") == 2:  # ids in BEIR's files are whatever stands between two tabs
        return [column.strip() for column in line.split("\t")]
    return line.split()
