"""Effectiveness of a run, computed by ir_measures (pytrec_eval underneath) under trec_eval's rules."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures

from ir_bench.errors import InputError
from ir_bench.evaluation.names import parse
from ir_bench.types import Qrels, Rules, Run

__all__ = ["Scores", "evaluate", "judged_queries", "parse"]

# Queries handed to trec_eval at a time: it copies every document id, so a whole run would be held twice.
BLOCK = 500
# trec_eval counts documents per grade in an array, and walks over it: a grade such as 10,000,000 never comes back.
HIGHEST_GRADE = 1000


@dataclass(frozen=True)
class Scores:
    """What an evaluation found, under the measure names it was asked for; fractions of one.

    `definitions` gives the measure that a name stood for ("AP" is "AP(rel=2)" where the dataset says so), `queries`
    the number of judged queries, all of them in every mean; `missing_queries` how many of these the run left without
    an answer (they count as zero) and `unjudged_queries` how many the run answers without a judgment (ignored).
    """

    means: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]
    definitions: Mapping[str, str]
    queries: int
    missing_queries: int
    unjudged_queries: int


def evaluate(run: Run, qrels: Qrels, measures: Sequence[str], rules: Rules | None = None) -> Scores:
    """Score a run against relevance judgments, each query by itself and on average.

    The mean is over every query with at least one judgment, as `trec_eval -c` takes it: a query that the run misses,
    answers with nothing, or for which no document is relevant counts as zero. (Without `-c`, and in BEIR's own
    evaluator, missing queries leave the mean; where a run answers every query, as published ones do, the two agree.)
    Negative grades are trec_eval's "in the pool but not judged": no gain, not relevant, and not counted as judged
    non-relevant by bpref.

    Ranks are scored, not scores: ties were broken by `Run`. Raises InputError for an unknown measure, judgments that
    are no whole numbers or none at all, a document ranked twice, and a run that answers none of the judged queries.
    """
    wanted = {name: parse(name, rules) for name in measures}
    judged = judged_queries(qrels)
    answered = [q for q in judged if q in run.rankings and len(run[q])]
    unjudged = sum(q not in qrels or not qrels[q] for q in run)
    if not any(q in run.rankings for q in judged):
        raise InputError(
            f"the run answers none of the {len(judged)} judged queries",
            f"query ids such as {', '.join(map(repr, judged[:3]))}; the run has {', '.join(map(repr, [*run][:3]))}",
            "check that run and judgments are of the same dataset and split",
        )
    values: dict[Any, dict[str, float]] = {measure: dict.fromkeys(judged, 0.0) for measure in wanted.values()}
    for start in range(0, len(judged), BLOCK):
        block = judged[start : start + BLOCK]
        for measure, query, value in _score(run, qrels, block, list(values)):
            values[measure][query] = value
    return Scores(
        means={name: math.fsum(values[m].values()) / len(judged) for name, m in wanted.items()},
        per_query={name: values[m] for name, m in wanted.items()},
        definitions={name: str(m) for name, m in wanted.items()},
        queries=len(judged),
        missing_queries=len(judged) - len(answered),
        unjudged_queries=unjudged,
    )


def judged_queries(qrels: Qrels) -> list[str]:
    """Queries with at least one judgment, in their order. Raises InputError when there is none."""
    judged = [q for q, grades in qrels.items() if grades]
    if not judged:
        raise InputError("there are no relevance judgments", "at least one judged query", "look at the qrels file")
    return judged


def _score(run: Run, qrels: Qrels, block: Sequence[str], measures: Sequence[Any]) -> Iterator[tuple[Any, str, float]]:
    # Query ids are replaced by numbers: trec_eval keeps its last query in a cache whose empty mark is the id
    # "no_query", and answers a real query of that name from freed memory.
    grades = {str(i): _grades(query, qrels[query]) for i, query in enumerate(block)}
    for group, depth in _groups(measures):
        ranks = {str(i): _ranks(run, query, depth) for i, query in enumerate(block) if query in run.rankings}
        ranked = {i: documents for i, documents in ranks.items() if documents}  # Judged divides by their number
        for metric in ir_measures.iter_calc(group, grades, ranked):
            yield metric.measure, block[int(metric.query_id)], float(metric.value)


def _groups(measures: Sequence[Any]) -> Iterator[tuple[list[Any], int | None]]:
    """Measures that are computed together, and the ranks they look at.

    A measure with `gains` goes alone: in company, ir_measures applies its gains to a plain nDCG of the same cut-off.
    RR@k and Judged@k are written in Python there and would sort whole rankings.
    """
    shallow = [m for m in measures if m.NAME in {"RR", "Judged"} and "cutoff" in m.params]
    for cutoff, group in itertools.groupby(sorted(shallow, key=_cutoff), _cutoff):
        yield list(group), cutoff
    alone = [m for m in measures if "gains" in m.params]
    for measure in alone:
        yield [measure], None
    together = [m for m in measures if m not in alone and m not in shallow]
    if together:
        yield together, None


def _cutoff(measure: Any) -> int:
    return measure.params["cutoff"]


def _ranks(run: Run, query: str, depth: int | None) -> dict[str, float]:
    """Documents with scores that fall from 0 by one a rank: no ties are left for an evaluator to break its own way."""
    documents = run[query].documents[:depth]
    ranks = dict(zip(documents, itertools.count(0.0, -1.0), strict=False))
    if len(ranks) < len(documents):
        twice = next(d for i, d in enumerate(documents) if d in documents[:i])
        raise InputError(f"query {query!r} ranks document {twice!r} twice", "each document once", "check the retriever")
    return ranks


def _grades(query: str, judgments: Mapping[str, int]) -> dict[str, int]:
    try:
        grades = {document: operator.index(grade) for document, grade in judgments.items()}
    except TypeError:
        raise InputError(f"query {query!r} has a grade that is no integer", "0, 1, 2, …", "correct the qrels") from None
    highest = max(grades.values())
    if highest > HIGHEST_GRADE:
        raise InputError(f"query {query!r} has the grade {highest}", f"at most {HIGHEST_GRADE}", "correct the qrels")
    if highest < 0:  # trec_eval reads outside its memory when a query has no grade from 0 up
        return dict.fromkeys(grades, 0)
    return grades
