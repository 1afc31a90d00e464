"""What a report takes from a dataset: texts and judgments where they are on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ir_bench.types import Dataset


class Published(NamedTuple):
    """A published value as it was printed, how ours compares with it, and the table that says so."""

    value: str
    verdict: str
    table: str = ""


class Source(NamedTuple):
    """What a part of a system, or the dataset, is cited by."""

    part: str
    text: str


@dataclass(frozen=True)
class Data:
    """The dataset of one group, or why it is not there. `about` is what its configuration says of home page and
    licence, `cite` what it is cited by; `published` is by (system, measure), `sources` by system."""

    dataset: Dataset | None = None
    missing: str = ""
    about: str = ""
    published: Mapping[tuple[str, str], Published] = field(default_factory=dict)
    sources: Mapping[str, Sequence[Source]] = field(default_factory=dict)
    cite: Sequence[Source] = ()
