"""The collection that comes with the package: small enough for a first look, on no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

from ir_bench.datasets import folder
from ir_bench.types import Dataset, Rules


@dataclass
class Sample:
    """The bundled sample, in BEIR's layout."""

    split: str = "test"
    titles: Literal["join", "ignore"] = "join"
    judged_only: bool = True
    query_tokens: int | None = None
    document_tokens: int | None = None
    rules: Rules = field(default_factory=Rules)

    def load(self) -> Dataset:
        return folder.read_dataset("sample", self, self._path)

    def locate(self) -> Path | None:
        """The folder inside the package."""
        return _place() if folder.find([_place()], "corpus", self.split) else None

    def describe_source(self) -> str:
        return "comes with the package"

    def files(self) -> list[Path]:
        """The files of this split."""
        found = (folder.find([_place()], part, self.split) for part in folder.PARTS)
        return [path for path in found if path]

    def _path(self, part: folder.Part) -> Path:
        path = folder.find([_place()], part, self.split)
        if path is None:
            raise folder.not_found("sample", [_place()], part, self.split)
        return path


def _place() -> Path:
    return Path(str(resources.files("ir_bench.datasets"))) / "sample"
