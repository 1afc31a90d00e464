"""Papers on learned sparse and multi-vector retrieval, and Hypencoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reference_tables.parts import (
    ANCE,
    BEIR_BM25,
    BM25,
    COLBERT_V1,
    COLBERT_V2,
    COPIED_NOTE,
    CROSS_ENCODER,
    DL_NOTE,
    EXPANSIONS,
    HYPENCODER,
    LEARNED_CODES,
    MARGIN_MSE,
    NOT_PUBLIC,
    PAPER,
    SPLADE_SD,
    SPLADE_V3,
    TAS_B,
    TCT,
    UNICOIL,
    Row,
    Table,
    colbert,
    no,
    splade,
)

TABLES: dict[str, Table] = {}

TABLES["splade-v3-beir"] = Table(
    "SPLADE-v3 on BEIR (table 2)",
    ("splade_v3_paper_table2_beir_ndcg10",),
    {
        "SPLADE++SD": SPLADE_SD,
        "SPLADE-v3": SPLADE_V3,
        "SPLADE-v3-DistilBERT": splade("naver/splade-v3-distilbert"),
        "SPLADE-v3-Lexical": splade("naver/splade-v3-lexical"),
        "SPLADE-v3-Doc": splade("naver/splade-v3-doc"),
    },
    tolerance=PAPER,
    notes=("SPLADE-v3-Doc does not run a model on queries. Anserini's values: splade-v3-anserini.",),
)

TABLES["splade-v3-paper"] = Table(
    "SPLADE-v3: MS MARCO, TREC DL, averages (table 1)",
    ("splade_v3_paper_table1",),
    TABLES["splade-v3-beir"].rows,
    tolerance=PAPER,
    notes=("MS MARCO without titles.",),
    figures={"flops": "FLOPS"},
)

TABLES["splade-msmarco"] = Table(
    "SPLADE checkpoints on MS MARCO, the authors' README",
    ("splade_msmarco_mrr10",),
    otherwise=lambda name: (
        no("query and document encoders with own weights: not a part of ir_bench") if "+" in name else splade(name)
    ),
    tolerance=PAPER,
)

TABLES["sparse-encoders"] = Table(
    "Sparse encoders listed by sentence-transformers",
    ("st_sparse_encoders_mrr10", "st_sparse_encoders_beir13_ndcg10"),
    {"BM25 (Baseline)": no("the settings of this BM25 are not stated")},
    otherwise=splade,
    tolerance=PAPER,
    notes=("The names with doc encode queries by a table of weights, without a model.",),
    figures={"flops": "FLOPS"},
)

TABLES["colbertv2-msmarco"] = Table(
    "ColBERTv2 on MS MARCO (table 4)",
    ("colbertv2_paper_table4_msmarco",),
    {"ColBERT": COLBERT_V1, "SPLADEv2": splade("naver/splade_v2_distil"), "ColBERTv2": COLBERT_V2},
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=(COPIED_NOTE, "Local eval: 5000 queries that the authors set aside."),
)

TABLES["colbertv2-beir"] = Table(
    "ColBERTv2 on BEIR (table 5a)",
    ("colbertv2_paper_table5a_beir_ndcg10",),
    {
        "ColBERT": COLBERT_V1,
        "ANCE": ANCE,
        "TAS-B": TAS_B,
        "SPLADEv2": splade("naver/splade_v2_distil"),
        "ColBERTv2": COLBERT_V2,
    },
    otherwise=NOT_PUBLIC,
    tolerance=(0.003, "Residual compression, pruned search and float16 move a mean by some thousandths."),
    notes=(COPIED_NOTE, "ColBERTv2 with residuals of two bits. TAS-B in ArguAna: 0.427 here, 0.429 in the BEIR paper."),
)

TABLES["colbertv2-qa"] = Table(
    "ColBERTv2 on open-domain question answering and LoTTE (table 5b)",
    ("colbertv2_paper_table5b_success5",),
    {"ColBERT": COLBERT_V1, "BM25": BM25, "ANCE": ANCE, "ColBERTv2": COLBERT_V2},
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
)

TABLES["pylate-colbert"] = Table(
    "ColBERT models on BEIR, PyLate's documentation",
    ("pylate_colbert_models_beir_ndcg10",),
    {
        "lightonai/colbertv2.0": COLBERT_V2,
        "GTE-ModernColBERT-v1": Row(
            "retriever=colbert encoder.model=lightonai/GTE-ModernColBERT-v1", model="lightonai/GTE-ModernColBERT-v1"
        ),
    },
    otherwise=colbert,
    tolerance=(0.003, "Residual compression, pruned search and float16 move a mean by some thousandths."),
    notes=("The ColBERTv2 row is that of its paper except TREC-COVID; two rows come from their model cards.",),
    columns={
        "beir-13-average": (
            "printed average",
            {"reason": "the printed average includes sets that the table does not show"},
        )
    },
)

TABLES["colberter-workflows"] = Table(
    "ColBERTer: ways to combine its parts (table 3)",
    ("colberter_table3_workflows",),
    otherwise=no("ColBERTer is not a part of ir_bench"),
    tolerance=PAPER,
)

TABLES["colberter-msmarco"] = Table(
    "ColBERTer on MS MARCO and TREC DL (table 4)",
    ("colberter_table4_msmarco",),
    {
        "BM25 (PISA)": no("PISA is not a part of ir_bench"),
        "JPQ": LEARNED_CODES,
        "UniCOIL-Tok": UNICOIL,
        "UniCOIL-Tok (+docT5query)": EXPANSIONS,
        "SPLADEv2 (PISA)": splade("naver/splade_v2_distil"),
        "TCT-ColBERTv2 + UniCOIL (+dT5q)": EXPANSIONS,
    },
    otherwise=lambda name: (
        no("ColBERTer is not a part of ir_bench")
        if "ColBERTer" in name
        else no("COIL and DSR are not parts of ir_bench")
    ),
    tolerance=PAPER,
    notes=(COPIED_NOTE,),
    figures={"storage_gb": "storage GB", "query_latency_ms": "query latency ms"},
)

TABLES["hypencoder-beir"] = Table(
    "Hypencoder on five BEIR sets (table 2)",
    ("hypencoder_table2_beir_ndcg10",),
    {"BM25": BEIR_BM25, "TAS-B": TAS_B, "Hypencoder": HYPENCODER},
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=("The BM25 and TAS-B rows are those of the BEIR paper. Touché-2020 is its second version.",),
)

TABLES["hypencoder-msmarco"] = Table(
    "Hypencoder on MS MARCO and TREC DL (table 1)",
    ("hypencoder_table1_in_domain",),
    {
        "BM25": BM25,
        "ANCE": ANCE,
        "TCT-ColBERT": TCT,
        "Margin-MSE": MARGIN_MSE,
        "TAS-B": TAS_B,
        "Hypencoder": HYPENCODER,
        "ColBERTv2": COLBERT_V2,
        "SPLADE++SD": SPLADE_SD,
        "RepLLaMA": no("an adapter over a model of seven billion weights; not a part of ir_bench"),
        "DRAGON": no("the source does not say which DRAGON"),
        "MonoBERT": CROSS_ENCODER,
        "cross-SimLM": CROSS_ENCODER,
    },
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=(COPIED_NOTE, DL_NOTE),
)

TABLES["hypencoder-hard"] = Table(
    "Hypencoder on harder tasks (table 3)",
    ("hypencoder_table3_hard",),
    {"BM25": BM25, "TAS-B": TAS_B, "Hypencoder": HYPENCODER},
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
)

MUVERA_CONFIG = re.compile(r"\((\d+),(\d+),(\d+)\)")


def muvera(name: str) -> Row:
    found = MUVERA_CONFIG.search(name)
    if not found:
        return no("the source does not print the parameters of this row", "colbert-ir/colbertv2.0")
    repetitions, bits, dims = found.groups()
    return Row(
        f"retriever=muvera encoder.model=colbert-ir/colbertv2.0 retriever.transforms.fde.repetitions={repetitions} "
        f"retriever.transforms.fde.hyperplanes={bits} retriever.transforms.fde.projection={dims}",
        model="colbert-ir/colbertv2.0",
        note="the mean of ten seeds",
    )


def muvera_candidates(content: Mapping[str, Any]) -> dict[str, tuple[Row, dict[str, Any]]]:
    """Rows of table 1: how many candidates reach a recall."""
    rows: dict[str, tuple[Row, dict[str, Any]]] = {}
    for threshold, counts in content["notes"]["candidates_to_reach_recall"].items():
        for name, count in counts.items() if isinstance(counts, dict) else ():
            kind = "FDE dim " + name[4:] if name.startswith("fde") else "single vectors" + name[2:].replace("_", " ")
            row = no("counts of candidates are not measured by ir_bench", "colbert-ir/colbertv2.0")
            found = rows.setdefault(f"candidates: {kind}", (row, {}))[1]
            found[f"candidates@R0.{threshold.removeprefix('threshold_')}"] = count
    return rows


TABLES["muvera"] = Table(
    "MUVERA: fixed dimensional encodings on MS MARCO (tables 1 to 4)",
    ("muvera_paper_fde_recall_msmarco",),
    otherwise=muvera,
    tolerance=(0.004, "One seed; the paper's deviations over ten seeds reach 0.0029 in R@100."),
    notes=(
        "Vectors of ColBERTv2; exact inner product of the encodings, no re-ranking. Table 2 gives (repetitions, "
        "hyperplanes, dimensions of a projection); tables 3 and 4 compare a final projection.",
        "Table 1 counts the candidates needed to reach a recall: candidates@R0.80 and so on.",
        "The comparison with PLAID is printed as a plot only.",
    ),
    extra=muvera_candidates,
)
