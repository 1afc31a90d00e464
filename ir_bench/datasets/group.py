"""A benchmark of several datasets that is reported as one: CQADupStack's twelve forums and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ir_bench.errors import InputError
from ir_bench.protocols import DatasetSource
from ir_bench.types import Dataset


@dataclass
class DatasetGroup:
    """Members by name; the group's score is the unweighted arithmetic mean of theirs, whatever their query counts.

    It is no dataset itself: documents of different members never stand in one ranking.
    """

    name: str
    members: Mapping[str, DatasetSource]

    def load(self) -> Dataset:
        raise InputError(
            f"{self.name} is a group of {len(self.members)} datasets and has no corpus of its own",
            "its members, one at a time: " + ", ".join(self.members),
            f"`ir-bench run dataset={self.name}` runs them all and averages; dataset={self.name}/"
            f"{next(iter(self.members), 'NAME')} runs one",
        )

    def locate(self) -> Path | None:
        """The folder above the members, when all of them are here."""
        places: list[Path | None] = [getattr(member, "locate", lambda: None)() for member in self.members.values()]
        found = [place for place in places if place is not None]
        return found[0].parent if found and len(found) == len(self.members) else None

    def describe_source(self) -> str:
        first = next(iter(self.members.values()), None)
        source = getattr(first, "describe_source", lambda: "no source")()
        return f"{len(self.members)} datasets; {source}"
