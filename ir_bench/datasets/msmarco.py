"""MS MARCO's folder layout: collection.tsv, queries.SPLIT.tsv and qrels.SPLIT.tsv, each possibly with .gz.

Source: Bajaj et al. 2016, "MS MARCO", https://microsoft.github.io/msmarco/; TREC Deep Learning file names as on
https://microsoft.github.io/msmarco/TREC-Deep-Learning-2020 and in castorini/anserini-tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ir_bench.datasets.lines import lines
from ir_bench.errors import InputError
from ir_bench.types import Document

NAME = "MS MARCO"
FORM = "id<TAB>text"
_DEEP_LEARNING = re.compile(r"trec-dl-20(\d\d)")
_QRELS = re.compile(r"qrels[./](.+?)\.(?:tsv|txt)(?:\.gz)?")


def corpus_names() -> list[str]:
    return ["collection.tsv"]


def query_names(split: str) -> list[str]:
    names = [f"queries.{s}.{end}" for s in _spellings(split) for end in ("tsv", "jsonl")]
    if year := _DEEP_LEARNING.fullmatch(split):
        names += [f"msmarco-test20{year[1]}-queries.tsv", f"topics.dl{year[1]}-passage.txt", f"topics.dl{year[1]}.txt"]
    return names


def qrels_names(split: str) -> list[str]:
    names = [f"qrels{mark}{s}.{end}" for s in _spellings(split) for mark in "./" for end in ("tsv", "txt")]
    if year := _DEEP_LEARNING.fullmatch(split):
        names += [f"20{year[1]}qrels-pass.txt", f"qrels.dl{year[1]}-passage.txt"]
    return names


def splits(folder: Path) -> list[str]:
    """The splits that have judgments, `dev.small` written `dev-small`."""
    paths = [p.relative_to(folder).as_posix() for p in [*folder.glob("qrels.*"), *folder.glob("qrels/*")]]
    found = {match[1].replace(".", "-") for path in paths if (match := _QRELS.fullmatch(path))}
    found |= {f"trec-dl-{path.name[:4]}" for path in folder.glob("20??qrels-pass.*") if path.suffix in (".txt", ".gz")}
    return sorted(found)


def documents(path: Path) -> Iterator[Document]:
    """The passages as a stream; they have no titles. Raises InputError, with file and line, for a malformed one."""
    for _, document in numbered_documents(path):
        yield document


def numbered_documents(path: Path) -> Iterator[tuple[int, Document]]:
    """The same with line numbers."""
    for number, line in lines(path):
        identifier, text = _row(path, number, line)
        yield number, Document(identifier, text)


def queries(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where each query stands, its id and its text."""
    for number, line in lines(path):
        identifier, text = _row(path, number, line)
        yield f"{path}:{number}", identifier, text


def _row(path: Path, number: int, line: str) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != 2:
        raise InputError(
            f"{path}:{number}: {len(columns)} columns: {line[:80]!r}",
            f"two columns: {FORM}",
            "correct the line; a tab inside a text must be a blank",
        )
    if not columns[0].strip():
        raise InputError(f"{path}:{number}: an empty id: {line[:80]!r}", FORM, "correct the line")
    return columns[0].strip(), columns[1]


def _spellings(split: str) -> list[str]:
    return list(dict.fromkeys([split, split.replace("-", ".")]))
