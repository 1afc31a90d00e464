"""Lexical engines: CACM, TREC collections, Terrier, implementations of BM25."""

from __future__ import annotations

from reference_tables.columns import BEIR_MSMARCO
from reference_tables.parts import BM25, ENGINES, PAPER, TERRIER, Row, Table, no, refs

TABLES: dict[str, Table] = {}

TABLES["cacm-anserini"] = Table(
    "CACM, Anserini's regression",
    refs("anserini_cacm", "ap", "p30"),
    {
        "bm25": [Row("retriever=bm25"), Row("retriever=lucene_bm25", name="bm25-lucene", note="by Lucene itself")],
        "bm25+rm3": Row("retriever=lucene_rm3"),
        "bm25+ax": Row("retriever=lucene_axiomatic"),
        "ql": Row("retriever=lucene_ql"),
        "ql+rm3": Row("retriever=lucene_ql_rm3"),
        "ql+ax": Row("retriever=lucene_ql_axiomatic"),
    },
    tolerance=ENGINES,
    notes=(
        "All visible text of the 3204 pages, citation table included. BM25 k1=0.9 b=0.4; query likelihood with "
        "Dirichlet mu=1000; RM3 by Anserini's defaults; ax: axiomatic feedback on the best 20 documents.",
    ),
)


def bm25_engines(name: str) -> Row:
    engine = name.split()[0]
    if engine == "PSRN":
        return Row(
            "retriever=bm25 similarity.k1=1.5 similarity.b=0.75", note="Pyserini; the source does not state its fields"
        )
    known = {
        "ES": "Elasticsearch",
        "PT": "bm25_pt",
        "Rank": "rank-bm25",
        "PISA": "PISA",
    }
    return no(
        f"{known[engine]} is not a part of ir_bench"
        if engine in known
        else "bm25s' tokens are not an analyzer of ir_bench"
    )


TABLES["bm25-engines"] = Table(
    "BM25 implementations on BEIR, the authors of bm25s",
    ("bm25s_benchmarks_beir_ndcg10", "bm25s_benchmarks_beir_r1000"),
    otherwise=bm25_engines,
    tolerance=PAPER,
    notes=(
        "Lucene, ATIRE, BM25+, BM25L and Robertson are formulas of bm25s, with its own tokens and stemmer.",
        "ES: Elasticsearch, PSRN: Pyserini, PT: bm25_pt, Rank: rank-bm25. Sets that an engine did not finish are left "
        "out, also from its average.",
    ),
    columns={**BEIR_MSMARCO, "average": ("BEIR-15", {"average": "beir15"})},
)

_CLASSIC = {
    "disk12": "TREC disks 1 and 2",
    "disk45": "TREC disks 4 and 5",
    "core17": "TREC Core 2017",
    "core18": "TREC Core 2018",
    "wt10g": "WT10g",
    "gov2": "GOV2",
    "robust05": "TREC Robust 2005",
    "cw09b": "ClueWeb09 B",
    "cw12b13": "ClueWeb12 B13",
    "car17v1.5": "TREC CAR 1.5",
    "car17v2.0": "TREC CAR 2.0",
    "fever": "FEVER as Anserini indexes it",
}

_TOPICS = {
    "disk12": "adhoc.51-100 adhoc.101-150 adhoc.151-200",
    "disk45": "adhoc.351-400 adhoc.401-450 robust04",
    "core17": "core17",
    "core18": "core18",
    "wt10g": "adhoc.451-550",
    "gov2": "terabyte04.701-750 terabyte05.751-800 terabyte06.801-850",
    "robust05": "robust05",
    "car17v1.5": "car17v1.5.benchmarkY1test",
    "car17v2.0": "car17v2.0.benchmarkY1test",
    "cw09b": "web.51-100 web.101-150 web.151-200",
    "cw12b13": "web.201-250 web.251-300",
    "fever": "fever.dev",
}

TABLES["trec-classic"] = Table(
    "TREC collections, Anserini's regressions",
    refs("anserini_trec_classic", "ap", "p30", "ndcg20", "err20", "mrr", "r100", "r1000"),
    {
        "bm25": BM25,
        "bm25+rm3": Row("retriever=lucene_rm3"),
        "bm25prf": no("BM25PRF is not a part of ir_bench"),
        "bm25+rocchio": Row("retriever=lucene_rocchio"),
        "bm25+ax": Row("retriever=lucene_axiomatic"),
        "ql": Row("retriever=lucene_ql"),
        "ql+rm3": Row("retriever=lucene_ql_rm3"),
        "ql+ax": Row("retriever=lucene_ql_axiomatic"),
        "bm25-default": BM25,
        "bm25-tuned": no("the tuned parameters are not in the reference"),
    },
    tolerance=ENGINES,
    notes=("Title topics; BM25 k1=0.9 b=0.4, Dirichlet mu=1000, RM3 by Anserini's defaults.",),
    columns={
        f"{c}:{t}": (f"{c} {t}", {"reason": f"{_CLASSIC[c]}: not a dataset of ir_bench"})
        for c, topics in _TOPICS.items()
        for t in topics.split()
    },
)

TABLES["pyterrier-robust04"] = Table(
    "PyTerrier on TREC Robust 2004",
    refs("pyterrier_robust04", "ap", "ndcg20", "p10", "p20"),
    otherwise=TERRIER,
    tolerance=ENGINES,
    notes=("249 title topics, disks 4 and 5 without the Congressional Record; not BEIR's form of the collection.",),
    columns={"robust04": ("TREC Robust 2004", {"reason": "TREC disks 4 and 5 are not a dataset of ir_bench"})},
)

TABLES["pyterrier-vaswani"] = Table(
    "PyTerrier on Vaswani",
    ("pyterrier_vaswani_ap", "pyterrier_vaswani_ndcg"),
    otherwise=TERRIER,
    tolerance=ENGINES,
    notes=("Terrier's default parameters, on its ready index; nDCG without a cut-off.",),
)

TABLES["terrier-trec"] = Table(
    "Terrier on TREC collections",
    ("terrier_trec_ap",),
    otherwise=TERRIER,
    tolerance=ENGINES,
    notes=("Title topics; the parameter of BM25 (b) or PL2 (c) tuned for each collection.",),
    columns={
        name: (name.partition(",")[0], {"reason": "TREC collections are not datasets of ir_bench"})
        for name in (
            "disk1&2, TREC1-3 adhoc tasks",
            "disk4&5, TREC 2004 Robust Track",
            "WT2G, TREC8 small-web task",
            "WT10G, TREC9-10 Web Tracks",
            "DOTGOV, TREC11 Topic-distillation task",
            "DOTGOV2, TREC2004-2020 Terabyte Track adhoc tasks",
        )
    },
)
