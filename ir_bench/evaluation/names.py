"""Measures by their names: ir_measures' grammar, with the dataset's relevance threshold."""

from __future__ import annotations

import ast
import difflib
from typing import Any

import ir_measures
from ir_measures.measures import registry

from ir_bench.errors import InputError
from ir_bench.types import Rules

EXAMPLES = "nDCG@10, R@100, RR@10, AP, P@5, Success@5, Judged@10, RR(rel=2)@10"


def parse(name: str, rules: Rules | None = None) -> Any:
    """The ir_measures measure of a name such as "nDCG@10" or "AP(rel=2)".

    Measures that split grades into relevant and not (their `rel` has a default) count from the dataset's
    `relevance_threshold` unless the name sets its own `rel`; nDCG uses the grades and stays as it is.
    Raises InputError for a name that is not understood, a measure that needs a package which is not installed, and
    counts (NumRel, NumRet, NumQ), whose mean over queries would not be their published value.
    """
    kind, parameters, at = _read(name)
    if kind not in registry:
        raise _unknown(name, f"there is no measure {kind!r}")
    measure = registry[kind]
    if at is not None:
        parameters[measure.AT_PARAM] = at
    splits_grades = "rel" in measure.SUPPORTED_PARAMS and measure.SUPPORTED_PARAMS["rel"].default == 1
    threshold = 1 if rules is None else rules.relevance_threshold
    if splits_grades and threshold != 1 and "rel" not in {*measure.params, *parameters}:
        parameters["rel"] = threshold
    measure = measure(**parameters)
    try:
        measure.validate_params()
        supported = ir_measures.DefaultPipeline.supports(measure)
    except AssertionError as error:
        raise _unknown(name, str(error)) from None
    for limit in ("cutoff", "rel"):
        if measure.params.get(limit, 1) < 1:
            raise _unknown(name, f"{limit} is {measure.params[limit]}, it starts at 1")
    if not supported:
        raise InputError(
            f"the measure {name!r} cannot be computed here: ir_measures has no installed package for it",
            EXAMPLES,
            "install the package that ir_measures names for it (https://ir-measur.es/en/latest/providers.html)",
        )
    if not isinstance(measure.aggregator(), ir_measures.MeanAgg):
        raise InputError(f"{name!r} is a count, not an effectiveness measure", EXAMPLES, "leave it out")
    return measure


def _read(name: str) -> tuple[str, dict[str, Any], Any]:
    """Kind, named parameters and what follows "@"; the grammar is a Python expression with literals only."""
    try:
        node: ast.expr = ast.parse(name.strip(), mode="eval").body
        at, parameters = None, {}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            at, node = ast.literal_eval(node.right), node.left
        if isinstance(node, ast.Call) and not node.args:
            parameters = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
            node = node.func
        if isinstance(node, ast.Name):
            return node.id, parameters, at
    except (SyntaxError, ValueError):
        pass
    raise _unknown(name, "it does not have the form KIND, KIND@CUTOFF or KIND(parameter=value)@CUTOFF")


def _unknown(name: str, why: str) -> InputError:
    near = ", ".join(_near(name))
    return InputError(
        f"the measure {name!r} is not understood: {why}",
        f"a name of ir_measures, for example {EXAMPLES}",
        f"did you mean {near}?" if near else "see https://ir-measur.es/en/latest/measures.html",
    )


def _near(name: str) -> list[str]:
    """Names that may have been meant: trec_eval's spelling translated, other capitals, small slips."""
    try:
        return [str(m) for m in ir_measures.parse_trec_measure(name.strip().lower())][:3]
    except (ValueError, KeyError):
        pass
    kind, at, cutoff = name.strip().partition("@")
    kind = kind.partition("(")[0]
    spelled = {known.lower(): measure.__name__ for known, measure in registry.items()}
    close = difflib.get_close_matches(kind.lower(), spelled, n=3, cutoff=0.6)
    return list(dict.fromkeys(f"{spelled[found]}{at}{cutoff}" for found in close))
