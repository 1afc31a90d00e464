"""The columns of the sources: label and dataset, or why there is none."""

from __future__ import annotations

from typing import Any

FORUMS = (
    "android", "english", "gaming", "gis", "mathematica", "physics",
    "programmers", "stats", "tex", "unix", "webmasters", "wordpress",
)  # fmt: skip

BEIR = (
    "arguana", "bioasq", "climate-fever", "cqadupstack", "dbpedia-entity", "fever", "fiqa", "hotpotqa", "nfcorpus",
    "nq", "quora", "robust04", "scidocs", "scifact", "signal1m", "trec-covid", "trec-news", "webis-touche2020",
)  # fmt: skip

COLUMNS: dict[str, tuple[str, Any]] = {
    **{name: (f"beir/{name}", f"dataset=beir/{name}") for name in BEIR},
    **{f"cqadupstack-{f}": (f"beir/cqadupstack/{f}", f"dataset=beir/cqadupstack/{f}") for f in FORUMS},
    "msmarco-passage-dev": ("msmarco-passage/dev/small", "dataset=msmarco-passage/dev/small"),
    **{
        f"trec-dl-{year}": (f"msmarco-passage/trec-dl-{year}/judged", f"dataset=msmarco-passage/trec-dl-{year}/judged")
        for year in (2019, 2020)
    },
    **{f"beir-{n}-average": (f"BEIR-{n}", {"average": f"beir{n}"}) for n in (13, 14, 15, 18)},
    "cacm": ("cacm-anserini", "dataset=cacm-anserini"),
    "vaswani": ("vaswani", "dataset=vaswani"),
}

BEIR_MSMARCO = {"msmarco-passage-dev": ("beir/msmarco", "dataset=beir/msmarco")}

# MTEB keeps hits with the query's own id except in ArguAna, FEVER, FiQA, MS MARCO and Quora.
MTEB_COLUMNS: dict[str, tuple[str, Any]] = {
    **BEIR_MSMARCO,
    **{
        name: (f"beir/{name}", f"dataset=beir/{name} dataset.rules.exclude_self=false")
        for name in ("climate-fever", "scidocs")
    },
    "msmarco-beir-test": ("beir/msmarco test", "dataset=beir/msmarco dataset.split=test"),
    "webis-touche2020-v3": (
        "Touché-2020 v3",
        {"reason": "the third version of Touché-2020 is not a dataset of ir_bench"},
    ),
}

DOCUMENTS = {"reason": "MS MARCO's documents are not a dataset of ir_bench"}

COLUMNS |= {
    "msmarco-doc-dev": ("MS MARCO documents dev", DOCUMENTS),
    "msmarco-doc-eval": ("MS MARCO documents eval", DOCUMENTS),
    "trec-dl-2019-doc": ("TREC DL 2019 documents", DOCUMENTS),
    "trec-dl-2020-doc": ("TREC DL 2020 documents", DOCUMENTS),
    "trec-dl-2019+2020": (
        "TREC DL 2019+2020",
        {"reason": "the queries of both years together are not a dataset of ir_bench"},
    ),
    "msmarco-passage-local-eval": (
        "MS MARCO local eval",
        {"reason": "the authors' 5000 queries are not a dataset of ir_bench"},
    ),
    "trec-dl-hard-subset": ("DL-HARD subset", {"reason": "DL-HARD is not a dataset of ir_bench"}),
    "trec-tot-2023-dev": ("TREC ToT 2023 dev", {"reason": "TREC Tip of the Tongue is not a dataset of ir_bench"}),
    "webis-touche2020-v2": COLUMNS["webis-touche2020"],
    "miracl-18-average": ("MIRACL-18", {"reason": "the average over 18 languages is not measured by ir_bench"}),
    "mldr-average": ("MLDR", {"reason": "MLDR is not a dataset of ir_bench"}),
    "beir-average": ("BEIR average", {"reason": "the source does not name the sets of this average"}),
    "beir-cpt-subset-average": ("BEIR CPT subset", {"reason": "this average of eleven sets is not typed in ir_bench"}),
    "average-12": ("average of 12", {"reason": "this average of twelve sets is not typed in ir_bench"}),
    "nq-open-test": ("NQ open test", {"reason": "Natural Questions over Wikipedia is not a dataset of ir_bench"}),
    **{
        name: (name, {"reason": "open-domain question answering over Wikipedia is not a dataset of ir_bench"})
        for name in ("nq-dev", "triviaqa-dev", "squad-dev")
    },
    **{
        f"lotte-{kind}-{topic}": (f"LoTTE {kind} {topic}", {"reason": "LoTTE is not a dataset of ir_bench"})
        for kind in ("search", "forum")
        for topic in ("writing", "recreation", "science", "technology", "lifestyle", "pooled", "average")
    },
    **{
        f"followir-{name}": (f"FollowIR {name}", {"reason": "FollowIR is not a dataset of ir_bench"})
        for name in ("robust04", "news21", "core17")
    },
    **{
        f"{name}-rerank": (
            f"{name} re-ranked",
            {"reason": "re-ranking of given candidates is not measured by ir_bench"},
        )
        for name in ("msmarco-passage-dev", "trec-dl-2019", "trec-dl-2020")
    },
}
