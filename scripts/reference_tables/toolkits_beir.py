"""BEIR as Pyserini and Anserini reproduce it."""

from __future__ import annotations

from reference_tables.parts import (
    BGE,
    BGE_PLAIN,
    BM25,
    CONTRIEVER,
    CONTRIEVER_MSMARCO,
    ENGINES,
    LUCENE_VECTORS,
    SPLADE_ED,
    SPLADE_V3,
    VECTORS,
    WEIGHTS,
    Row,
    Table,
    no,
    refs,
)

TABLES: dict[str, Table] = {}

TABLES["bm25-beir"] = Table(
    "BM25 on BEIR, flat and multifield",
    refs("pyserini_beir", "ndcg10", "r100", "r1000"),
    {
        "bm25-flat": [
            Row("retriever=bm25"),
            Row("retriever=lucene_bm25", name="bm25-flat-lucene", note="the same values, by Lucene itself"),
        ],
        "bm25-multifield": Row("retriever=lucene_bm25_multifield"),
    },
    tolerance=ENGINES,
    notes=(
        "k1=0.9, b=0.4; flat: title and text in one field; multifield: title and contents in fields of equal weight.",
        "1000 hits; a hit with the query's own id is dropped in every set; queries without hits count as zero.",
        "Values of the repository's regression, not of the paper. CQADupStack by forum.",
    ),
)

PYSERINI_NOTE = (
    "1000 hits; a hit with the query's own id is dropped in every set; queries without hits count as zero.",
    "Values of the repository's regression, not of the paper. CQADupStack by forum.",
)

TABLES["bm25-beir-anserini"] = Table(
    "BM25 on BEIR, Anserini's regression",
    refs("anserini_beir", "ndcg10", "r100", "r1000"),
    {
        "flat": BM25,
        "multifield": Row("retriever=lucene_bm25_multifield"),
        "flat-wp": no("BM25 over WordPiece tokens is not a part of ir_bench"),
    },
    tolerance=ENGINES,
    notes=("k1=0.9, b=0.4. flat-wp: WordPiece tokens of BERT instead of stemmed words.", *PYSERINI_NOTE),
)

TABLES["spladepp-beir"] = Table(
    "SPLADE++ EnsembleDistil on BEIR, Pyserini and Anserini",
    refs("pyserini_beir", "ndcg10", "r100", "r1000") + refs("anserini_beir", "ndcg10", "r100", "r1000"),
    {"splade-pp-ed": SPLADE_ED, "splade-pp-ed.onnx": SPLADE_ED},
    tolerance=WEIGHTS,
    notes=(
        "Pyserini encodes queries with PyTorch, Anserini with ONNX; they differ in ArguAna, whose queries are long.",
        *PYSERINI_NOTE,
    ),
)

TABLES["splade-v3-anserini"] = Table(
    "SPLADE-v3 on BEIR, Anserini",
    refs("anserini_beir", "ndcg10", "r100", "r1000"),
    {"splade-v3.onnx": SPLADE_V3},
    tolerance=WEIGHTS,
    notes=PYSERINI_NOTE,
)

TABLES["contriever-beir"] = Table(
    "Contriever on BEIR, Pyserini",
    refs("pyserini_beir", "ndcg10", "r100", "r1000"),
    {"contriever": CONTRIEVER, "contriever-msmarco": CONTRIEVER_MSMARCO},
    tolerance=VECTORS,
    notes=("Mean of token vectors, inner product.", *PYSERINI_NOTE),
)

TABLES["bge-beir"] = Table(
    "BGE-base-en-v1.5 on BEIR, Pyserini and Anserini",
    refs("pyserini_beir", "ndcg10", "r100", "r1000") + refs("anserini_beir", "ndcg10", "r100", "r1000"),
    {
        "bge-base-en-v1.5.faiss": Row(
            BGE.cell,
            model=BGE.model,
            cells={"beir/arguana": BGE_PLAIN, "beir/quora": BGE_PLAIN},
            note="no prompt in ArguAna and Quora",
        ),
        "bge-base-en-v1.5.lucene-flat": BGE,
        "bge-base-en-v1.5.parquet.flat.onnx": BGE,
        "bge-base-en-v1.5.parquet.flat-sqv.onnx": LUCENE_VECTORS,
        "bge-base-en-v1.5.parquet.hnsw.onnx": LUCENE_VECTORS,
        "bge-base-en-v1.5.parquet.hnsw-sqv.onnx": LUCENE_VECTORS,
    },
    tolerance=VECTORS,
    notes=("Queries with the prompt of the model's authors.", *PYSERINI_NOTE),
)

_MINILM = "retriever.retrievers.minilm.encoder"

BM25_BGE = (
    f"retriever=hybrid encoder@{_MINILM}=sentence_transformer {_MINILM}.model=BAAI/bge-base-en-v1.5 "
    f"{_MINILM}.query_prompt='Represent this sentence for searching relevant passages: '"
)

TABLES["fusion-beir"] = Table(
    "Fusion of BM25 and BGE-base-en-v1.5 on BEIR, Pyserini",
    refs("pyserini_beir_fusion", "ndcg10", "r100", "r1000"),
    {
        "fusion RRF": Row(BM25_BGE, model=BGE.model),
        "fusion average": Row(f"{BM25_BGE} fusion=linear fusion.normalisation=none", model=BGE.model),
        "fusion interpolation": Row(f"{BM25_BGE} fusion=linear fusion.normalisation=none", model=BGE.model),
        "fusion normalize (min-max)": Row(f"{BM25_BGE} fusion=linear", model=BGE.model),
        "BM25": BM25,
        "BGE-base-en-v1.5": BGE,
    },
    tolerance=(0.001, "Ranks of near ties among vectors enter the fusion."),
    notes=(
        "Flat BM25 (k1=0.9, b=0.4) and BGE, 1000 hits each, fused to 1000. RRF: k=60; interpolation: weight 0.5.",
        "BGE in ArguAna is 0.6228 here and 0.6362 or 0.6375 in Pyserini's and Anserini's tables (see bge-beir).",
    ),
)
