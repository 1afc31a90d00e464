"""MTEB's results on BEIR."""

from __future__ import annotations

from reference_tables.columns import MTEB_COLUMNS
from reference_tables.parts import BGE_PROMPT, PAPER, VECTORS, Row, Table, bi_encoder, colbert, no, refs, splade

TABLES: dict[str, Table] = {}

TABLES["minilm-mteb"] = Table(
    "all-MiniLM-L6-v2, all-MiniLM-L12-v2 and all-mpnet-base-v2 on BEIR, by MTEB",
    refs("mteb_minilm_mpnet_beir", "ndcg10", "r100", "r1000", "ap1000", "mrr10"),
    {
        "sentence-transformers/all-MiniLM-L6-v2": Row(
            "retriever=minilm", model="sentence-transformers/all-MiniLM-L6-v2", name="all-MiniLM-L6-v2"
        ),
        "sentence-transformers/all-MiniLM-L12-v2": bi_encoder(
            "sentence-transformers/all-MiniLM-L12-v2", name="all-MiniLM-L12-v2"
        ),
        "sentence-transformers/all-mpnet-base-v2": bi_encoder(
            "sentence-transformers/all-mpnet-base-v2", name="all-mpnet-base-v2"
        ),
    },
    tolerance=VECTORS,
    notes=(
        "MTEB drops hits with the query's own id in ArguAna, FEVER, FiQA, MS MARCO and Quora only; Climate-FEVER and "
        "SCIDOCS are run so here. In the other sets ids never coincide.",
        "MTEB's AP@1000 and MRR@10 are AP and RR@10 here. CQADupStack is the mean of twelve forums, which follow.",
        "MTEB computed these files with several of its versions, and L12 and mpnet with two revisions of the weights.",
    ),
    columns=MTEB_COLUMNS,
)

NOMIC = ("encoder.query_prompt='search_query: '", "encoder.document_prompt='search_document: '")

E5 = ("encoder.query_prompt='query: '", "encoder.document_prompt='passage: '")

REMOTE = "encoder.trust_remote_code=true"


def mteb(name: str) -> Row:
    owner, _, model = name.partition("/")
    if name == "mteb/baseline-bm25s":
        return no("bm25s' tokens are not an analyzer of ir_bench")
    if model.startswith(("e5-mistral", "NV-Embed", "LENS")):
        return no("an own instruction for every task, which a table's one command does not give", name)
    if owner in ("lightonai", "colbert-ir"):
        return colbert(name)
    if owner == "opensearch-project":
        return splade(name)
    settings: tuple[str, ...] = ()
    if "e5-" in model:
        settings = E5
    elif owner == "nomic-ai":
        settings = (*NOMIC, REMOTE) if "nomic" in model else NOMIC
    elif model.startswith(("bge-small", "bge-base", "bge-large")):
        plain = f"retriever=bi_encoder encoder.model={name}"
        return Row(f"{plain} {BGE_PROMPT}", model=name, cells={"beir/quora": plain}, note="no prompt in Quora")
    elif model.startswith(("jina-embeddings", "gte-base-en")):
        settings = (REMOTE,)
    return bi_encoder(name, *settings)


TABLES["mteb-models"] = Table(
    "Embedding models on BEIR, by MTEB",
    refs("mteb_models_beir", "ndcg10", "r100", "r1000", "ap1000", "mrr10"),
    otherwise=mteb,
    tolerance=PAPER,
    notes=(
        TABLES["minilm-mteb"].notes[0],
        "Prompts are those of the models' cards; MTEB's own may differ, and several files come from the models' "
        "authors or from its first version.",
        "MTEB's AP@1000 and MRR@10 are AP and RR@10 here. CQADupStack is the mean of twelve forums, which follow.",
    ),
    columns=MTEB_COLUMNS,
)
