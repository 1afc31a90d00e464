"""The audit of an evaluation: a number that breaks an identity is never reported."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ir_bench.evaluation.identities import IDENTITIES, AuditFailure, Evidence, no_document_twice, ranked_by_score
from ir_bench.evaluation.measures import Scores, evaluate, judged_queries
from ir_bench.types import Qrels, Rules, Run

__all__ = ["AuditFailure", "audit"]

# Measured besides whatever was asked for, so that every identity has something to compare.
AUDITED = (
    "P@1", "Success@1", "RR@1", "RR", "AP", "nDCG@10",
    "R@1", "R@10", "R@100", "R@1000", "Success@10", "Success@100", "Success@1000",
)  # fmt: skip
SHUFFLED_QUERIES = 100  # shuffling all of a large run would take longer than scoring it

Evaluate = Callable[[Run, Qrels, Sequence[str], Rules], Scores]


def audit(run: Run, qrels: Qrels, scores: Scores, rules: Rules | None = None, evaluate: Evaluate = evaluate) -> None:
    """Check a run and its scores. Raises AuditFailure at the first identity that does not hold."""
    rules = Rules() if rules is None else rules
    no_document_twice(run)
    ranked_by_score(run)
    shuffled, judgments = _shuffled(run, qrels)
    again = evaluate(shuffled, judgments, list(dict.fromkeys([*scores.per_query, *AUDITED])), rules)
    evidence = Evidence(run, qrels, judged_queries(qrels), scores, again)
    for identity in IDENTITIES:
        identity(evidence)


def _shuffled(run: Run, qrels: Qrels) -> tuple[Run, Qrels]:
    """Another order of queries everywhere and of documents in some queries, the same in every call."""
    shuffle = random.Random(0)
    answered = [query for query in judged_queries(qrels) if query in run.rankings]
    rankings = {query: run[query] for query in shuffle.sample([*run], len(run))}
    for query in shuffle.sample(answered, min(SHUFFLED_QUERIES, len(answered))):
        scores = dict(zip(run[query].documents, run[query].scores.tolist(), strict=True))
        documents = shuffle.sample([*scores], len(scores))
        rankings[query] = Run.of({query: {d: scores[d] for d in documents}})[query]
    judged = shuffle.sample([*qrels], len(qrels))
    return Run(rankings), {query: dict(reversed([*qrels[query].items()])) for query in judged}
