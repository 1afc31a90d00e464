"""MS MARCO and TREC DL as Pyserini and Anserini reproduce them."""

from __future__ import annotations

from reference_tables.parts import (
    ANCE,
    BGE,
    CLS,
    DENSE_FEEDBACK,
    DL_NOTE,
    DOT,
    ENGINES,
    EXPANSIONS,
    LUCENE_VECTORS,
    MARGIN_MSE,
    NOT_PUBLIC,
    SBERT,
    SERVICE,
    SPARSE_FEEDBACK,
    SPLADE_ED,
    SPLADE_SD,
    SPLADE_V3,
    TCT,
    UNICOIL,
    VECTORS,
    Row,
    Table,
    bi_encoder,
    no,
    refs,
    splade,
)

TABLES: dict[str, Table] = {}


def lucene(name: str, feedback: str = "", settings: str = "", part: str = "") -> Row:
    """BM25 with feedback, default or tuned on MS MARCO (k1=0.82, b=0.68)."""
    tuned = "tuned" in name
    if not feedback:
        return Row("retriever=bm25" + (" similarity.k1=0.82 similarity.b=0.68" if tuned else ""))
    tuning = " retriever.k1=0.82 retriever.b=0.68" if tuned else ""
    return Row(f"retriever=lucene_{feedback}{tuning}{settings}")


def pyserini_msmarco(name: str) -> Row:
    if "d2q" in name or (name.startswith("unicoil-") and "noexp" not in name):
        return EXPANSIONS
    if name.startswith("bm25"):
        return lucene(name, next((f for f in ("rm3", "rocchio") if f in name), ""))
    if "prf" in name:
        return DENSE_FEEDBACK
    if name.startswith("splade") and "rocchio" in name:
        return SPARSE_FEEDBACK
    if "lucene-hnsw" in name:
        return LUCENE_VECTORS
    known = {
        "splade-v3": SPLADE_V3,
        "splade-pp-ed": SPLADE_ED,
        "splade-pp-sd": SPLADE_SD,
        "bge": BGE,
        "distilbert-kd-tasb": bi_encoder("sebastian-hofstaetter/distilbert-dot-tas_b-b256-msmarco", CLS, DOT),
        "distilbert-kd": MARGIN_MSE,
        "ance": ANCE,
        "sbert": SBERT,
        "tct_colbert": TCT,
        "unicoil-noexp": UNICOIL,
        "openai": SERVICE,
        "cohere": SERVICE,
        "cosdpr": no("cosDPR's layer above BERT is not a part of ir_bench", "castorini/cosdpr-distil"),
        "slimr": no("SLIM is not a part of ir_bench"),
        "aggretriever": no("Aggretriever is not a part of ir_bench"),
    }
    return next(row for start, row in known.items() if name.startswith(start))


TABLES["msmarco-passage"] = Table(
    "MS MARCO passages and TREC DL, Pyserini's two-click reproductions",
    refs("pyserini_msmarco_v1_passage", "mrr10", "r1000", "ndcg10", "ap"),
    otherwise=pyserini_msmarco,
    tolerance=VECTORS,
    notes=(
        "BM25 default: k1=0.9, b=0.4; tuned: k1=0.82, b=0.68. RM3 and Rocchio by Anserini's defaults. 1000 hits.",
        "SPLADE weights are rounded to whole numbers in Pyserini's index.",
        DL_NOTE,
    ),
)


def anserini_msmarco(name: str) -> Row:
    index, _, run = name.partition(" / ")
    if index.startswith("doc"):
        return EXPANSIONS
    if index.startswith("wp-"):
        return no("BM25 over WordPiece tokens is not a part of ir_bench")
    if index == "bm25-b8":
        return no("BM25 weights of eight bits are not a part of ir_bench")
    if index.startswith("unicoil"):
        return EXPANSIONS
    if "+r" in run and index.startswith("splade"):
        return SPARSE_FEEDBACK
    if index.startswith("splade"):
        return {"splade-v3": SPLADE_V3, "splade-pp-ed": SPLADE_ED, "splade-pp-sd": SPLADE_SD}[
            index.removesuffix(".onnx")
        ]
    if index.startswith("cos-dpr"):
        return no("cosDPR's layer above BERT is not a part of ir_bench", "castorini/cosdpr-distil")
    if index.startswith("bge"):
        return BGE if index.endswith("flat.onnx") else LUCENE_VECTORS
    feedback = run.partition("+")[2]
    if feedback == "prf":
        return no("BM25PRF is not a part of ir_bench")
    kind = {"": "", "rm3": "rm3", "ax": "axiomatic"}.get(feedback, "rocchio")
    return lucene(run, kind, " retriever.feedback.negative=true" if feedback.endswith("neg") else "")


TABLES["msmarco-passage-anserini"] = Table(
    "MS MARCO passages and TREC DL, Anserini's regressions",
    refs("anserini_msmarco_v1_passage", "mrr10", "r100", "r1000", "ndcg10", "ap"),
    otherwise=anserini_msmarco,
    tolerance=VECTORS,
    notes=(
        "Names are index / run. BM25 default: k1=0.9, b=0.4; tuned: k1=0.82, b=0.68. 1000 hits.",
        "rocchio-neg takes the worst of 1000 hits as negative documents; ax is axiomatic feedback on the best 20.",
        DL_NOTE,
    ),
)


def pyserini_doc(name: str) -> Row:
    if "d2q" in name or name == "unicoil-pytorch":
        return EXPANSIONS
    if name.startswith("unicoil"):
        return UNICOIL
    if "segmented" in name:
        return no("documents searched by their best passage are not a part of ir_bench")
    feedback = next((f for f in ("rm3", "rocchio") if f in name), "")
    if "tuned" not in name:
        return lucene(name, feedback)
    tuned = "retriever.k1=4.46 retriever.b=0.82"
    return Row(
        f"retriever=lucene_{feedback} {tuned}" if feedback else "retriever=bm25 similarity.k1=4.46 similarity.b=0.82"
    )


TABLES["msmarco-doc"] = Table(
    "MS MARCO documents and TREC DL, Pyserini's two-click reproductions",
    refs("pyserini_msmarco_v1_doc", "mrr100", "r1000", "ndcg10", "ap"),
    otherwise=pyserini_doc,
    tolerance=ENGINES,
    notes=(
        "AP of TREC DL is over the first 100 hits, with every grade above 0 relevant.",
        "The source labels its reciprocal rank MRR@10, and computes it over 100 hits.",
        "Whole documents tuned: k1=4.46, b=0.82.",
    ),
    measures={"pyserini_msmarco_v1_doc_ap": {"*": "AP@100"}},
)


def guide(name: str) -> Row:
    if "doc2query" in name or "TILDE" in name:
        return EXPANSIONS
    if "BM25" in name and name != "BM25 tuned k1=0.82 b=0.68 (guide)":
        return no("fusion with this encoder cannot be run, or its weight is not stated")
    known = {
        "Aggretriever": no("Aggretriever is not a part of ir_bench"),
        "TCT": TCT,
        "ANCE": ANCE,
        "DistilBERT KD TASB": bi_encoder("sebastian-hofstaetter/distilbert-dot-tas_b-b256-msmarco", CLS, DOT),
        "DistilBERT KD": MARGIN_MSE,
        "ADORE": NOT_PUBLIC,
        "SBERT": SBERT,
        "DeepImpact": EXPANSIONS,
        "DistilSPLADE": splade("naver/splade_v2_distil"),
        "SLIM": no("SLIM is not a part of ir_bench"),
        "BM25": lucene("tuned"),
    }
    return next(row for start, row in known.items() if name.startswith(start))


TABLES["pyserini-guides"] = Table(
    "Pyserini's reproduction guides, MS MARCO passages",
    refs("pyserini_guides_msmarco_passage", "mrr10", "r1000", "ap"),
    otherwise=guide,
    tolerance=VECTORS,
    notes=("1000 hits. A guide per model; some print more than four digits, which are rounded.",),
)

TABLES["tct-colbert-doc"] = Table(
    "TCT-ColBERT on MS MARCO documents, Pyserini's guide",
    refs("pyserini_guides_msmarco_doc", "mrr100", "r100", "ap"),
    otherwise=TCT,
    tolerance=VECTORS,
    notes=("Documents are searched by their best passage.",),
)

TABLES["ance-prf"] = Table(
    "ANCE-PRF, Pyserini's guide",
    refs("pyserini_ance_prf", "mrr10", "r1000", "ndcg10"),
    {"ANCE (Original)": ANCE},
    otherwise=DENSE_FEEDBACK,
    tolerance=VECTORS,
    notes=(DL_NOTE,),
)


def vector_prf(name: str) -> Row:
    model, _, run = name.partition(", ")
    known = {
        "ANCE": ANCE,
        "DistillBERT KD": MARGIN_MSE,
        "DistillBERT Balanced": bi_encoder("sebastian-hofstaetter/distilbert-dot-tas_b-b256-msmarco", CLS, DOT),
        "SBERT": SBERT,
        "ADORE": NOT_PUBLIC,
    }
    return known.get(model, TCT) if run == "Original" else DENSE_FEEDBACK


TABLES["vector-prf"] = Table(
    "Feedback on dense vectors, Pyserini's guide",
    refs("pyserini_vector_prf", "mrr10", "r1000", "ndcg10", "ndcg100", "ap"),
    otherwise=vector_prf,
    tolerance=VECTORS,
    notes=("DistillBERT Balanced is TAS-B.", DL_NOTE),
)
