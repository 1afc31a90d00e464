"""Metadata in the terms of PRIMAD, from what a results folder knows."""

from __future__ import annotations

import yaml
from reports.exports.cells import BM25, cell

from ir_bench.evaluation.measured import Measured, read_measured
from ir_bench.reports.exports.ir_metadata import ir_metadata, write_ir_metadata

DENSE = {"class": "DenseReranker", "encoder": {"class": "SentenceTransformerEncoder", "pooling": None}}


def test_components_come_from_the_files_of_the_folder(tmp_path):
    write_ir_metadata(read_measured(cell(tmp_path)), tmp_path / "ir-metadata.yml")
    text = (tmp_path / "ir-metadata.yml").read_text()
    assert text.startswith("# ir_metadata.start\nschema-version: 0.1\n")
    assert text.endswith("# ir_metadata.end\n")
    content = yaml.safe_load(text)
    assert content["tag"] == "bm25"
    assert content["platform"]["hardware"] == {
        "cpu": {"model": "A processor", "architecture": "x86_64", "number of cores": 2}
    }
    assert content["platform"]["software"]["libraries"]["python"][:2] == ["python==3.11.7", "ir-bench==0.1.0"]
    assert content["implementation"]["executable"]["cmd"] == "ir-bench run dataset=beir/scifact retriever=bm25"
    assert content["method"]["indexing"] == {"tokenizer": "LuceneEnglish", "stemmer": "porter", "stopwords": True}
    assert content["method"]["score ties"].startswith("ascending document id")
    (stage,) = content["method"]["retrieval"]
    assert (stage["name"], stage["method"]) == ("bm25", "LuceneBM25")
    assert content["research goal"]["evaluation"]["reported measures"][:2] == ["ndcg_cut_10", "recall_100"]
    assert content["data"]["test collection"]["name"] == "beir/scifact"
    assert "actor" not in content


def test_a_reranker_names_what_it_reranks(tmp_path):
    settings = {"class": "Reranked", "first": BM25, "reranker": DENSE, "depth": 100}
    stages = ir_metadata(read_measured(cell(tmp_path, name="two", retriever=settings)))["method"]["retrieval"]
    assert [(s["name"], s["method"], s.get("reranks")) for s in stages] == [
        ("two: first stage", "LuceneBM25", None), ("two", "DenseReranker", "two: first stage"),
    ]  # fmt: skip
    assert stages[1]["params"]["depth"] == 100


def test_a_fusion_names_what_it_interpolates(tmp_path):
    inner = {"bm25": BM25, "again": {"class": "Reranked", "first": BM25, "reranker": DENSE}}
    settings = {"class": "Fused", "retrievers": inner, "fusion": {"class": "Linear", "weights": {"bm25": 1}}}
    stages = ir_metadata(read_measured(cell(tmp_path, name="fused", retriever=settings)))["method"]["retrieval"]
    assert [s["name"] for s in stages] == ["bm25", "again: first stage", "again", "fused"]
    assert stages[-1]["interpolates"] == ["bm25", "again"]


def test_what_is_unknown_is_left_out():
    scored_file = Measured("cacm", "somebody", {"AP": {"q": 0.5}})
    assert ir_metadata(scored_file) == {
        "schema-version": 0.1,
        "run-version": 1.0,
        "tag": "somebody",
        "research goal": {"evaluation": {"reported measures": ["map"]}},
        "implementation": {"source": {"lang": ["python"]}},
        "data": {"test collection": {"name": "cacm", "split": "test"}},
    }


def test_an_actor_is_whom_one_names(tmp_path):
    content = ir_metadata(read_measured(cell(tmp_path)), {"name": "A. Author", "role": "experimenter"})
    assert content["actor"] == {"name": "A. Author", "role": "experimenter"}
