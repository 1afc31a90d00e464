"""What every table is made of: rows, tables, tolerances, and the rows and reasons that many tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """A row to write: the command, or the reason why there is none. `name`: where it differs from the source's."""

    cell: str = ""
    reason: str = ""
    model: str = ""
    note: str = ""
    name: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table to write. `rows`: source row -> Row or several, all of the source where None; `otherwise`: for the rest.

    `measures`: reference -> measure, or column -> measure, where the reference's own name does not say it; `columns`:
    source column -> (label, dataset part); `figures`: source columns, or notes of the source by row, that are no
    measure -> label; `extra`: rows of nothing but figures.
    """

    title: str
    references: tuple[str, ...]
    rows: Mapping[str, Row | list[Row]] = field(default_factory=dict)
    otherwise: Row | Callable[[str], Row] | None = None
    tolerance: tuple[float, str] = (0.0005, "")
    notes: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    measures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    extra: Callable[[Mapping[str, Any]], dict[str, tuple[Row, dict[str, Any]]]] | None = None


ENGINES = (0.0001, "Two engines may order documents differently that tie in float32, beside the rounding of the print.")

VECTORS = (0.0005, "Batching, padding and hardware change the last bits of vectors, and so the order of near ties.")

PAPER = (
    0.002,
    "Papers seldom state precision, text lengths and library versions; each moves a mean by some thousandths.",
)

APPROXIMATE = (0.005, "Approximate search and quantised models: another build finds slightly other neighbours.")


def bi_encoder(model: str, *settings: str, note: str = "", name: str = "") -> Row:
    return Row(" ".join(["retriever=bi_encoder", f"encoder.model={model}", *settings]), "", model, note, name)


def no(reason: str, model: str = "") -> Row:
    return Row(reason=reason, model=model)


def refs(stem: str, *measures: str) -> tuple[str, ...]:
    return tuple(f"{stem}_{measure}" for measure in measures)


BGE_PROMPT = "encoder.query_prompt='Represent this sentence for searching relevant passages: '"

DOT, COSINE, CLS, MEAN = (
    "encoder.similarity=dot",
    "encoder.similarity=cosine",
    "encoder.pooling=cls",
    "encoder.pooling=mean",
)

BM25, LUCENE = Row("retriever=bm25"), Row("retriever=lucene_bm25")

# The BM25 of the BEIR paper: its values are Anserini's with title and text in two fields, own hits kept in ArguAna.
BEIR_BM25 = Row(
    "retriever=lucene_bm25_multifield",
    cells={"beir/arguana": "retriever=lucene_bm25_multifield dataset.rules.exclude_self=false"},
    note="title and text in two fields; in ArguAna the query's own document was kept",
)

BGE = bi_encoder("BAAI/bge-base-en-v1.5", BGE_PROMPT)

BGE_PLAIN = "retriever=bi_encoder encoder.model=BAAI/bge-base-en-v1.5"

ANCE = bi_encoder(
    "sentence-transformers/msmarco-roberta-base-ance-firstp", DOT, note="the authors' weights for sentence-transformers"
)

TAS_B = bi_encoder("sentence-transformers/msmarco-distilbert-base-tas-b", DOT)

MARGIN_MSE = bi_encoder("sebastian-hofstaetter/distilbert-dot-margin_mse-T2-msmarco", CLS, DOT)

SBERT = bi_encoder("sentence-transformers/msmarco-distilbert-base-v3", COSINE)

CONTRIEVER = bi_encoder("facebook/contriever", MEAN, DOT)

CONTRIEVER_MSMARCO = bi_encoder("facebook/contriever-msmarco", MEAN, DOT)

DPR = Row(
    "retriever=dpr retriever.encoder.query.model=sentence-transformers/facebook-dpr-question_encoder-multiset-base "
    "retriever.encoder.document.model=sentence-transformers/facebook-dpr-ctx_encoder-multiset-base",
    model="sentence-transformers/facebook-dpr-ctx_encoder-multiset-base",
)

RETROMAE = bi_encoder("Shitao/RetroMAE_BEIR", CLS, DOT)

RETROMAE_DISTILL = bi_encoder(
    "Shitao/RetroMAE_MSMARCO_distill", CLS, DOT, note="the authors' passages may carry titles, which MS MARCO has not"
)


def splade(model: str) -> Row:
    return Row(f"retriever=splade encoder.model={model}", model=model)


def colbert(model: str) -> Row:
    return Row(f"retriever=colbert encoder.model={model}", model=model)


SPLADE_ED, SPLADE_SD = splade("naver/splade-cocondenser-ensembledistil"), splade("naver/splade-cocondenser-selfdistil")

SPLADE_V3, COLBERT_V2 = splade("naver/splade-v3"), colbert("colbert-ir/colbertv2.0")

HYPENCODER = Row("retriever=hypencoder encoder.model=jfkback/hypencoder.6_layer", model="jfkback/hypencoder.6_layer")

NOT_PUBLIC = no("no public checkpoint is known")

CROSS_ENCODER = no("the candidates that were re-ranked are not at hand")

EXPANSIONS = no("the documents expanded by doc2query are not a dataset of ir_bench")

DENSE_FEEDBACK = no("feedback on dense vectors is not a part of ir_bench")

SPARSE_FEEDBACK = no("feedback on learned sparse vectors is not a part of ir_bench")

TCT = no("TCT-ColBERT pads queries with mask tokens and pools without the first ones, which no encoder here does")

TITLES = no("trained for and run on passages with titles that the MS MARCO collection does not have")

SERVICE = no("vectors of a paid service")

GENERATOR = no("documents generated by a language model are not a part of ir_bench")

TERRIER = no("Terrier's engine is not a part of ir_bench")

COLBERT_V1 = no("the checkpoint of the first ColBERT is not on the hub")

LUCENE_VECTORS = no("Lucene's graph and its scalar quantisation are not parts of ir_bench; see the flat rows")

LEARNED_CODES = no("codes trained together with an encoder are not a part of ir_bench")

UNICOIL = no("uniCOIL is not a part of ir_bench")

DL_NOTE = "TREC DL: AP and recall count grades 2 and 3 as relevant, nDCG uses all grades."

COPIED_NOTE = "Rows of other methods are as these authors printed them."

WEIGHTS = (0.001, "Lucene's impact index rounds weights to whole numbers, and encoders round in the last bits.")
