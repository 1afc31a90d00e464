"""What a dataset holds, counted in one pass: the receipt to print before numbers are trusted."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ir_bench.datasets.checksums import sha256
from ir_bench.errors import NotFound
from ir_bench.progress import bar
from ir_bench.protocols import DatasetSource
from ir_bench.types import Corpus, Dataset, Document

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = 5


@dataclass(frozen=True)
class File:
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Lengths:
    """Mean and maximum of characters and of words (what stands between blanks)."""

    characters_mean: float
    characters_max: int
    words_mean: float
    words_max: int


@dataclass(frozen=True)
class Documents:
    """`duplicates` have title and text of an earlier document, `repeated_ids` the id of one; `titled` is a share."""

    count: int
    expected: int | None
    empty: int
    duplicates: int
    repeated_ids: int
    titled: float
    lengths: Lengths
    identity: str


@dataclass(frozen=True)
class Queries:
    """`unjudged` have no judgment in this split, `without_relevant` no relevant document;
    `named_as_a_document` have the id of a document, `judged_with_themselves` a judgment of that very document."""

    count: int
    judged: int
    unjudged: int
    without_relevant: int
    empty: int
    named_as_a_document: int | None
    judged_with_themselves: int
    lengths: Lengths


@dataclass(frozen=True)
class Judgments:
    """`unknown_documents` and `unknown_queries` are judgments that name what the collection does not hold."""

    count: int
    grades: dict[int, int]
    relevant_per_query: float
    unknown_documents: int | None
    unknown_document_examples: list[str]
    unknown_queries: int
    unknown_query_examples: list[str]


@dataclass(frozen=True)
class Receipt:
    """Counts of one dataset and split. `documents` is None where only queries and judgments are at hand."""

    name: str
    split: str
    documents: Documents | None
    queries: Queries
    judgments: Judgments
    rules: dict[str, object]
    files: list[File] = field(default_factory=list)
    corpus_missing: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def render(self) -> Table:
        """A table for the terminal."""
        from rich.table import Table

        table = Table("", "", title=f"{self.name}, split {self.split}", show_header=False, title_justify="left")
        for label, value in self._rows():
            table.add_row(label, value)
        return table

    def _rows(self) -> Iterable[tuple[str, str]]:
        d, q, j = self.documents, self.queries, self.judgments
        if d is None:
            yield "documents", f"not here: {self.corpus_missing}"
        else:
            expected = "" if d.expected in (None, d.count) else f"  NOT the published {d.expected:,}"
            yield "documents", f"{d.count:,}{expected}"
            yield "  empty", f"{d.empty:,}"
            yield "  same text as an earlier one", f"{d.duplicates:,}"
            yield "  id of an earlier one", f"{d.repeated_ids:,}"
            yield "  with a title", f"{d.titled:.1%}"
            yield "  length", _in_words(d.lengths)
            yield "  identity", d.identity
        yield "queries", f"{q.count:,}"
        yield "  judged in this split", f"{q.judged:,}"
        yield "  without judgments", f"{q.unjudged:,}"
        yield "  without a relevant document", f"{q.without_relevant:,}"
        yield "  empty", f"{q.empty:,}"
        yield "  with a document's id", "not known" if q.named_as_a_document is None else f"{q.named_as_a_document:,}"
        yield "  judged with themselves", f"{q.judged_with_themselves:,}"
        yield "  length", _in_words(q.lengths)
        yield "judgments", f"{j.count:,}"
        yield "  by grade", ", ".join(f"{grade}: {count:,}" for grade, count in j.grades.items())
        yield "  relevant per judged query", f"{j.relevant_per_query:.2f}"
        unknown = "not known" if j.unknown_documents is None else f"{j.unknown_documents:,}"
        yield "  of unknown documents", _with_examples(unknown, j.unknown_document_examples)
        yield "  of unknown queries", _with_examples(f"{j.unknown_queries:,}", j.unknown_query_examples)
        yield "rules", ", ".join(f"{name} {value}" for name, value in self.rules.items())
        for file in self.files:
            yield "/".join(Path(file.path).parts[-2:]), f"{file.bytes:,} bytes, sha256 {file.sha256}"


def receipt(dataset: Dataset | DatasetSource) -> Receipt:
    """Count a dataset in one pass over its corpus; given a source, its files and unjudged queries too.

    Memory grows by 16 bytes a document. Raises InputError for malformed input, as reading it would.
    """
    files: list[Path] = []
    if isinstance(dataset, Dataset):
        every = dataset
    else:
        source, dataset = dataset, dataset.load()
        every = replace(source, judged_only=False).load() if hasattr(source, "judged_only") else dataset  # type: ignore[type-var]
        files = source.files() if hasattr(source, "files") else []
    qrels, texts = dataset.qrels, every.queries
    judged_documents = {document for grades in qrels.values() for document in grades}
    missing = ""
    seen: set[str] = set()
    documents = None
    try:
        corpus = dataset.corpus
    except NotFound as error:
        missing = error.happened
    else:
        documents, seen = _count(corpus, judged_documents | texts.keys())
    threshold = dataset.rules.relevance_threshold
    relevant = {query: sum(grade >= threshold for grade in grades.values()) for query, grades in qrels.items()}
    unknown_documents = [] if documents is None else [d for g in qrels.values() for d in g if d not in seen]
    unknown_queries = {query: len(grades) for query, grades in qrels.items() if query not in texts}
    judgments = sum(map(len, qrels.values()))
    return Receipt(
        name=dataset.name,
        split=dataset.split,
        documents=documents,
        queries=Queries(
            count=len(texts),
            judged=sum(query in qrels for query in texts),
            unjudged=sum(query not in qrels for query in texts),
            without_relevant=sum(count == 0 for count in relevant.values()),
            empty=sum(not text.strip() for text in texts.values()),
            named_as_a_document=None if documents is None else sum(query in seen for query in texts),
            judged_with_themselves=sum(query in grades for query, grades in qrels.items()),
            lengths=_lengths(texts.values()),
        ),
        judgments=Judgments(
            count=judgments,
            grades=dict(sorted(Counter(g for grades in qrels.values() for g in grades.values()).items())),
            relevant_per_query=sum(relevant.values()) / max(len(qrels), 1),
            unknown_documents=None if documents is None else len(unknown_documents),
            unknown_document_examples=unknown_documents[:EXAMPLES],
            unknown_queries=sum(unknown_queries.values()),
            unknown_query_examples=list(unknown_queries)[:EXAMPLES],
        ),
        rules=asdict(dataset.rules),
        files=[File(str(path), path.stat().st_size, sha256(path)) for path in files],
        corpus_missing=missing,
    )


def _count(corpus: Corpus, ids: set[str]) -> tuple[Documents, set[str]]:
    """Counts of the corpus, and which of `ids` are ids of its documents."""
    seen: set[str] = set()
    id_hashes, text_hashes = array("Q"), array("Q")
    tally = _Tally()
    empty = titled = 0
    with bar(corpus.size, f"counting {corpus.name}", "documents") as progress:
        for document in corpus:
            if document.id in ids:
                seen.add(document.id)
            id_hashes.append(_hash(document.id))
            text_hashes.append(_hash(f"{document.title}\0{document.text}"))
            empty += not f"{document.title}{document.text}".strip()
            titled += bool(document.title.strip())
            tally.add(_whole(document))
            progress.update()
    count = len(id_hashes)
    return Documents(
        count=count,
        expected=corpus.size,
        empty=empty,
        duplicates=_repeats(text_hashes),
        repeated_ids=_repeats(id_hashes),
        titled=titled / max(count, 1),
        lengths=tally.lengths(),
        identity=corpus.identity,
    ), seen


class _Tally:
    def __init__(self) -> None:
        self.texts = self.characters = self.words = self.characters_max = self.words_max = 0

    def add(self, text: str) -> None:
        characters, words = len(text), len(text.split())
        self.texts += 1
        self.characters += characters
        self.words += words
        self.characters_max = max(self.characters_max, characters)
        self.words_max = max(self.words_max, words)

    def lengths(self) -> Lengths:
        n = max(self.texts, 1)
        return Lengths(self.characters / n, self.characters_max, self.words / n, self.words_max)


def _lengths(texts: Iterable[str]) -> Lengths:
    tally = _Tally()
    for text in texts:
        tally.add(text)
    return tally.lengths()


def _whole(document: Document) -> str:
    return f"{document.title} {document.text}".strip() if document.title else document.text


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _repeats(hashes: array[int]) -> int:
    """How many values equal an earlier one; 10 million different texts share 64 bits once in 370,000 times."""
    values = np.frombuffer(hashes, np.uint64) if hashes else np.empty(0, np.uint64)
    return len(values) - len(np.unique(values))


def _in_words(lengths: Lengths) -> str:
    return (
        f"{lengths.characters_mean:.1f} characters (at most {lengths.characters_max:,}), "
        f"{lengths.words_mean:.1f} words (at most {lengths.words_max:,})"
    )


def _with_examples(count: str, examples: list[str]) -> str:
    return f"{count}: {', '.join(examples)}" + (", …" if len(examples) == EXAMPLES else "") if examples else count
