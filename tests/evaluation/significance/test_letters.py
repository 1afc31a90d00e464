"""Superscript letters."""

from __future__ import annotations

from ir_bench.evaluation.significance.letters import lettered, superscripts


def test_a_system_names_those_it_beats_in_their_order():
    beats = {("dense", "bm25"), ("hybrid", "dense"), ("hybrid", "bm25")}
    assert superscripts(["bm25", "dense", "hybrid"], beats) == {"bm25": "", "dense": "a", "hybrid": "ab"}


def test_letters_go_on_after_z():
    systems = [str(i) for i in range(28)]
    assert [*lettered(systems).values()][25:] == ["z", "aa", "ab"]
    assert superscripts(systems, {("0", "1"), ("0", "27")})["0"] == "b,ab"
