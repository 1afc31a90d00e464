from __future__ import annotations

import pytest

from ir_bench.benchmarks.recombined import recombined
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Document


def source(*texts: str) -> Corpus:
    documents = [Document(f"d{i}", text) for i, text in enumerate(texts)]
    return Corpus("source", f"source-{'|'.join(texts)}", lambda: iter(documents), len(documents))


def test_passages_are_made_of_the_sources_sentences_and_repeat_with_the_seed():
    corpus = recombined([source("One two. Three four. Five six."), source("Seven?  Eight nine.")], 200, seed=3)
    sentences = {"One two", "Three four", "Five six.", "Seven", "Eight nine."}
    texts = [document.text for document in corpus]
    assert len(texts) == corpus.size == 200
    assert [document.text for document in corpus] == texts
    words = {word for sentence in sentences for word in sentence.split()}
    assert {word for text in texts for word in text.split()} == words
    assert {document.id for document in corpus} == {f"r{i}" for i in range(200)}
    assert texts != [d.text for d in recombined([source("One two. Three four. Five six.")], 200, seed=3)]


def test_the_identity_names_everything_the_passages_depend_on():
    a = source("One two.")
    identities = {
        recombined([a], 10).identity,
        recombined([a], 11).identity,
        recombined([a], 10, seed=1).identity,
        recombined([a, a], 10).identity,
        recombined([a], 10, sentences=(2, 2)).identity,
    }
    assert len(identities) == 5


def test_sources_without_sentences_are_refused():
    with pytest.raises(InputError, match="no sentences"):
        list(recombined([source("", " ")], 5))
