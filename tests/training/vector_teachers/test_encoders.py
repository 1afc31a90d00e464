"""Vectors of other encoders to learn from, over several collections and texts made from documents."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.build import Letters, labelled, small_text

from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.store import Store
from ir_bench.training.pairs.title_body import TitleBody
from ir_bench.training.taught import Taught
from ir_bench.training.vector_teachers.encoders import Encoders


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_gives_unit_vectors_one_after_the_other(store: Store) -> None:
    text = small_text()
    teacher = Encoders({"one": Letters(), "other": Letters()})
    teacher.start(text, labelled(text), store)
    queries, documents = teacher.vectors(np.array([2, 0]), np.array([5, -1, 1]))
    assert queries is not None
    assert documents is not None
    own = unit(Letters().encode_queries([text.queries[2], text.queries[0]]).values)
    np.testing.assert_allclose(queries, np.concatenate([own, own], axis=1) / np.sqrt(2), rtol=1e-6)
    own = unit(Letters().encode_documents([text.documents[5], text.documents[1]]).values)
    np.testing.assert_allclose(documents[[0, 2]], np.concatenate([own, own], axis=1) / np.sqrt(2), rtol=1e-6)
    assert not documents[1].any()


def test_teaches_one_side_and_texts_made_from_documents(store: Store) -> None:
    text = small_text()
    pairs = TitleBody().pairs(text, store, 0)
    teacher = Encoders({"letters": Letters()}, queries=False)
    teacher.start(text, pairs, store)
    queries, documents = teacher.vectors(np.array([0]), pairs.document_rows[:2])
    assert queries is None
    made = [pairs.documents[row] for row in pairs.document_rows[:2].tolist()]
    np.testing.assert_allclose(documents, unit(Letters().encode_documents(made).values), rtol=1e-6)


def test_several_collections_are_one(store: Store) -> None:
    text = small_text()
    teachers = [Encoders({"letters": Letters()}), Encoders({"letters": Letters()})]
    for teacher in teachers:
        teacher.start(text, labelled(text), store)
    taught = Taught(teachers, [(3, 8), (3, 8)])
    queries, documents = taught(np.array([1, 4]), np.array([7, 15, -1]))
    assert queries is not None
    assert documents is not None
    assert torch.equal(queries[0], queries[1])
    assert torch.equal(documents[0], documents[1])
    assert documents[0].any()
    assert not documents[2].any()


def test_what_teaches_nothing_is_an_error(store: Store) -> None:
    text = small_text()
    for teacher, told in (
        (Encoders({}), "teaches nothing"),
        (Encoders({"letters": Letters()}, False, False), "teaches nothing"),
        (Encoders({"words": LexicalEncoder(None)}), "Sparse vectors"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match=told):
            teacher.start(text, labelled(text), store)
    with pytest.raises(InputError, match="was not started"):
        Encoders({"letters": Letters()}).vectors(np.array([0]), np.array([0]))
