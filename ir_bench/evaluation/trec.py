"""TREC run files: `query Q0 document rank score tag`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ir_bench.errors import InputError
from ir_bench.evaluation.files import BLANKS, decode, read_lines, write_text
from ir_bench.types import Run

FORMS = "query Q0 document rank score tag (TREC) or query document rank (MS MARCO)"
UNWRITABLE = re.compile(f"[{BLANKS}\ud800-\udfff]")  # blanks, and halves of surrogate pairs
LARGEST = 2.0**128 - 2.0**103  # from here on, float32 rounds to infinity


def read_run(path: Path | str) -> Run:
    """Read a run file, plain or gzip, columns separated by any blanks; empty lines and lines from "#" are skipped.

    Six columns are TREC's; as in trec_eval the ranks are not looked at: scores, in float32, decide the order. Three
    columns are MS MARCO's `query document rank`, which has no scores: a document's score becomes minus its rank.
    A query without results cannot stand in such a file. Raises InputError, with file and line, for another number of
    columns, a score or rank that is no finite number, a document given twice for a query, and bytes that are not UTF-8.
    """
    path = Path(path)
    scored: dict[str, dict[str, float]] = {}
    width = 0
    for number, line in read_lines(path):
        columns = line.split()
        if not columns or columns[0].startswith(b"#"):
            continue
        width = width or len(columns)
        if len(columns) != width or width not in (3, 6):
            raise InputError(
                f"{path}:{number}: {len(columns)} columns: {line[:100].decode(errors='replace').rstrip()!r}",
                f"{width} columns, as on the first line" if width in (3, 6) else FORMS,
                "correct the line; ids and tag cannot contain blanks",
            )
        query = decode(path, number, columns[0])
        if width == 6:
            document, score = decode(path, number, columns[2]), _number(path, number, columns[4], "score", float)
        else:
            document, score = decode(path, number, columns[1]), -_number(path, number, columns[2], "rank", int)
        documents = scored.setdefault(query, {})
        if document in documents:
            raise InputError(
                f"{path}:{number}: document {document!r} is given twice for query {query!r}",
                "each document once",
                "remove one of the two lines",
            )
        documents[document] = score
    if not scored:
        raise InputError(f"{path} holds no ranking", FORMS, "look at the file: is it empty?")
    return Run.of(scored)


def write_run(run: Run, path: Path | str, tag: str) -> None:
    """Write a run as TREC lines, ranks from 1, gzip when the name ends in ".gz"; all or nothing, always the same bytes.

    Scores are the shortest decimals that give the float32 numbers back, so that reading restores the run exactly,
    but for queries without results. Raises InputError for ids that the format cannot hold: empty, with a blank, or
    a query that starts like a comment.
    """
    path = Path(path)
    _require_word(tag, "the tag")
    for query, ranking in run.rankings.items():
        _require_word(query, "the query id", not_first="#\ufeff")
        for document in ranking.documents:
            _require_word(document, "the document id")
    write_text(path, _rankings(run, tag))


def _rankings(run: Run, tag: str) -> Iterator[str]:
    """The lines of one query at a time: single lines would spend most of the time in gzip's bookkeeping."""
    for query, ranking in run.rankings.items():
        scores = [str(s).removesuffix(".0") for s in np.asarray(ranking.scores, np.float32)]
        ranked = enumerate(zip(ranking.documents, scores, strict=True), 1)
        yield "".join([f"{query} Q0 {document} {rank} {score} {tag}\n" for rank, (document, score) in ranked])


def _number(path: Path, number: int, raw: bytes, what: str, kind: type[float]) -> float:
    try:
        value = kind(raw)
        if b"_" not in raw and abs(value) < LARGEST:  # Python reads 1_000 as a number; NaN fails every comparison
            return value
    except ValueError:
        pass
    raise InputError(
        f"{path}:{number}: the {what} {raw.decode(errors='replace')!r} is not a finite number",
        "a whole number" if kind is int else "a decimal number that float32 can hold",
        f"correct the {what}; look for NaN or infinite values where the run was made",
    )


def _require_word(text: str, what: str, not_first: str = "") -> None:
    if not text or UNWRITABLE.search(text) or text[0] in not_first:
        raise InputError(
            f"{what} {text!r} cannot be written to a run file",
            "at least one character and no blanks" + (", no comment sign at the start" if not_first else ""),
            "rename it, or keep the run in another format",
        )
