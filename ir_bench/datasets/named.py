"""A published benchmark by its name: found on this machine, else in the cache, else downloaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock

from ir_bench.datasets import folder
from ir_bench.datasets.download import Download, fetch
from ir_bench.datasets.places import cache_folder, data_folders
from ir_bench.datasets.unpack import unpack
from ir_bench.errors import InputError, NotFound
from ir_bench.types import Dataset, Rules

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


@dataclass
class Named:
    """The first of `folders` that holds a file, below each folder of $IR_BENCH_DATA, then below the cache's `datasets`;
    what is nowhere is downloaded when it is used.

    Corpus, queries and judgments are looked for one by one, so that a run file can be scored without the corpus.
    Queries are those judged in `split`; `judged_only=False` gives all that the file holds. `documents` is the
    published number of documents, for progress bars and the receipt; `judgments` that of each split, where it was
    counted: another number raises InputError, because a truncated file gives plausible scores. `obtain` says where to
    get what has no download.
    """

    name: str
    folders: Sequence[str] = field(metadata={"changes_results": False})
    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    judged_only: bool = True
    query_tokens: int | None = None
    document_tokens: int | None = None
    rules: Rules = field(default_factory=Rules)
    documents: int | None = field(default=None, metadata={"changes_results": False})
    judgments: Mapping[str, int] = field(default_factory=dict, metadata={"changes_results": False})
    downloads: Mapping[str, Download] = field(default_factory=dict, metadata={"changes_results": False})
    obtain: str = field(default="", metadata={"changes_results": False})

    def load(self) -> Dataset:
        return folder.read_dataset(self.name, self, self._path, self.documents, self.judgments.get(self.split))

    def locate(self) -> Path | None:
        """The folder that holds the corpus, when it is on this machine."""
        found = folder.find(self._places(), "corpus", self.split)
        return found.parent if found else None

    def describe_source(self) -> str:
        """Where the dataset comes from when it is not here."""
        if not self.downloads:
            return self.obtain or "no download is known"
        size = self.download_bytes()
        urls = ", ".join(download.urls[0] for download in self.downloads.values())
        return urls + (f" ({size / 1e6:,.1f} MB)" if size else "")

    def download_bytes(self) -> int | None:
        """Bytes to download for the whole dataset, where all are known."""
        sizes = [download.size_bytes for download in self.downloads.values()]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None

    def files(self) -> list[Path]:
        """The files of this split that are on this machine."""
        found = (folder.find(self._places(), part, self.split) for part in folder.PARTS)
        return [path for path in found if path]

    def where(self, document_id: str) -> list[str]:
        """Every `file:line` of a document id."""
        return folder.occurrences(self._path("corpus"), document_id)

    def _places(self) -> list[Path]:
        roots = [*data_folders(), cache_folder() / "datasets"]
        return [root / name for root in roots for name in self.folders]

    def _path(self, part: folder.Part) -> Path:
        path = folder.find(self._places(), part, self.split)
        sources = [download for download in self.downloads.values() if part in download.provides]
        if path is not None:
            return path
        known = folder.splits(self._places())
        missing = folder.not_found(self.name, self._places(), part, self.split)
        together = all("corpus" in download.provides for download in sources)
        if part == "qrels" and together and self.locate() and known and self.split not in known:
            raise missing  # the whole dataset is here; it has no such split
        for download in sources:
            try:
                with _locked(download):
                    if (path := folder.find(self._places(), part, self.split)) is None:  # else another process got it
                        _obtain(download)
            except InputError as error:
                own = f"put the files there, set IR_BENCH_DATA to the folder that holds {self.folders[-1]}"
                raise NotFound(
                    f"{missing.happened}. {error.happened}", missing.expected, f"{own}, or {error.fix}"
                ) from None
            if path := folder.find(self._places(), part, self.split):
                return path
        if sources:  # now that the files are here, an unknown split can be told
            raise folder.not_found(self.name, self._places(), part, self.split)
        raise NotFound(
            missing.happened,
            missing.expected,
            self.obtain or "put the files there, or set IR_BENCH_DATA to the folder above",
        )


@contextmanager
def _locked(download: Download) -> Iterator[None]:
    """One process at a time obtains a download; the others wait and find it."""
    place = cache_folder() / "datasets" / download.folder
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write to {place.parent}: {error.strerror}", fix="choose another folder with IR_BENCH_CACHE"
        ) from None
    with FileLock(f"{place}.obtaining.lock"):
        yield


def _obtain(download: Download) -> None:
    """Download and unpack into the cache."""
    place = cache_folder() / "datasets" / download.folder
    if not download.file_name.endswith(_ARCHIVES):
        fetch(download, place / download.file_name)
        return
    archive = fetch(download, place.with_name(download.file_name))
    try:
        unpack(archive, place)
    except InputError:
        if not download.checked:  # else the file is what it should be, and the disk was too small
            archive.unlink()
        raise
    archive.unlink()
