"""Results on disk, found by the command that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from reports.exports.cells import cell

from ir_bench.claims.kept import Kept
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, StaleResult

BM25 = "dataset=beir/scifact retriever=bm25"


def test_a_result_is_found_by_its_command(tmp_path: Path) -> None:
    folder = cell(tmp_path)
    cell(tmp_path, name="minilm")
    (measured,) = Kept(tmp_path).find(BM25) or []
    assert (measured.folder, measured.retriever, measured.command) == (folder, "bm25", BM25)


def test_what_was_not_measured_is_none_and_not_an_empty_list(tmp_path: Path) -> None:
    assert Kept(tmp_path).find(BM25) is None
    cell(tmp_path)
    assert Kept(tmp_path).find(f"{BM25} similarity.k1=1.2") is None


def test_a_group_is_there_when_all_its_members_are(tmp_path: Path) -> None:
    def members(command: str) -> list[str]:
        return [command.replace("forums", forum) for forum in ("android", "tex")] if "forums" in command else [command]

    folders = [cell(tmp_path, "android")]
    assert Kept(tmp_path, members).find("dataset=forums retriever=bm25") is None
    folders.append(cell(tmp_path, "tex"))
    found = Kept(tmp_path, members).find("dataset=forums retriever=bm25") or []
    assert [measured.folder for measured in found] == folders
    assert Kept(tmp_path, members).folders("dataset=forums retriever=bm25") == folders


def test_two_results_of_one_command_are_stale(tmp_path: Path) -> None:
    folders = [cell(tmp_path, k=k) for k in (1000, 100)]
    with pytest.raises(StaleResult) as raised:
        Kept(tmp_path).find(BM25)
    assert raised.value.happened == (
        f"two results were made by `ir-bench run {BM25}`: " + " and ".join(map(str, sorted(folders)))
    )
    assert raised.value.fix == "delete the older one"


def test_a_damaged_folder_is_told_when_it_is_asked_for_and_not_before(tmp_path: Path) -> None:
    (cell(tmp_path, name="minilm") / "cost.json").write_text("{")
    cell(tmp_path)
    kept = Kept(tmp_path)
    assert kept.find(BM25)
    with pytest.raises(InputError, match="is damaged"):
        kept.find("dataset=beir/scifact retriever=minilm")
    assert kept.folders("dataset=beir/scifact retriever=minilm")


def test_each_result_is_read_and_checked_once(tmp_path: Path) -> None:
    cell(tmp_path)
    seen: list[Measured] = []
    kept = Kept(tmp_path, check=seen.append)
    assert kept.find(BM25) == kept.find(BM25) == seen


def test_a_check_that_fails_is_not_forgotten(tmp_path: Path) -> None:
    def check(measured: Measured) -> None:
        raise StaleResult("other settings")

    cell(tmp_path)
    kept = Kept(tmp_path, check=check)
    for _ in range(2):
        with pytest.raises(StaleResult, match="other settings"):
            kept.find(BM25)


def test_a_folder_without_settings_or_scores_is_no_result(tmp_path: Path) -> None:
    (cell(tmp_path) / "system.yaml").unlink()
    (cell(tmp_path, name="minilm") / "scores.json").unlink()
    assert Kept(tmp_path).by_command == {}
    assert Kept(tmp_path / "absent").by_command == {}
