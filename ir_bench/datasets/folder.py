"""A dataset in a folder, in any of the layouts known here: finding its files, choosing their reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal

from ir_bench.datasets import beir, msmarco
from ir_bench.datasets.assemble import Settings, assemble
from ir_bench.datasets.checksums import content
from ir_bench.datasets.qrels import collect, judgments
from ir_bench.errors import InputError, NotFound
from ir_bench.types import Corpus, Dataset, Document, Queries

LAYOUTS = (beir, msmarco)
Part = Literal["corpus", "queries", "qrels"]
PARTS: tuple[Part, ...] = ("corpus", "queries", "qrels")


def find(folders: Iterable[Path], part: Part, split: str) -> Path | None:
    """The first file of a part in these folders, in the layouts' order, packed or not."""
    for folder in folders:
        for layout in LAYOUTS:
            for name in _names(layout, part, split):
                for path in (folder / name, folder / f"{name}.gz"):
                    if path.is_file():
                        return path
    return None


def splits(folders: Iterable[Path]) -> list[str]:
    """All splits with judgments in these folders."""
    return sorted({split for folder in folders for layout in LAYOUTS for split in layout.splits(folder)})


def expected(split: str) -> str:
    """The files of each layout by their first names, in words."""
    layouts = (f"{layout.NAME} layout: {', '.join(_names(layout, p, split)[0] for p in PARTS)}" for layout in LAYOUTS)
    return "; ".join(layouts) + "; each also with .gz"


def not_found(name: str, folders: list[Path], part: Part, split: str) -> InputError:
    """What to tell when a part of a dataset is in none of the folders: an unknown split, or the missing file."""
    known = splits(folders)
    if part == "qrels" and known and split not in known:
        return InputError(
            f"{name} has no split {split!r}", f"one of: {', '.join(known)}", f"dataset.split={known[-1]}, for example"
        )
    looked = ", ".join(f"{folder}" + ("" if folder.is_dir() else " (no such folder)") for folder in folders)
    what = {"corpus": "corpus", "queries": f"queries of split {split}", "qrels": f"judgments of split {split}"}[part]
    return NotFound(f"{name}: no {what} found; looked in {looked or 'no folder'}", expected(split))


def read_dataset(
    name: str,
    settings: Settings,
    path_of: Callable[[Part], Path],
    size: int | None = None,
    published_judgments: int | None = None,
) -> Dataset:
    """The dataset whose files `path_of` names; it is asked when a part is first used.

    With `published_judgments`, judgments of another number raise InputError: scores over a part of them look plausible.
    """

    def corpus() -> Corpus:
        path = path_of("corpus")
        return Corpus(
            name=name,
            identity=content(path, partial(_documents, path)),
            read=partial(_documents, path),
            size=size,
            titles=settings.titles,
            query_tokens=settings.query_tokens,
            document_tokens=settings.document_tokens,
        )

    def qrels() -> dict[str, dict[str, int]]:
        path = path_of("qrels")
        grades = collect(judgments(path), str(path))
        found = sum(map(len, grades.values()))
        if published_judgments not in (None, found):
            raise InputError(
                f"{path} holds {found:,} judgments of split {settings.split!r}",
                f"the {published_judgments:,} that {name} was published with",
                "get the whole file again; for judgments of your own use dataset=local dataset.path=FOLDER",
            )
        return grades

    return assemble(name, settings, corpus, lambda: read_queries(path_of("queries")), qrels)


def read_queries(path: Path) -> Queries:
    """All queries of a file. A query that is repeated counts once; InputError when two texts share an id."""
    found: dict[str, str] = {}
    for where, query, text in reader(path).queries(path):
        if found.setdefault(query, text) != text:
            raise InputError(
                f"{where}: query id {query!r} was already used for another text: {found[query][:60]!r}",
                "every id once",
                "rename or remove one of the two",
            )
    return found


def occurrences(path: Path, document_id: str) -> list[str]:
    """Every `file:line` at which a document id stands in a corpus file."""
    numbered = reader(path).numbered_documents(path)
    return [f"{path}:{number}" for number, document in numbered if document.id == document_id]


def reader(path: Path) -> ModuleType:
    """The layout whose files look like this one."""
    return beir if path.name.removesuffix(".gz").endswith(".jsonl") else msmarco


def _documents(path: Path) -> Iterator[Document]:
    found = False
    for document in reader(path).documents(path):
        found = True
        yield document
    if not found:
        raise InputError(f"{path}: the corpus holds no documents", "at least one document", "look at the file")


def _names(layout: ModuleType, part: Part, split: str) -> list[str]:
    if part == "corpus":
        return layout.corpus_names()
    return layout.query_names(split) if part == "queries" else layout.qrels_names(split)
