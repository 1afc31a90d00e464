"""Ranks of relevant documents, against recall as trec_eval computes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.ranks import Ranks, read_ranks, recall_by_depth, relevant_ranks, write_ranks
from ir_bench.types import Rules, Run

IDS = [f"d{i}" for i in range(12)]
runs = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(st.sampled_from(IDS), st.integers(0, 4), min_size=1),
    min_size=1,
)
judgments = st.fixed_dictionaries(
    {q: st.dictionaries(st.sampled_from(IDS), st.integers(0, 3), min_size=1) for q in ("q1", "q2", "q3")}
)


def test_ranks_by_hand():
    run = Run.of({"q1": {"a": 3.0, "b": 2.0, "c": 1.0}})
    ranks = relevant_ranks(run, {"q1": {"b": 1, "c": 2, "x": 2, "a": 0}, "q2": {"a": 1}}, Rules())
    assert ranks == {"q1": Ranks(3, (2, 3)), "q2": Ranks(1, ())}
    assert [ranks["q1"].recall(k) for k in (1, 2, 3)] == pytest.approx([0, 1 / 3, 2 / 3])


def test_the_threshold_of_the_rules_decides_what_is_relevant():
    run = Run.of({"q1": {"a": 3.0, "b": 2.0}})
    assert relevant_ranks(run, {"q1": {"a": 1, "b": 2}}, Rules(relevance_threshold=2)) == {"q1": Ranks(1, (2,))}


@given(runs, judgments, st.integers(1, 12))
def test_recall_at_every_depth_is_trec_evals(scored, qrels, depth):
    run = Run.of(scored)
    ranks = relevant_ranks(run, qrels)
    table = recall_by_depth(ranks, 12)
    expected = evaluate(run, qrels, [f"R@{depth}"]).per_query[f"R@{depth}"]
    assert [r.recall(depth) for r in ranks.values()] == pytest.approx(list(expected.values()), abs=1e-9)
    np.testing.assert_allclose(table[:, depth - 1], list(expected.values()), atol=1e-9)


def test_a_file_is_read_as_it_was_written(tmp_path):
    ranks = {"q1": Ranks(3, (2, 7)), "q two": Ranks(0, ())}
    write_ranks(ranks, tmp_path / "ranks.tsv.gz")
    assert read_ranks(tmp_path / "ranks.tsv.gz") == ranks
    (tmp_path / "bad.tsv").write_text("query\trelevant\tranks\nq1\tthree\t1\n")
    with pytest.raises(InputError, match=r"bad.tsv:2"):
        read_ranks(tmp_path / "bad.tsv")
