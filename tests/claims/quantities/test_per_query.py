"""Values of each query for one role: measures, and the share of exact neighbours found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from claims.build import roles, scored
from reports.exports.cells import cell

from ir_bench.claims.quantities.per_query import Seeds, only, pair, per_query, same_queries
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, read_measured
from ir_bench.types import Run

AP = {"AP": [0.5, 0.25, 0.0]}


def searched(retriever: str, rankings: list[str]) -> Measured:
    """A result whose rankings are given as letters, best first."""
    scores = {f"q{i}": {d: -float(rank) for rank, d in enumerate(each)} for i, each in enumerate(rankings)}
    return scored(retriever, {"AP": [0.0] * len(rankings)}, run=Run.of(scores))


def test_a_measure_of_the_one_result() -> None:
    np.testing.assert_array_equal(per_query(roles(of=scored("bm25", AP)), "of", "AP"), AP["AP"])


def test_a_role_without_a_result_or_with_several_is_refused() -> None:
    one = scored("bm25", AP)
    assert only(roles(of=one), "of") is one
    with pytest.raises(InputError, match="the role 'over' has 0 results"):
        only(roles(of=one), "over")
    with pytest.raises(InputError, match="the role 'of' has 2 results"):  # the second would be left out unseen
        per_query(roles(of=[one, one]), "of", "AP")


def test_a_pair_is_of_beside_over() -> None:
    found = pair(roles(of=scored("hybrid", {"AP": [1, 2]}), over=scored("bm25", {"AP": [3, 4]})), "AP")
    np.testing.assert_array_equal(found, [[1, 3], [2, 4]])


def test_overlap_is_the_share_of_the_exact_best_that_is_found() -> None:
    exact = searched("flat", ["abc", "abc", "abc"])
    ours = searched("hnsw", ["abx", "xyz", "cba"])
    both = roles(of=ours, exact=exact)
    np.testing.assert_allclose(per_query(both, "of", "overlap@3"), [2 / 3, 0, 1])
    np.testing.assert_allclose(per_query(both, "of", "overlap@1"), [1, 0, 0])
    np.testing.assert_allclose(per_query(both, "of", "overlap@1/3"), [1, 0, 1])


def test_overlap_by_a_plain_double_loop() -> None:
    random = np.random.default_rng(0)
    exact = ["".join(random.permutation(list("abcdefghij"))[:6]) for _ in range(20)]
    ours = ["".join(random.permutation(list("abcdefghij"))[:6]) for _ in range(20)]
    for depth in (1, 3, 6):
        expected = []
        for mine, theirs in zip(ours, exact, strict=True):
            hits = 0
            for document in theirs[:depth]:
                for other in mine[:depth]:
                    hits += document == other
            expected.append(hits / depth)
        found = per_query(roles(of=searched("hnsw", ours), exact=searched("flat", exact)), "of", f"overlap@{depth}")
        np.testing.assert_allclose(found, expected)


def test_where_exact_search_finds_little_that_is_all_and_where_nothing_the_query_does_not_count() -> None:
    exact = searched("flat", ["abc", "a", ""])
    ours = searched("hnsw", ["ab", "xa", "x"])
    np.testing.assert_allclose(per_query(roles(of=ours, exact=exact), "of", "overlap@2"), [1, 1])


def test_overlap_needs_an_exact_result() -> None:
    with pytest.raises(InputError, match="the role 'exact' has 0 results"):
        per_query(roles(of=searched("hnsw", ["ab"])), "of", "overlap@1")


def test_overlap_needs_rankings() -> None:
    both = roles(of=scored("hnsw", AP), exact=scored("flat", AP))
    with pytest.raises(InputError, match="0 documents a query are kept for `dataset=tiny retriever=hnsw`"):
        per_query(both, "of", "overlap@1")


@pytest.mark.parametrize("whole", [True, False])
def test_overlap_is_not_taken_from_rankings_that_end_before(tmp_path: Path, whole: bool) -> None:
    """A result without its run keeps the best documents only: overlap@100 of these would be another number."""
    one = read_measured(cell(tmp_path, whole=whole))
    np.testing.assert_array_equal(per_query(roles(of=one, exact=one), "of", "overlap@2"), [1, 1])
    with pytest.raises(InputError, match="2 documents a query are kept for `dataset=beir/scifact retriever=bm25`"):
        per_query(roles(of=one, exact=one), "of", "overlap@100")


@pytest.mark.parametrize("key", ["corpus", "judgments", "rules"])
def test_results_over_different_data_are_not_compared(key: str) -> None:
    one, other = scored("hybrid", AP), scored("bm25", AP)
    other = replace(other, system={**other.system, key: "other"})
    told = f"`dataset=tiny retriever=hybrid` and `dataset=tiny retriever=bm25` were measured with different {key}"
    with pytest.raises(InputError) as raised:
        pair(roles(of=one, over=other), "AP")
    assert raised.value.happened == told
    with pytest.raises(InputError, match=f"different {key}"):
        per_query(roles(of=one, exact=other), "of", "overlap@1")


def test_results_over_different_queries_are_not_compared() -> None:
    with pytest.raises(InputError, match=r"retriever=hybrid` and .* have different queries"):
        same_queries([scored("hybrid", AP), scored("bm25", {"AP": [0.5, 0.25]})])


def test_a_role_of_several_seeds_has_the_mean_of_each_query() -> None:
    seeds = Seeds([scored("x", {"AP": [0, 0.5]}), scored("x", {"AP": [1, 0.5]})])
    found = roles(of=seeds, over=scored("y", {"AP": [0.25, 0.25]}))
    assert per_query(found, "of", "AP").tolist() == [0.5, 0.5]
    assert pair(found, "AP").tolist() == [[0.5, 0.25], [0.5, 0.25]]
    other = scored("x", {"AP": [1, 0.5]}, corpus="c1")
    with pytest.raises(InputError, match="different corpus"):
        per_query(roles(of=Seeds([seeds[0], other])), "of", "AP")
