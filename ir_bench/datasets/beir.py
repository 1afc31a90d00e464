"""BEIR's folder layout: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv, each possibly with .gz.

Source: Thakur et al. 2021, "BEIR", https://github.com/beir-cellar/beir (custom dataset format).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ir_bench.datasets.lines import lines
from ir_bench.errors import InputError
from ir_bench.types import Document

NAME = "BEIR"
FORM = '{"_id": "…", "title": "…", "text": "…"}'
_ENDINGS = (".tsv", ".txt")


def corpus_names() -> list[str]:
    return ["corpus.jsonl"]


def query_names(split: str) -> list[str]:
    return ["queries.jsonl"]


def qrels_names(split: str) -> list[str]:
    return [f"qrels/{split}{ending}" for ending in _ENDINGS]


def splits(folder: Path) -> list[str]:
    """The splits that have judgments."""
    names = [path.name.removesuffix(".gz") for path in folder.glob("qrels/*") if path.is_file()]
    return sorted({name.removesuffix(end) for name in names for end in _ENDINGS if name.endswith(end)})


def documents(path: Path) -> Iterator[Document]:
    """The documents of a corpus file as a stream. Raises InputError, with file and line, for a malformed one."""
    for _, document in numbered_documents(path):
        yield document


def numbered_documents(path: Path) -> Iterator[tuple[int, Document]]:
    """The same with line numbers."""
    for number, line in lines(path):
        record = _record(path, number, line)
        title = _text(record, "title", path, number) if "title" in record else ""
        yield number, Document(_id(record, path, number), _text(record, "text", path, number), title)


def queries(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where each query stands, its id and its text."""
    for number, line in lines(path):
        record = _record(path, number, line)
        yield f"{path}:{number}", _id(record, path, number), _text(record, "text", path, number)


def _record(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        record = json.loads(line)
        if "\\ud" in line or "\\uD" in line:
            json.dumps(record, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written anywhere
    except UnicodeEncodeError:
        raise InputError(
            f"{path}:{number}: half of a surrogate pair (\\ud800 to \\udfff) in a string",
            "characters that UTF-8 can write",
            "remove it or write the whole pair",
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path}:{number}: not JSON: {error}", f"one object on each line: {FORM}", "correct the line"
        ) from None
    if not isinstance(record, dict):
        raise InputError(f"{path}:{number}: JSON, but not an object: {line[:80]!r}", FORM, "correct the line")
    return record


def _id(record: dict[str, object], path: Path, number: int) -> str:
    identifier = record.get("_id")
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        return str(identifier)
    if isinstance(identifier, str) and identifier:
        return identifier
    found = f"_id is {identifier!r}" if "_id" in record else f"no _id among the keys {', '.join(map(str, record))}"
    raise InputError(f"{path}:{number}: {found}", f"an id that is a string or an integer: {FORM}", "correct the line")


def _text(record: dict[str, object], key: str, path: Path, number: int) -> str:
    value = record.get(key, ...)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    found = f"no {key!r} among the keys {', '.join(map(str, record))}" if value is ... else f"{key} is {value!r:.60}"
    raise InputError(f"{path}:{number}: {found}", f"a string or null: {FORM}", "correct the line")
