"""A group is no dataset, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ir_bench.datasets.available import Availability, availability
from ir_bench.datasets.group import DatasetGroup
from ir_bench.datasets.local import Local
from ir_bench.errors import InputError


@pytest.fixture
def group(beir_folder: Callable[..., Path]) -> DatasetGroup:
    return DatasetGroup("birds", {name: Local(str(beir_folder(f"birds/{name}"))) for name in ("owls", "ducks")})


def test_it_has_members_and_no_corpus(group: DatasetGroup) -> None:
    assert [member.load().name for member in group.members.values()] == ["owls", "ducks"]
    with pytest.raises(InputError, match="birds is a group of 2 datasets and has no corpus of its own") as raised:
        group.load()
    assert "owls, ducks" in raised.value.expected
    assert "dataset=birds/owls" in raised.value.fix


def test_it_is_here_when_all_members_are(group: DatasetGroup, tmp_path: Path) -> None:
    assert group.locate() == tmp_path / "birds"
    (tmp_path / "birds/ducks/corpus.jsonl").unlink()
    assert group.locate() is None
    assert group.describe_source().startswith("2 datasets; the folder")


def test_availability(group: DatasetGroup, tmp_path: Path) -> None:
    assert availability("birds", group).found == tmp_path / "birds"
    nowhere = Local(str(tmp_path / "nowhere"))
    assert availability("x", nowhere) == Availability("x", None, f"the folder {tmp_path}/nowhere", None)
    assert availability("y", object()) == Availability("y", None, "object", None)
