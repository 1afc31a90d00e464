"""Superscript letters: which systems of a table each one beats."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def lettered(systems: Sequence[str]) -> dict[str, str]:
    """A letter for each system in the order shown: a, b, …, z, aa, ab, …"""
    return {system: _letter(i) for i, system in enumerate(systems)}


def superscripts(systems: Sequence[str], beats: Collection[tuple[str, str]]) -> dict[str, str]:
    """For each system the letters of those it beats, in their order; `beats` holds pairs (better, worse).

    Letters of two characters are set apart by commas, so that "ab" stays a and b.
    """
    letters = lettered(systems)
    between = "," if len(systems) > 26 else ""
    return {system: between.join(letters[other] for other in systems if (system, other) in beats) for system in systems}


def _letter(i: int) -> str:
    letter = ""
    while i >= 0:
        letter, i = chr(ord("a") + i % 26) + letter, i // 26 - 1
    return letter
