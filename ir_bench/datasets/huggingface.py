"""A dataset from the Hugging Face hub, or a folder with the same content, as a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ir_bench.datasets.assemble import assemble
from ir_bench.datasets.checksums import sha256
from ir_bench.datasets.qrels import Judgment, collect
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Dataset, Document, Qrels, Queries, Rules

_COLUMNS = "columns _id, title, text (corpus), _id, text (queries), query-id, corpus-id, score (judgments)"


@dataclass
class HuggingFace:
    """BEIR's layout on the hub: repository `id` with the configurations `corpus` and `queries`, and a repository of
    judgments, `id`-qrels unless `qrels_id` names another (MTEB keeps them in the same one: `qrels_id` = `id`).

    `split` is a split of the judgments as the hub calls it (`validation` for dev). `revision` pins a commit of `id`;
    without one the corpus is identified by the commit that the hub gives today. Raises InputError when a part cannot
    be had.
    """

    id: str
    split: str = "test"
    revision: str | None = None
    qrels_id: str | None = None
    qrels_revision: str | None = None
    corpus_config: str = "corpus"
    queries_config: str = "queries"
    qrels_config: str | None = None
    titles: Literal["join", "ignore"] = "join"
    judged_only: bool = True
    query_tokens: int | None = None
    document_tokens: int | None = None
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        return assemble(self._name(), self, self._corpus, self._queries, self._qrels)

    def locate(self) -> Path | None:
        """The folder, when `id` is one."""
        return Path(self.id) if Path(self.id).is_dir() else None

    def describe_source(self) -> str:
        return f"https://huggingface.co/datasets/{self.id}"

    def _name(self) -> str:
        return Path(self.id).resolve().name if self.locate() else self.id

    def _corpus(self) -> Corpus:
        builder = self._builder(self.id, self.corpus_config, self.revision)
        return Corpus(
            name=self._name(),
            identity=_identity(builder),
            read=partial(_documents, builder, self.id),
            titles=self.titles,
            query_tokens=self.query_tokens,
            document_tokens=self.document_tokens,
        )

    def _queries(self) -> Queries:
        found: dict[str, str] = {}
        for where, row in _rows(self._builder(self.id, self.queries_config, self.revision), None, self.id):
            query, text = _id(row, where), _text(row, "text", where)
            if found.setdefault(query, text) != text:
                raise InputError(f"{where}: query id {query!r} was already used for another text", "every id once")
        return found

    def _qrels(self) -> Qrels:
        same = self.qrels_id == self.id
        repository = self.qrels_id or f"{self.id.rstrip('/')}-qrels"
        revision = self.qrels_revision or (self.revision if same else None)
        builder = self._builder(repository, self.qrels_config, revision)
        if builder.name == "csv":  # read as text: guessed types would turn id 007 into 7, NA into nothing
            builder = self._builder(repository, self.qrels_config, revision, **_as_text())
        return collect(map(_judgment, _rows(builder, self.split, repository)), repository)

    def _builder(self, repository: str, config: str | None, revision: str | None, **reading: Any) -> Any:
        from datasets import load_dataset_builder

        try:
            return load_dataset_builder(repository, config, revision=revision, **reading)
        except (OSError, ValueError, RuntimeError) as error:  # what the package raises for what it cannot find or reach
            raise InputError(
                f"{repository}, configuration {config or 'default'}: {str(error).strip()}",
                f"a hub repository or a folder with {_COLUMNS}",
                "check the id, the configuration and the network (HF_HUB_OFFLINE); private ones need a token",
            ) from None


def _rows(builder: Any, split: str | None, repository: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of one split, of the only one where none is asked for, with their positions in words."""
    try:
        streams = builder.as_streaming_dataset()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{repository} cannot be read as a stream: {str(error).strip()}", _COLUMNS) from error
    if split is None:
        split = next(iter(streams))
    if split not in streams:
        raise InputError(
            f"{repository} has no split {split!r}",
            f"one of: {', '.join(streams)}",
            f"dataset.split={next(iter(streams))}",
        )
    number = 0
    try:
        for number, row in enumerate(streams[split], 1):
            yield f"{repository}, {split}, row {number}", row
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:  # whatever its file formats raise
        raise InputError(
            f"{repository}, {split}, after row {number}: {str(error).strip()[:300]}",
            f"files with {_COLUMNS}",
            "look at the files; a broken connection may be tried again",
        ) from error


def _documents(builder: Any, repository: str) -> Iterator[Document]:
    found = False
    for where, row in _rows(builder, None, repository):
        found = True
        title = _text(row, "title", where) if "title" in row else ""
        yield Document(_id(row, where), _text(row, "text", where), title)
    if not found:
        raise InputError(f"{repository}: the corpus holds no documents", "at least one document")


def _judgment(item: tuple[str, Mapping[str, Any]]) -> Judgment:
    where, row = item
    try:
        query, document, grade = row["query-id"], row["corpus-id"], row["score"]
        if int(grade) == float(grade):
            return where, str(query), str(document), int(grade)
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{where}: not a judgment: {dict(row)!r:.200}", _COLUMNS + "; a score is an integer")


def _id(row: Mapping[str, Any], where: str) -> str:
    identifier = row.get("_id", row.get("id"))
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or identifier == "":
        raise InputError(f"{where}: _id is {identifier!r}; columns {', '.join(row)}", "a string or an integer")
    return str(identifier)


def _as_text() -> dict[str, Any]:
    import csv

    from datasets import Features, Value

    columns = {"query-id": Value("string"), "corpus-id": Value("string"), "score": Value("int32")}
    return {"features": Features(columns), "quoting": csv.QUOTE_NONE, "keep_default_na": False}


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key, ...)
    if value is None or isinstance(value, str):
        return value or ""
    raise InputError(f"{where}: {key} is missing or no string; columns {', '.join(row)}", _COLUMNS)


def _identity(builder: Any) -> str:
    """Checksums of local files, commits of files on the hub (they stand in the files' addresses)."""
    names = []
    for split, files in sorted((builder.config.data_files or {}).items()):
        for name in files:
            local = Path(name)
            names.append(f"{split} {sha256(local) if local.is_file() else name}")
    if not names:  # the package's own copy of something downloaded before: its hash names the content
        names = [f"{builder.dataset_name} {builder.config.name} {builder.hash}"]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
