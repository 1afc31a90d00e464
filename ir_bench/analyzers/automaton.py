"""Regular expressions over character classes, made into one table for a longest-match scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

DEAD, START = 0, 1


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton: state 0 is dead, 1 the start, and those from `first_accepting` on accept."""

    transitions: np.ndarray  # uint8 [states, classes], the next state
    first_accepting: int


@dataclass(frozen=True, eq=False)  # two occurrences of the same classes are two positions
class Position:
    """One place of an expression that reads one character of any of these classes."""

    classes: frozenset[int]


@dataclass(frozen=True)
class Expression:
    """A regular expression: the positions it can begin and end with, and which may follow which.

    Source: Glushkov 1961, The abstract theory of automata.
    """

    nullable: bool
    first: frozenset[Position]
    last: frozenset[Position]
    follow: frozenset[tuple[Position, Position]]


def one_of(classes: Iterable[int]) -> Expression:
    """One character of any of the classes."""
    here = frozenset([Position(frozenset(classes))])
    return Expression(False, here, here, frozenset())


def sequence(*parts: Expression) -> Expression:
    """The parts one after the other; an expression may be part of only one larger one, once."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Expression(
            whole.nullable and part.nullable,
            whole.first | part.first if whole.nullable else whole.first,
            whole.last | part.last if part.nullable else part.last,
            whole.follow | part.follow | {(before, after) for before in whole.last for after in part.first},
        )
    return whole


def either(*parts: Expression) -> Expression:
    """Any one of the parts."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Expression(
            whole.nullable or part.nullable,
            whole.first | part.first,
            whole.last | part.last,
            whole.follow | part.follow,
        )
    return whole


def many(part: Expression) -> Expression:
    """The part once or more."""
    again = {(before, after) for before in part.last for after in part.first}
    return Expression(part.nullable, part.first, part.last, part.follow | again)


def optional(part: Expression) -> Expression:
    """The part once or not at all."""
    return Expression(True, part.first, part.last, part.follow)


def compile_automaton(expression: Expression, classes: int) -> Automaton:
    """The automaton of a non-empty expression over the classes 0 .. `classes` - 1, by subset construction."""
    begin = Position(frozenset())
    follow: dict[Position, set[Position]] = {begin: set(expression.first)}
    for before, after in expression.follow:
        follow.setdefault(before, set()).add(after)

    start = frozenset([begin])
    steps: dict[frozenset[Position], list[frozenset[Position]]] = {}
    waiting = [start]
    while waiting:
        state = waiting.pop()
        if state in steps:
            continue
        reachable = {after for position in state for after in follow.get(position, ())}
        steps[state] = [frozenset(p for p in reachable if label in p.classes) for label in range(classes)]
        waiting.extend(steps[state])

    dead: frozenset[Position] = frozenset()
    others = [state for state in steps if state not in (dead, start)]
    rejecting = [state for state in others if not state & expression.last]
    accepting = [state for state in others if state & expression.last]
    number = {state: i for i, state in enumerate([dead, start, *rejecting, *accepting])}
    transitions = np.zeros((len(number), classes), dtype=np.uint8 if len(number) < 256 else np.uint16)
    for state, row in number.items():
        transitions[row] = [number[after] for after in steps.get(state, [dead] * classes)]
    return Automaton(transitions, 2 + len(rejecting))
