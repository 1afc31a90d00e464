"""Reranking by a cross-encoder against the model's own predictions, and what it refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ir_bench.encoding import document_texts
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.rerankers.cross_encoder import CrossEncoderReranker
from ir_bench.types import Corpus, Document, Run

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "mat", "wing", "flow", "air"]
DOCUMENTS = [
    Document("d0", "the cat sat", "mat"),
    Document("d1", "wing flow air " * 6),
    Document("d2", "", ""),
    Document("d3", "air"),
]
QUERIES = {"q0": "cat mat", "q1": "wing", "q2": " "}
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def saved(folder: Path, labels: int = 1, head: bool = True) -> str:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=24).save_pretrained(folder)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(WORDS), max_position_embeddings=32, initializer_range=0.5, num_labels=labels, **SIZES
    )
    (BertForSequenceClassification if head else BertModel)(config).eval().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("models") / "ranker")


@pytest.fixture
def corpus() -> Corpus:
    return Corpus("few", "few-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def everything(*names: str) -> Run:
    return Run.of({query: {name: -float(i) for i, name in enumerate(names)} for query in QUERIES})


def test_scores_are_the_models_own_last_layer_for_the_candidates_alone(model, corpus, store):
    import torch
    from sentence_transformers import CrossEncoder

    reranker = CrossEncoderReranker(model, device="cpu", batch_size=1)
    reranker.build(corpus, store)
    run = reranker.rerank(QUERIES, everything("d3", "d1", "d2"))
    whole = CrossEncoder(model, device="cpu")
    for query in ("q0", "q1"):
        assert set(run[query].documents) == {"d1", "d3"}  # d2 has no text
        texts = [corpus.contents(DOCUMENTS[int(name[1])]) for name in run[query].documents]
        wanted = whole.predict([(QUERIES[query], text) for text in texts], activation_fn=torch.nn.Identity())
        np.testing.assert_allclose(run[query].scores, wanted, atol=1e-5)
        assert (np.diff(run[query].scores) < 0).all()
    assert len(run["q2"]) == 0  # a query without text
    together = CrossEncoderReranker(model, device="cpu", batch_size=32)
    together.build(corpus, store)
    again = together.rerank(QUERIES, everything("d1", "d2", "d3"))
    assert [again[q].documents for q in QUERIES] == [run[q].documents for q in QUERIES]
    assert describe(reranker) == describe(together)
    assert describe(reranker) != describe(dataclasses.replace(reranker, tokens=8))


def test_queries_in_several_blocks_have_the_same_scores(model, corpus, store, monkeypatch):
    reranker = CrossEncoderReranker(model, device="cpu")
    reranker.build(corpus, store)
    whole = reranker.rerank(QUERIES, everything("d0", "d1", "d3"))
    monkeypatch.setattr("ir_bench.rerankers.cross_encoder.PAIRS_AT_ONCE", 1)
    parts = reranker.rerank(QUERIES, everything("d0", "d1", "d3"))
    for query in QUERIES:
        assert parts[query].documents == whole[query].documents
        np.testing.assert_allclose(parts[query].scores, whole[query].scores, atol=1e-5)


def test_nothing_to_score_is_no_error(model, corpus, store):
    reranker = CrossEncoderReranker(model, device="cpu")
    reranker.build(corpus, store)
    assert [len(ranking) for ranking in reranker.rerank(QUERIES, Run.of({"q0": {}})).rankings.values()] == [0, 0, 0]
    assert len(reranker.rerank({}, Run.of({}))) == 0


def test_texts_are_those_that_are_searched(corpus, store, tmp_path):
    texts = document_texts(corpus, store)
    assert [texts[row] for row in range(4)] == ["mat the cat sat", DOCUMENTS[1].text, "", "air"]
    bare = document_texts(dataclasses.replace(corpus, titles="ignore"), store)
    assert bare[0] == "the cat sat"
    empty = Corpus("empty", "empty-1", lambda: iter([Document("e", "")]), 1)
    assert document_texts(empty, store)[0] == ""


def test_a_model_of_several_labels_is_refused(tmp_path, corpus, store):
    with pytest.raises(InputError, match="gives 3 numbers for a query and a document"):
        CrossEncoderReranker(saved(tmp_path / "nli", labels=3)).build(corpus, store)


def test_a_model_without_a_classifier_is_refused(tmp_path, corpus, store):
    with pytest.raises(InputError, match=r"lacks 2 kinds of weights .*, classifier"):
        CrossEncoderReranker(saved(tmp_path / "bi-encoder", head=False)).build(corpus, store)


def test_a_score_that_is_no_number_names_its_pair(model, corpus, store):
    import torch

    reranker = CrossEncoderReranker(model, device="cpu")
    reranker.build(corpus, store)
    with torch.no_grad():
        reranker._model.model.classifier.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="the score of document 'd3' for query 'q0' is nan"):
        reranker.rerank(QUERIES, everything("d3"))


def test_strangers_and_an_unbuilt_reranker_are_errors(model, corpus, store):
    reranker = CrossEncoderReranker(model, device="cpu")
    with pytest.raises(InputError, match="before build"):
        reranker.rerank(QUERIES, everything("d1"))
    reranker.build(corpus, store)
    with pytest.raises(InputError, match="'elsewhere' is not in the corpus"):
        reranker.rerank(QUERIES, everything("d1", "elsewhere"))
