"""The automaton of an expression matches what Python's `re` matches."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from ir_bench.analyzers.automaton import (
    DEAD,
    START,
    Automaton,
    Expression,
    compile_automaton,
    either,
    many,
    one_of,
    optional,
    sequence,
)

LETTERS = "abc"
PATTERNS = st.recursive(
    st.sets(st.sampled_from(range(3)), min_size=1).map(lambda s: ("one", sorted(s))),
    lambda inner: st.one_of(
        st.tuples(st.just("sequence"), inner, inner),
        st.tuples(st.just("either"), inner, inner),
        st.tuples(st.just("many"), inner),
        st.tuples(st.just("optional"), inner),
    ),
    max_leaves=6,
)
PARTS: dict[str, Callable[..., Expression]] = {
    "sequence": sequence,
    "either": either,
    "many": many,
    "optional": optional,
}
FORMATS = {"sequence": "(?:{}{})", "either": "(?:{}|{})", "many": "(?:{})+", "optional": "(?:{})?"}


def expression(pattern):
    kind, *rest = pattern
    return one_of(rest[0]) if kind == "one" else PARTS[kind](*map(expression, rest))


def regular_expression(pattern) -> str:
    kind, *rest = pattern
    if kind == "one":
        return "[" + "".join(LETTERS[i] for i in rest[0]) + "]"
    return FORMATS[kind].format(*map(regular_expression, rest))


def accepts(automaton: Automaton, text: str) -> bool:
    state = START
    for letter in text:
        state = automaton.transitions[state, LETTERS.index(letter)]
        if state == DEAD:
            return False
    return state >= automaton.first_accepting


@given(PATTERNS, st.lists(st.text(LETTERS, min_size=1, max_size=7), min_size=5, max_size=20))
def test_accepts_what_a_regular_expression_accepts(pattern, texts):
    automaton = compile_automaton(expression(pattern), len(LETTERS))
    compiled = re.compile(regular_expression(pattern))
    for text in texts:
        assert accepts(automaton, text) == bool(compiled.fullmatch(text)), (pattern, text)


def test_dead_state_stays_dead():
    automaton = compile_automaton(one_of([1]), 3)
    assert not automaton.transitions[DEAD].any()
    assert automaton.transitions[START].tolist() == [DEAD, automaton.first_accepting, DEAD]
