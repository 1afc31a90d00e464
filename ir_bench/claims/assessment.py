"""A claim against what was measured."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ir_bench.claims.claim import Check, Claim, quantity
from ir_bench.claims.finding import NOT_MEASURED, Finding, decide, together
from ir_bench.claims.kept import Kept
from ir_bench.claims.quantities.per_query import Seeds
from ir_bench.errors import InputError
from ir_bench.evaluation.measured import Measured, RunNotKept, StaleResult


@dataclass(frozen=True)
class Assessed:
    """One check with its finding and verdict; `reason` where nothing was found, `needs_run` where that is because the
    whole run of a result is not at hand."""

    check: Check
    verdict: str
    finding: Finding | None = None
    reason: str = ""
    needs_run: bool = False


def assess(
    claim: Claim, kept: Kept, resolve: Callable[[str], str], why_missing: Callable[[str], str]
) -> tuple[str, list[Assessed]]:
    """The verdict on a claim and on each of its checks, over the datasets that the claim names, all of them.

    `resolve` and `why_missing` are as in `reproduce`. Raises StaleResult for a results folder not of one piece.
    """
    assessed = [_assess(check, claim, kept, resolve, why_missing) for check in claim.checks]
    return together([each.verdict for each in assessed]), assessed


def _assess(
    check: Check, claim: Claim, kept: Kept, resolve: Callable[[str], str], why_missing: Callable[[str], str]
) -> Assessed:
    cells: dict[str, Mapping[str, Sequence[Measured]]] = {}
    try:
        for dataset in check.datasets:
            roles: dict[str, list[Measured]] = {}
            for role, commands in check.commands(dataset).items():
                roles[role] = Seeds() if check.trained(role) else []
                for command in map(resolve, commands):
                    found = kept.find(command)
                    if found is None:
                        return Assessed(check, NOT_MEASURED, reason=why_missing(command))
                    roles[role].extend(found)
            cells[dataset] = roles
        finding = _find(check, claim, cells)
    except StaleResult:
        raise
    except InputError as error:
        needs_run = isinstance(error, RunNotKept)
        return Assessed(check, NOT_MEASURED, reason=error.happened, needs_run=needs_run)
    return Assessed(check, decide(finding, check.direction, check.size), finding)


def _find(check: Check, claim: Claim, cells: Mapping[str, Mapping[str, Sequence[Measured]]]) -> Finding:
    function = quantity(check.quantity)
    known = inspect.signature(function).parameters
    given = {"level": claim.level, "seed": claim.seed, "size": check.size}
    settings = {**{name: value for name, value in given.items() if name in known}, **check.settings}
    unknown = [name for name in settings if name not in known]
    needed = [name for name, each in known.items() if name != "cells" and each.default is inspect.Parameter.empty]
    lacking = [name for name in needed if name not in settings]
    if unknown or lacking:
        wrong = f"sets {', '.join(unknown)}" if unknown else f"lacks {', '.join(lacking)}"
        raise InputError(
            f"check {check.name!r} {wrong}",
            f"settings of {check.quantity}: " + ", ".join(name for name in known if name != "cells"),
            "correct the claim file",
        )
    return function(cells, **settings)
