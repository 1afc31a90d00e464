"""What must be true of any evaluation: each identity is one small function that raises AuditFailure.

A failure names the identity, the query and both values.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ir_bench.errors import InputError
from ir_bench.evaluation.definitions import defined
from ir_bench.evaluation.measures import Scores
from ir_bench.types import Qrels, Run

ROUNDING = 1e-9
RECOMPUTED_QUERIES = 100  # a measure that is computed wrongly is wrong for many queries
WITHIN_ONE = {"nDCG", "P", "R", "AP", "RR", "Success", "Judged", "Rprec", "Bpref", "IPrec", "SetP", "SetR", "SetAP"}
NEVER_FALLS = {"R", "RR", "AP", "Success"}  # with a deeper cut-off; no cut-off is the deepest


class AuditFailure(InputError):
    """An identity between scores does not hold: the evaluation is wrong, whatever its numbers look like."""

    def __init__(self, identity: str, query: str | None, found: str, expected: str) -> None:
        self.identity, self.query = identity, query
        place = "" if query is None else f", query {query!r}"
        super().__init__(
            f"the scores cannot be right: audit {identity!r}{place}: {found}",
            expected,
            "do not use these scores; look at how run and measures were made (ir-bench's own: report it, please)",
        )


@dataclass(frozen=True)
class Evidence:
    """What the identities look at: `scores` as reported, `again` measured anew with some queries shuffled."""

    run: Run
    qrels: Qrels
    judged: Sequence[str]
    scores: Scores
    again: Scores

    def everything(self) -> Scores:
        """Reported scores, and under other names those of the audit."""
        again, scores = self.again, self.scores
        return replace(
            scores,
            per_query={**again.per_query, **scores.per_query},
            definitions={**again.definitions, **scores.definitions},
        )


def no_document_twice(run: Run) -> None:
    """A ranking holds each document once."""
    for query, ranking in run.rankings.items():
        if len(set(ranking.documents)) < len(ranking.documents):
            twice = next(d for i, d in enumerate(ranking.documents) if d in ranking.documents[:i])
            ranks = [i + 1 for i, d in enumerate(ranking.documents) if d == twice]
            raise AuditFailure(
                "no document twice", query, f"{twice!r} is at ranks {ranks[0]} and {ranks[1]}", "each document once"
            )


def ranked_by_score(run: Run) -> None:
    """Scores never rise down a ranking; equal scores are in descending order of document ids, as for trec_eval."""
    for query, ranking in run.rankings.items():
        steps = np.diff(np.asarray(ranking.scores, np.float64))
        for i in np.flatnonzero(~(steps < 0)).tolist():  # NaN steps are among them
            pair = f"{ranking.documents[i]!r} ({ranking.scores[i]}), then {ranking.documents[i + 1]!r} "
            pair += f"({ranking.scores[i + 1]}) at rank {i + 2}"
            if steps[i] != 0:
                raise AuditFailure("scores never rise", query, pair, "scores that fall or stay down the ranking")
            if ranking.documents[i] <= ranking.documents[i + 1]:
                raise AuditFailure("order of ties", query, pair, "equal scores by descending document id")


def every_judged_query_counts(evidence: Evidence) -> None:
    """As many queries are averaged as are judged, and the missing ones are counted."""
    scores, judged, run = evidence.scores, evidence.judged, evidence.run
    identity = "every judged query counts"
    for name, values in evidence.everything().per_query.items():
        for query in judged:
            if query not in values:
                raise AuditFailure(identity, query, f"it has no {name}", "a value for every judged query")
        for query in values.keys() - set(judged):
            raise AuditFailure(identity, query, f"it has a {name} and no judgment", "judged queries only")
    missing = sum(q not in run.rankings or not len(run[q]) for q in judged)
    for what, found, expected in (
        ("queries", scores.queries, len(judged)),
        ("missing queries", scores.missing_queries, missing),
    ):
        if found != expected:
            raise AuditFailure(identity, None, f"{found} {what} are reported", f"{expected} {what}")


def finite_and_within_one(evidence: Evidence) -> None:
    """Every value is a number, and those of normalised measures are between 0 and 1."""
    scores = evidence.everything()
    for name, values in scores.per_query.items():
        kind, parameters, _ = _taken_apart(scores.definitions[name])
        top = 1 + ROUNDING if kind in WITHIN_ONE and "gains" not in parameters else math.inf
        bottom = -ROUNDING if top < math.inf else -math.inf
        for query, value in values.items():
            if not math.isfinite(value):
                raise AuditFailure("finite", query, f"{name} is {value}", "a number")
            if not bottom <= value <= top:
                raise AuditFailure("0 <= measure <= 1", query, f"{name} is {value}", f"{name} between 0 and 1")


def mean_is_the_mean(evidence: Evidence) -> None:
    """The reported mean is the sum of the queries' values over the number of judged queries."""
    for name, values in evidence.scores.per_query.items():
        mean, expected = evidence.scores.means.get(name, math.nan), math.fsum(values.values()) / len(evidence.judged)
        if not math.isclose(mean, expected, rel_tol=ROUNDING, abs_tol=ROUNDING):
            raise AuditFailure("mean", None, f"the mean of {name} is {mean}", f"{expected}, from its queries")


def first_rank_agrees(evidence: Evidence) -> None:
    """RR@1 = P@1 = Success@1: three ways to say that the first document is relevant."""
    for kinds in _by_kind(evidence.everything()).values():
        same = [kinds[kind][1] for kind in ("RR", "P", "Success") if 1 in kinds.get(kind, {})]
        for (one, ones), (other, others) in itertools.pairwise(same):
            for query, value in ones.items():
                if value != others[query]:
                    raise AuditFailure(
                        "RR@1 = P@1 = Success@1", query, f"{one} is {value}, {other} is {others[query]}", "equal values"
                    )


def never_falls_with_depth(evidence: Evidence) -> None:
    """Recall, success, RR and AP never fall when more ranks are looked at."""
    for kinds in _by_kind(evidence.everything()).values():
        for kind in NEVER_FALLS & kinds.keys():
            for (_, (shallow, less)), (_, (deep, more)) in itertools.pairwise(sorted(kinds[kind].items())):
                for query, value in less.items():
                    if value > more[query] + ROUNDING:
                        raise AuditFailure(
                            f"{kind} never falls with depth", query,
                            f"{shallow} is {value}, {deep} is {more[query]}", f"{shallow} <= {deep}",
                        )  # fmt: skip


def one_relevant_document(evidence: Evidence) -> None:
    """AP = RR for a query with exactly one relevant document."""
    for parameters, kinds in _by_kind(evidence.everything()).items():
        threshold = re.fullmatch(r"(?:rel=(\d+))?", parameters)
        if threshold is None:
            continue
        relevant_from = int(threshold[1] or 1)
        single = [q for q in evidence.judged if sum(g >= relevant_from for g in evidence.qrels[q].values()) == 1]
        for cutoff in kinds.get("AP", {}).keys() & kinds.get("RR", {}).keys():
            (ap, aps), (rr, rrs) = kinds["AP"][cutoff], kinds["RR"][cutoff]
            for query in single:
                if not math.isclose(aps[query], rrs[query], rel_tol=ROUNDING):
                    raise AuditFailure(
                        "AP = RR with one relevant document", query,
                        f"{ap} is {aps[query]}, {rr} is {rrs[query]}", "equal values",
                    )  # fmt: skip


def order_of_input_does_not_matter(evidence: Evidence) -> None:
    """The scores are the same when queries, documents and judgments come in another order."""
    for name, values in evidence.scores.per_query.items():
        for query, value in values.items():
            shuffled = evidence.again.per_query[name].get(query)
            if value != shuffled:
                raise AuditFailure(
                    "same scores after shuffling", query, f"{name} is {value}, shuffled {shuffled}", "equal values"
                )


def agrees_with_its_definition(evidence: Evidence) -> None:
    """Measures with a textbook definition have the value that follows from it, in a spread of the queries."""
    every = -(-len(evidence.judged) // RECOMPUTED_QUERIES)
    scores = evidence.everything()
    plain: list[tuple[str, str, int, float]] = []  # no other parameter than a threshold, which nDCG does not take
    for name, text in scores.definitions.items():
        kind, parameters, cutoff = _taken_apart(text)
        if threshold := re.fullmatch(r"(?:rel=(\d+))?", parameters):
            plain.append((name, kind, int(threshold[1] or 1), cutoff))
    for query in evidence.judged[::every]:
        grades = evidence.qrels[query]
        documents = evidence.run[query].documents if query in evidence.run.rankings else []
        ranked = [grades.get(document, 0) for document in documents]
        for name, kind, relevant_from, cutoff in plain:
            value = scores.per_query[name][query]
            expected = defined(kind, cutoff, relevant_from, ranked, [*grades.values()])
            if expected is not None and not math.isclose(value, expected, rel_tol=ROUNDING, abs_tol=ROUNDING):
                raise AuditFailure("by definition", query, f"{name} is {value}", f"{expected}, from the ranks")


def _taken_apart(measure: str) -> tuple[str, str, float]:
    """Kind, parameters and cut-off of a printed measure; "AP(rel=2)" is AP, "rel=2", infinity."""
    head, _, cutoff = measure.partition("@")
    kind, _, parameters = head.partition("(")
    return kind, parameters.removesuffix(")"), float(cutoff) if cutoff else math.inf


Values = Mapping[str, float]


def _by_kind(scores: Scores) -> dict[str, dict[str, dict[float, tuple[str, Values]]]]:
    """Parameters -> kind -> cut-off -> name and values: only measures of equal parameters can be compared."""
    found: dict[str, dict[str, dict[float, tuple[str, Values]]]] = {}
    for name, values in scores.per_query.items():
        kind, parameters, cutoff = _taken_apart(scores.definitions[name])
        found.setdefault(parameters, {}).setdefault(kind, {}).setdefault(cutoff, (name, values))
    return found


IDENTITIES: tuple[Callable[[Evidence], None], ...] = (
    every_judged_query_counts,
    finite_and_within_one,
    mean_is_the_mean,
    first_rank_agrees,
    never_falls_with_depth,
    one_relevant_document,
    order_of_input_does_not_matter,
    agrees_with_its_definition,
)
