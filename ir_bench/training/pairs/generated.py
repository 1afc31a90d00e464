"""Queries that a generator writes for documents, kept in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.progress import bar
from ir_bench.protocols import Generator
from ir_bench.store import Store
from ir_bench.training.examples import Pairs, TrainingText

AT_ONCE = 64  # documents whose queries are generated, and lost at most when killed


@dataclass
class Generated:
    """`per_document` queries written by a generator for each document, paired with the document.

    They are kept in `file`, or in the store where it is None: a line for the settings, then a line for each document in
    corpus order. What stands there is not generated again, so that experiments are repeated byte for byte, on no
    network, and a killed run goes on where it stopped; without a generator the file must hold everything. Documents for
    which nothing was written give no pairs.
    Raises InputError for a file made with other settings or of other documents, one that ends early where there is no
    generator, and one without any query.
    Source: Nogueira and Lin 2019, "From doc2query to docTTTTTquery" (the queries); Lin et al. 2023, "How to Train Your
    DRAGON" (training with them).
    """

    generator: Generator | None = None
    per_document: int = 1
    seed: int = 0
    file: str | None = field(default=None, metadata={"changes_results": False})

    def pairs(self, text: TrainingText, store: Store, seed: int) -> Pairs:
        path = Path(self.file) if self.file else self._in_store(text, store)
        header = {
            "generator": None if self.generator is None else describe(self.generator),
            "per_document": self.per_document,
            "seed": self.seed,
        }
        done, size = self._read(path, text, header)
        if len(done) < len(text.documents):
            self._write(path, text, header, done, size)

        def made() -> Iterator[tuple[int, str, None]]:
            for row, queries in enumerate(done):
                yield from ((row, query, None) for query in queries)

        return Pairs.made(text, made())

    def _in_store(self, text: TrainingText, store: Store) -> Path:
        key = fingerprint([self, text.corpus.identity, text.corpus.titles])
        return Path(store.folder) / "generated" / f"{key}.jsonl"

    def _read(self, path: Path, text: TrainingText, header: dict[str, object]) -> tuple[list[list[str]], int]:
        """The queries of the documents that the file holds, and where its last whole line ends."""
        done: list[list[str]] = []
        if not path.is_file():
            return done, 0
        size = 0
        with path.open("rb") as stream:
            for number, line in enumerate(stream):
                if not line.endswith(b"\n"):  # cut short when a run was killed
                    break
                size += len(line)
                try:
                    record = json.loads(line)
                    if number == 0:
                        self._check_settings(path, record, header)
                    elif [record["document"], record["sha256"]] == _identity(text, len(done)):
                        done.append([str(query) for query in record["queries"]])
                    else:
                        raise InputError(
                            f"{path}:{number + 1}: queries for document {record['document']!r} with another text",
                            f"document {text.document_ids[len(done)]!r} of {text.corpus.name} as it is now",
                            "use the file with the collection it was made from, or remove it",
                        )
                except (ValueError, KeyError, TypeError, IndexError) as error:
                    raise InputError(
                        f"{path}:{number + 1}: not a line of generated queries: {error!r}",
                        '{"document": "…", "sha256": "…", "queries": ["…"]}, as many as there are documents',
                        "remove the file to generate anew",
                    ) from None
        return done, size

    def _check_settings(self, path: Path, found: dict[str, object], header: dict[str, object]) -> None:
        for name, value in header.items():
            if found.get(name) != value and not (name == "generator" and self.generator is None):
                raise InputError(
                    f"{path} was made with {name}={found.get(name)!r}",
                    f"{name}={value!r}, as it is set here",
                    "correct the setting, or name another file",
                )

    def _write(
        self, path: Path, text: TrainingText, header: dict[str, object], done: list[list[str]], size: int
    ) -> None:
        """Generate what is missing, writing line after line."""
        if self.generator is None:
            raise InputError(
                f"{path} holds queries for {len(done)} of {len(text.documents)} documents",
                "queries for every document, or a generator to write them",
                "name a generator, for example generator=extractive",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self.generator.fit(text.documents)
        total = len(text.documents)
        with path.open("ab") as stream, bar(total, "generating queries", "documents") as progress:
            stream.truncate(size)
            if size == 0:
                stream.write(_line(header))
            progress.update(len(done))
            for start in range(len(done), total, AT_ONCE):
                some = range(start, min(start + AT_ONCE, total))
                titles, bodies = [text.titles[row] for row in some], [text.bodies[row] for row in some]
                written = self.generator.generate(titles, bodies, self.per_document, self.seed)
                for row, queries in zip(some, written, strict=True):
                    document, checksum = _identity(text, row)
                    stream.write(_line({"document": document, "sha256": checksum, "queries": queries}))
                stream.flush()
                done.extend(written)
                progress.update(len(some))


def _identity(text: TrainingText, row: int) -> list[str]:
    return [text.document_ids[row], hashlib.sha256(text.documents[row].encode()).hexdigest()[:16]]


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
