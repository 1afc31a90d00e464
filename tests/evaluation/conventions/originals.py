"""The installed originals behind one signature: (run, qrels) -> measure -> value."""

from __future__ import annotations

import copy
import logging
import warnings

CUTOFFS = (1, 5, 10, 100, 1000)


def _renamed(values, kind):
    return {f"{kind}@{name.rpartition('@')[2]}": value for name, value in values.items()}


def beir(scored, qrels):
    from beir.retrieval.evaluation import EvaluateRetrieval

    results = copy.deepcopy(scored)
    parts = EvaluateRetrieval.evaluate(qrels, results, list(CUTOFFS))
    found = {}
    for values, kind in zip(parts, ("nDCG", "AP", "R", "P"), strict=True):
        found |= _renamed(values, kind)
    judged = {query: documents for query, documents in results.items() if query in qrels}
    for metric, kind in (("mrr", "RR"), ("accuracy", "Success"), ("recall_cap", "R_cap")):
        if kind == "R_cap" and not all(any(g > 0 for g in qrels[q].values()) for q in judged):
            continue  # the original divides by zero
        found |= _renamed(EvaluateRetrieval.evaluate_custom(qrels, judged, list(CUTOFFS), metric), kind)
    return found | {"AP": found["AP@1000"], "RR": found["RR@1000"]}


def mteb(scored, qrels, drop_self):
    from mteb._evaluators.retrieval_evaluator import RetrievalEvaluator

    judged = {query: dict(documents) for query, documents in scored.items() if query in qrels}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # abstention curves of constant scores
        result = RetrievalEvaluator.evaluate(
            object(), qrels, judged, list(CUTOFFS), ignore_identical_ids=drop_self, skip_first_result=False
        )
    logging.disable(logging.NOTSET)
    found = {}
    for values, kind in (
        (result.ndcg, "nDCG"), (result.map, "AP"), (result.recall, "R"), (result.precision, "P"),
        (result.mrr, "RR"), (result.hit_rate, "Success"),
    ):  # fmt: skip
        found |= _renamed(values, kind)
    return found | {"AP": found["AP@1000"], "RR": found["RR@1000"]}


def sentence_transformers(scored, qrels):
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    relevant = {q: {d for d, grade in grades.items() if grade > 0} for q, grades in qrels.items()}
    evaluator = InformationRetrievalEvaluator(
        queries=dict.fromkeys(qrels, "text"),
        corpus={},
        relevant_docs=relevant,
        mrr_at_k=list(CUTOFFS), ndcg_at_k=list(CUTOFFS), accuracy_at_k=list(CUTOFFS),
        precision_recall_at_k=list(CUTOFFS), map_at_k=list(CUTOFFS),
    )  # fmt: skip
    hits = [[{"corpus_id": d, "score": s} for d, s in scored.get(q, {}).items()] for q in evaluator.queries_ids]
    values = evaluator.compute_metrics(hits)
    names = {
        "accuracy@k": "Success", "precision@k": "P", "recall@k": "R", "ndcg@k": "nDCG", "mrr@k": "RR", "map@k": "AP",
    }  # fmt: skip
    found = {f"{names[name]}@{k}": value for name, by_cutoff in values.items() for k, value in by_cutoff.items()}
    return found | {"AP": found["AP@100"], "RR": found["RR@10"]}


def trec_eval(scored, qrels, level=1, complete=False):
    """pytrec_eval; the mean over its queries, or over all judged ones with zero for the others (option -c)."""
    import pytrec_eval

    names = {"ndcg_cut": "nDCG", "map_cut": "AP", "recall": "R", "P": "P", "success": "Success"}
    wanted = {f"{name}.{','.join(map(str, CUTOFFS))}" for name in names} | {"map", "recip_rank"}
    graded = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(scored)
    leveled = pytrec_eval.RelevanceEvaluator(qrels, wanted, relevance_level=level).evaluate(scored)
    number = len(qrels) if complete else len(graded)
    found = {}
    for name, kind in names.items():
        per_query = graded if kind == "nDCG" else leveled
        for k in CUTOFFS:
            found[f"{kind}@{k}"] = sum(values[f"{name}_{k}"] for values in per_query.values()) / number
    found["AP"] = sum(values["map"] for values in leveled.values()) / number
    found["RR"] = sum(values["recip_rank"] for values in leveled.values()) / number
    return found
