"""A folder of one's own, in BEIR's or MS MARCO's layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_bench.datasets import folder
from ir_bench.errors import InputError
from ir_bench.types import Dataset, Rules


@dataclass
class Local:
    """The dataset in the folder `path`, named as the folder unless `name` is given.

    Queries are those judged in `split`; `judged_only=False` gives all that the file holds. Raises InputError, when a
    part is used, for a file that is missing or malformed.
    """

    path: str
    name: str | None = None
    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    judged_only: bool = True
    query_tokens: int | None = None
    document_tokens: int | None = None
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        place = self._folder()
        if not place.is_dir():
            raise InputError(
                f"there is no folder {place}",
                f"a folder with {folder.expected(self.split)}",
                "dataset.path=FOLDER",
            )
        return folder.read_dataset(self.name or place.resolve().name, self, self._path)

    def locate(self) -> Path | None:
        """The folder, when it holds a corpus."""
        return self._folder() if folder.find([self._folder()], "corpus", self.split) else None

    def describe_source(self) -> str:
        return f"the folder {self.path}"

    def files(self) -> list[Path]:
        """The files of this split that are there."""
        found = (folder.find([self._folder()], part, self.split) for part in folder.PARTS)
        return [path for path in found if path]

    def where(self, document_id: str) -> list[str]:
        """Every `file:line` of a document id."""
        return folder.occurrences(self._path("corpus"), document_id)

    def _folder(self) -> Path:
        return Path(self.path).expanduser()

    def _path(self, part: folder.Part) -> Path:
        path = folder.find([self._folder()], part, self.split)
        if path is None:
            raise folder.not_found(self.name or self._folder().name, [self._folder()], part, self.split)
        return path
