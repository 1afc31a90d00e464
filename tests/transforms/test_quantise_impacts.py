"""Impacts in whole steps, against arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.errors import InputError
from ir_bench.fingerprint import describe
from ir_bench.transforms.quantise_impacts import QuantiseImpacts
from ir_bench.types import Sparse, Strings


def bags(weights: list[float]) -> Sparse:
    terms = np.arange(len(weights), dtype=np.int32)
    return Sparse(terms, np.array(weights, np.float32), np.array([0, len(terms)]), Strings.of(map(str, terms)))


def fitted(documents: Sparse, **given) -> QuantiseImpacts:
    transform = QuantiseImpacts(**given)
    transform.fit(documents)
    return transform


@settings(max_examples=50)
@given(st.lists(st.floats(0, 50, width=32), min_size=1, max_size=9), st.integers(1, 16))
def test_steps_are_equal_and_round_up(weights, bits):
    found = fitted(bags(weights), bits=bits).documents(bags(weights)).weights
    step = (max(weights) or 1) / (2**bits - 1)
    for weight, impact in zip(weights, found.tolist(), strict=True):
        assert impact == int(impact)
        assert (impact == 0) == (weight == 0)
        assert impact == math.ceil(weight / step * (1 - 1e-12))
        assert weight <= impact * step * (1 + 1e-9)
    assert found.max() == (2**bits - 1 if max(weights) else 0)
    order = np.argsort(weights, kind="stable")
    assert (np.diff(found[order]) >= 0).all()  # the order of weights stays


def test_by_hand():
    transform = fitted(bags([3.0, 1.0, 0.2, 0.0]), bits=2, queries_too=True)  # steps of 1
    assert transform.documents(bags([3.0, 1.0, 0.2, 0.0])).weights.tolist() == [3, 1, 1, 0]
    assert transform.queries(bags([6.5])).weights.tolist() == [7]


def test_no_bits_and_queries_are_left_alone():
    documents = bags([0.3, 2.5])
    assert fitted(documents, bits=None).documents(documents) is documents
    assert fitted(documents).queries(documents) is documents


def test_many_bits_keep_the_scores_up_to_a_factor():
    documents = bags(np.random.default_rng(0).random(1000).tolist())
    found = fitted(documents, bits=16).documents(documents).weights
    np.testing.assert_allclose(found * documents.weights.max() / 65535, documents.weights, atol=2e-5)


def test_kept_steps_are_the_same(tmp_path):
    documents = bags([3.0, 1.0])
    fitted(documents).save(tmp_path)
    again = QuantiseImpacts()
    again.load(tmp_path)
    assert again.documents(documents).weights.tolist() == fitted(documents).documents(documents).weights.tolist()


def test_query_steps_do_not_change_the_index():
    assert describe(QuantiseImpacts(queries_too=True), True) == describe(QuantiseImpacts(), True)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_errors_say_what_is_wrong(weight):
    with pytest.raises(InputError, match="negative or undefined weights"):
        fitted(bags([1.0, weight]))
    with pytest.raises(InputError, match="impacts before fit"):
        QuantiseImpacts().documents(bags([1.0]))
    with pytest.raises(InputError, match="impacts of 0 bits"):
        QuantiseImpacts(bits=0)
