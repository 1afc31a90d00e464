"""Every row of Anserini's CACM table and Pyserini's multifield rows on BEIR, from the configurations as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytrec_eval

from ir_bench.cli.compose import build, compose
from ir_bench.datasets.local import Local
from ir_bench.store import Store

pytestmark = [pytest.mark.lucene, pytest.mark.slow]

# Anserini 1.7.1, from-document-collection/configs/cacm.yaml (AP, P@30; ax: deterministic, rerankCutoff 20).
# Pyserini 1.6, 2cr/beir.yaml, bm25-multifield (nDCG@10, R@100, R@1000).
CACM = "map", "P_30"
BEIR = "ndcg_cut_10", "recall_100", "recall_1000"
PUBLISHED = [
    ("cacm-anserini", "lucene_bm25", CACM, (0.3123, 0.1942)),
    ("cacm-anserini", "lucene_rm3", CACM, (0.3648, 0.2224)),
    ("cacm-anserini", "lucene_axiomatic", CACM, (0.3077, 0.1955)),
    ("cacm-anserini", "lucene_ql", CACM, (0.3265, 0.1942)),
    ("cacm-anserini", "lucene_ql_rm3", CACM, (0.3629, 0.2250)),
    ("cacm-anserini", "lucene_ql_axiomatic", CACM, (0.2907, 0.1840)),
    ("scifact", "lucene_bm25_multifield", BEIR, (0.6647, 0.9076, 0.9800)),
    ("nfcorpus", "lucene_bm25_multifield", BEIR, (0.3254, 0.2500, 0.3718)),
]


@pytest.mark.parametrize(("name", "option", "measures", "published"), PUBLISHED)
def test_published_numbers(name, option, measures, published, data_folder: Path, tmp_path_factory):
    dataset = Local(str(data_folder / name)).load()
    retriever = build(compose([f"+retriever@it={option}", "~dataset", "~retriever"]).it)
    retriever.build(dataset.corpus, Store(tmp_path_factory.getbasetemp() / "published-lucene"))
    run = retriever.search(dataset.queries, 1000)
    asked = {measure[::-1].replace("_", ".", 1)[::-1] for measure in measures}
    values = pytrec_eval.RelevanceEvaluator(dict(dataset.qrels), asked).evaluate(run.scored())
    for measure, value in zip(measures, published, strict=True):
        mean = sum(v[measure] for v in values.values()) / len(dataset.qrels)
        assert mean == pytest.approx(value, abs=5.1e-5), measure
