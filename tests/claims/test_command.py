"""A command taken apart, and as it is typed."""

from __future__ import annotations

import shlex

import pytest

from ir_bench.claims.command import in_shell, split


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("dataset=cacm retriever=bm25", ["dataset=cacm", "retriever=bm25"]),
        ("  a=1   b=2 ", ["a=1", "b=2"]),
        ("encoder.query_prompt='query: ' k=10", ["encoder.query_prompt='query: '", "k=10"]),
        ('a="b c" d=e', ['a="b c"', "d=e"]),
        ("a='IVF64,Flat'", ["a='IVF64,Flat'"]),
        ("", []),
    ],
)
def test_blanks_separate_overrides_except_inside_quotes(command: str, parts: list[str]) -> None:
    assert split(command) == parts


def test_a_shell_gives_hydra_the_overrides_with_their_quotes() -> None:
    command = "dataset=cacm encoder.query_prompt='query: '"
    assert shlex.split(in_shell(command)) == split(command)
    assert in_shell("dataset=cacm retriever=bm25") == "dataset=cacm retriever=bm25"
