"""Ten published runs on TREC DL 2019 and 2020: our scores, pytrec_eval's, and the table beside the data."""

from __future__ import annotations

import gzip
import json

import pytest
import pytrec_eval

from ir_bench.evaluation.audit import audit
from ir_bench.evaluation.measures import evaluate
from ir_bench.evaluation.trec import read_run, write_run
from ir_bench.types import Rules, Run

# nDCG@10, MAP and MRR with grade >= 2 as relevant, from the README of the data; computed there by a plain
# implementation of its own, which leaves equal scores in the order of the file. Runs: virtual appendix of Wang et al.,
# "Pseudo-relevance feedback for multiple representation dense retrieval", ICTIR 2021.
PUBLISHED = {
    "bm25.dl19": (0.4794, 0.2864, 0.6408),
    "bm25.dl20": (0.4918, 0.2929, 0.6187),
    "bm25-rm3.dl19": (0.5155, 0.3108, 0.6093),
    "bm25-rm3.dl20": (0.5037, 0.3205, 0.5912),
    "ance.dl19": (0.6537, 0.3715, 0.8590),
    "ance.dl20": (0.6447, 0.4070, 0.7898),
    "doct5query-colbert.dl19": (0.7143, 0.5012, 0.8367),
    "doct5query-colbert.dl20": (0.6934, 0.4733, 0.8021),
    "colbert-prf-rank.dl19": (0.7352, 0.5431, 0.8858),
    "colbert-prf-rank.dl20": (0.6993, 0.4962, 0.8396),
}
NAMES = ("nDCG@10", "AP", "RR")
RULES = Rules(relevance_threshold=2)


def plain_qrels(path):
    """Read without the package."""
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").split("\n")[1:]:
        if line:
            query, document, grade = line.split("\t")
            qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def plain_run(path):
    scored: dict[str, dict[str, float]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().split("\n"):
        if line:
            query, _, document, _, score, _ = line.split()
            scored.setdefault(query, {})[document] = float(score)
    return scored


@pytest.fixture(scope="module", params=PUBLISHED)
def published(request, data_folder):
    folder = data_folder / "msmarco-topics"
    if not folder.is_dir():
        pytest.skip("IR_BENCH_DATA has no msmarco-topics")
    year = request.param[-2:]
    qrels = plain_qrels(folder / "qrels" / f"trec-dl-20{year}.tsv")
    return request.param, folder / "runs" / f"{request.param}.trec.gz", qrels


def test_scores(published):
    name, path, qrels = published
    run = read_run(path)
    scores = evaluate(run, qrels, NAMES, RULES)
    audit(run, qrels, scores, RULES)
    assert scores.queries == {"19": 43, "20": 54}[name[-2:]]
    assert scores.missing_queries == scores.unjudged_queries == 0
    # trec_eval's order of ties moves nDCG@10 of bm25.dl20 by 0.0018, every other number by less than 0.001
    assert [scores.means[m] for m in NAMES] == pytest.approx(PUBLISHED[name], abs=0.002)

    theirs = plain_run(path)
    in_order = {q: {d: -rank for rank, d in enumerate(scored)} for q, scored in theirs.items()}
    as_published = evaluate(Run.of(in_order), qrels, NAMES, RULES)
    assert [as_published.means[m] for m in NAMES] == pytest.approx(PUBLISHED[name], abs=0.00005001)

    graded = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(theirs)
    binary = pytrec_eval.RelevanceEvaluator(qrels, {"map", "recip_rank"}, relevance_level=2).evaluate(theirs)
    for query in qrels:
        expected = [graded[query]["ndcg_cut_10"], binary[query]["map"], binary[query]["recip_rank"]]
        assert [scores.per_query[m][query] for m in NAMES] == pytest.approx(expected, abs=1e-6)


def test_reading_and_writing_changes_nothing(published, tmp_path):
    _, path, qrels = published
    run = read_run(path)
    write_run(run, tmp_path / "run.trec.gz", "again")
    assert read_run(tmp_path / "run.trec.gz") == run
    # and pytrec_eval, reading our file by itself, finds the same as in the published one
    ours, theirs = (
        pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map"}).evaluate(plain_run(p))
        for p in (tmp_path / "run.trec.gz", path)
    )
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
