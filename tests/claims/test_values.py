"""Values of each query, as scored or from the ranks that were kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from claims.build import ranked, scored

from ir_bench.claims.values import ranks, values
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import StaleResult

# q0: 4 relevant, found at 1, 3 and 6; q1: 2 relevant, none found; q2: nothing relevant; q3: 1 relevant, found at 10
FOUND = [(4, [1, 3, 6]), (2, []), (0, []), (1, [10])]


def test_a_scored_measure_is_taken_as_it_is() -> None:
    np.testing.assert_array_equal(values(scored("bm25", {"AP": [0.5, 0.25]}), "AP"), [0.5, 0.25])


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("R@1", [1 / 4, 0, 0, 0]),
        ("R@3", [2 / 4, 0, 0, 0]),
        ("R@10", [3 / 4, 0, 0, 1]),
        ("R_cap@1", [1, 0, 0, 0]),  # at most one can be found at depth 1
        ("R_cap@3", [2 / 3, 0, 0, 0]),
        ("R_cap@10", [3 / 4, 0, 0, 1]),  # four relevant fit into ten: as plain recall
    ],
)
def test_recall_follows_from_the_ranks_at_any_depth(tmp_path: Path, measure: str, expected: list[float]) -> None:
    np.testing.assert_allclose(values(ranked(tmp_path / "bm25", "bm25", FOUND), measure), expected)


@pytest.mark.parametrize("measure", ["nDCG@10", "R@11", "R_cap@100", "R(rel=2)@5"])
def test_what_does_not_follow_from_the_ranks_must_have_been_scored(tmp_path: Path, measure: str) -> None:
    with pytest.raises(InputError) as raised:
        values(ranked(tmp_path / "bm25", "bm25", FOUND), measure)
    assert raised.value.happened == f"{measure} was not scored for tiny × bm25"
    assert raised.value.fix == f"score it: ir-bench run dataset=tiny retriever=bm25 measures=[{measure}]"


def test_a_run_file_keeps_no_ranks() -> None:
    with pytest.raises(InputError, match="no ranks are kept for `dataset=tiny retriever=bm25`"):
        values(scored("bm25", {"AP": [0.5]}, k=10), "R@5")


def edited(path: Path, old: str, new: str) -> None:
    content = gzip.decompress(path.read_bytes()).decode()
    assert old in content
    path.write_bytes(gzip.compress(content.replace(old, new).encode()))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("q1\t2\t\n", "", "3 queries that are not those of per_query.tsv.gz"),
        ("q1\t2", "x1\t2", "4 queries that are not those of per_query.tsv.gz"),
        # q0's third document is lost: (2/4 + 0 + 0 + 1) / 4 in place of (3/4 + 0 + 0 + 1) / 4
        ("1 3 6", "1 3", r"R@10 0\.375000, the scores say 0\.437500"),
        ("q1\t2\t", "q1\t2\t7", r"R@10 0\.562500, the scores say 0\.437500"),
    ],
)
def test_ranks_of_another_run_are_stale(tmp_path: Path, old: str, new: str, told: str) -> None:
    measured = ranked(tmp_path / "bm25", "bm25", FOUND)
    edited(tmp_path / "bm25" / "ranks.tsv.gz", old, new)
    with pytest.raises(StaleResult, match=rf"ranks\.tsv\.gz gives {told}"):
        ranks(measured)
    with pytest.raises(StaleResult):
        values(measured, "R@5")
