"""Papers and model cards with results on MS MARCO and TREC DL."""

from __future__ import annotations

import re

from reference_tables.parts import (
    ANCE,
    APPROXIMATE,
    CLS,
    COLBERT_V2,
    COPIED_NOTE,
    CROSS_ENCODER,
    DOT,
    LEARNED_CODES,
    NOT_PUBLIC,
    PAPER,
    RETROMAE,
    RETROMAE_DISTILL,
    TAS_B,
    TCT,
    TITLES,
    Row,
    Table,
    bi_encoder,
    no,
    refs,
    splade,
)

TABLES: dict[str, Table] = {}

TABLES["retromae"] = Table(
    "RetroMAE on MS MARCO and the BEIR average, the authors' README",
    ("retromae_msmarco_mrr10", "retromae_msmarco_r1000", "retromae_beir_average_ndcg10"),
    {
        "RetroMAE (pre-trained on MS MARCO)": bi_encoder(
            "Shitao/RetroMAE_MSMARCO_finetune", CLS, DOT, note=RETROMAE_DISTILL.note
        ),
        "RetroMAE(distillation) (pre-trained on MS MARCO)": RETROMAE_DISTILL,
        "coCondenser (pre-trained on MS MARCO)": TITLES,
        "RetroMAE": RETROMAE,
    },
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=("RetroMAE v2 averages 0.491 here and 0.475 in its paper (see dupmae-beir).",),
)

TABLES["dupmae-msmarco"] = Table(
    "RetroMAE-2 (DupMAE) on MS MARCO and TREC DL",
    refs("dupmae_paper_msmarco", "mrr10", "r50", "r1000", "ndcg10"),
    {
        "ANCE (hard)": ANCE,
        "TAS-B (distill)": TAS_B,
        "SPLADEv2 (distill)": splade("naver/splade_v2_distil"),
        "ColBERTv2 (distill)": COLBERT_V2,
        "RetroMAE (distill)": RETROMAE_DISTILL,
        "coCondenser (hard)": TITLES,
        "SimLM (distill)": TITLES,
    },
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=(
        COPIED_NOTE,
        "Only the rows of DupMAE have four digits; hard: hard negatives, distill: from a cross-encoder.",
    ),
)


def dragon(name: str) -> Row:
    return Row(
        f"retriever=dpr retriever.encoder.query.model=facebook/{name}-query-encoder "
        f"retriever.encoder.document.model=facebook/{name}-context-encoder "
        "+retriever.encoder.query.pooling=cls +retriever.encoder.document.pooling=cls",
        model=f"facebook/{name}-context-encoder",
    )


TABLES["dragon"] = Table(
    "DRAGON, the authors' README",
    ("dragon_msmarco_mrr10", "dragon_beir_average_ndcg10"),
    {"DRAGON+": dragon("dragon-plus"), "DRAGON-RoBERTa": dragon("dragon-roberta")},
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
)

TABLES["ance"] = Table(
    "ANCE, the authors' README",
    ("ance_mrr10", "ance_r1000", "ance_ndcg10"),
    {
        "ANCE(FirstP)": ANCE,
        "ANCE(FirstP) retrieval": ANCE,
        "ANCE(FirstP) rerank": no("re-ranking of given candidates is not measured by ir_bench"),
    },
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=("Figures for documents are of other checkpoints than those for passages.",),
)

TABLES["simlm"] = Table(
    "SimLM, the authors' README",
    ("simlm_readme",),
    {"simlm-msmarco-reranker": no(CROSS_ENCODER.reason, "intfloat/simlm-msmarco-reranker")},
    otherwise=no(TITLES.reason, "intfloat/simlm-base-msmarco-finetuned"),
    tolerance=PAPER,
)

TABLES["costa"] = Table(
    "COSTA, the authors' README",
    ("costa_mrr10", "costa_mrr100", "costa_ndcg10", "costa_r100", "costa_r1000"),
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
)

TABLES["cotmae"] = Table(
    "CoT-MAE on MS MARCO, the authors' README",
    refs("cotmae_msmarco", "mrr10", "r1", "r50", "r1000"),
    otherwise=TITLES,
    tolerance=PAPER,
)

TABLES["cotmae-qc"] = Table(
    "Query-as-context pre-training, the authors' README",
    refs("cotmae_qc_cocondenser", "mrr10", "r50", "r1000", "ndcg10"),
    otherwise=TITLES,
    tolerance=PAPER,
    notes=("Retriever 1 and 2 are the stages of tuning; rows of a paper restate its print.",),
)

TABLES["seed-encoder"] = Table(
    "SEED-Encoder tuned with ANCE, the authors' README",
    ("seed_encoder_mrr10", "seed_encoder_r1000"),
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
)

TABLES["star-adore-passage"] = Table(
    "STAR and ADORE on MS MARCO passages, the authors' README",
    refs("star_adore_passage", "mrr10", "r100", "ndcg10"),
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=("In brackets: the document encoder for which ADORE trains its query encoder.",),
)

TABLES["star-adore-doc"] = Table(
    "STAR and ADORE on MS MARCO documents, the authors' README",
    refs("star_adore_doc", "mrr100", "r100", "ndcg10"),
    otherwise=NOT_PUBLIC,
    tolerance=PAPER,
    notes=TABLES["star-adore-passage"].notes,
)


def with_opq(row: Row, name: str) -> Row:
    """The same encoder over rotated product-quantised vectors."""
    codes = re.findall(r"M=(\d+)", name)[0]
    return Row(f"{row.cell} index=pq index.factory='OPQ{codes},PQ{codes}'", model=row.model)


def repconc(name: str) -> Row:
    encoder = re.split(r" \+ | uncompressed", name)[0]
    known = {
        "ANCE": ANCE,
        "coCondenser": TITLES,
        "TCT-ColBERT-v2-hnp": TCT,
        "SBERT": bi_encoder(
            "sentence-transformers/msmarco-bert-base-dot-v5", DOT, note="known by its MRR@10 of 0.381 only"
        ),
        "TAS-B": TAS_B,
    }
    row = known[encoder]
    if "uncompressed" in name or not row.cell:
        return row
    return with_opq(row, name) if "OPQ" in name else LEARNED_CODES


TABLES["repconc"] = Table(
    "RepCONC, JPQ and OPQ over five dense encoders, the authors' README",
    ("repconc_jpq_opq_msmarco_mrr10", "repconc_jpq_opq_dl_ndcg10"),
    otherwise=repconc,
    tolerance=(0.005, "Codes are trained on a sample: another sample and seed give slightly other codes."),
    notes=("M one-byte codes per passage; ratio against 768 floats of four bytes.",),
)

LIBVQ = no("over the authors' own encoder, whose weights are not public", "")

TABLES["libvq-msmarco"] = Table(
    "LibVQ (Distill-VQ) on MS MARCO, the authors' README",
    refs("libvq_msmarco", "mrr10", "r10", "r100"),
    otherwise=LIBVQ,
    tolerance=APPROXIMATE,
    notes=("Compressed 96 times.",),
)

TABLES["libvq-nq"] = Table(
    "LibVQ (Distill-VQ) on Natural Questions, the authors' README",
    refs("libvq_nq", "r5", "r10", "r20", "r100"),
    otherwise=LIBVQ,
    tolerance=APPROXIMATE,
    notes=("Top-k accuracy (Success@k). Compressed 96 times.",),
)


def sentence_transformers(name: str) -> Row:
    if name == "BM25 (Elasticsearch)":
        return no("Elasticsearch is not a part of ir_bench")
    dot = "dot" in name or name.endswith(("tas-b", "firstp"))
    return bi_encoder(f"sentence-transformers/{name}", *([DOT] if dot else []))


TABLES["st-msmarco"] = Table(
    "MS MARCO models listed by sentence-transformers",
    ("st_msmarco_models_mrr10", "st_msmarco_models_ndcg10"),
    otherwise=sentence_transformers,
    tolerance=PAPER,
    notes=("TREC DL is re-ranking of the official candidates in the source.",),
)

TABLES["st-cross-encoders"] = Table(
    "Cross-encoders listed by sentence-transformers",
    ("st_cross_encoders_mrr10", "st_cross_encoders_ndcg10"),
    otherwise=lambda name: no(CROSS_ENCODER.reason, f"cross-encoder/{name}"),
    tolerance=PAPER,
    notes=("The source does not state the candidates.",),
)

TABLES["co-condenser-card"] = Table(
    "coCondenser, ANCE and TAS-B, a model card of sentence-transformers",
    ("st_co_condensor_card",),
    otherwise=lambda name: bi_encoder(f"sentence-transformers/{name}", DOT),
    tolerance=PAPER,
    notes=("coCondenser without passage titles. TAS-B in TREC-COVID: 0.6539 here, 0.481 in the BEIR paper.",),
)
