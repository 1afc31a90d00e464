"""One vector for two: its inner products are the sums of those of the models that have one part each."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from ir_bench import modules
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.sparse_encoder import SparseEncoder as Ours
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.modules.side_by_side import SideBySide
from ir_bench.modules.term_impacts import TermImpacts
from ir_bench.similarities.dot import Dot
from ir_bench.types import Sparse

TEXTS = ["the cat sat on the mat", "", "dogs", "a fast wing flow", "the dog ran"]


@pytest.fixture
def folders(bare_bert, tmp_path):
    """The joint model, and each part as a model of its own."""
    body, impacts = Transformer(str(bare_bert)), TermImpacts(16, 22, without=[0, 1, 2, 3, 4])
    dense = [Pooling(16, pooling_mode="mean"), Normalize()]
    joint = SideBySide({"sparse": [impacts], "dense": dense}, {"dense": 2.0})
    made = {
        "joint": SparseEncoder(modules=[body, joint], device="cpu"),
        "sparse": SparseEncoder(modules=[body, impacts], device="cpu"),
        "dense": SentenceTransformer(modules=[body, *dense], device="cpu"),
    }
    for name, model in made.items():
        model.save_pretrained(str(tmp_path / name), create_model_card=False)
    return {name: str(tmp_path / name) for name in made}


def matrix(vectors: Sparse, dims: int) -> np.ndarray:
    values = np.zeros((len(vectors), dims))
    values[np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets)), vectors.terms] = vectors.weights
    return values


def test_scores_are_the_sums_of_the_parts(folders):
    joint, sparse, dense = Ours(folders["joint"]), Ours(folders["sparse"]), SentenceTransformerEncoder(folders["dense"])
    documents, queries = joint.encode_documents(TEXTS), joint.encode_queries(TEXTS)
    expected = matrix(sparse.encode_queries(TEXTS), 22) @ matrix(sparse.encode_documents(TEXTS), 22).T
    expected += 2 * dense.encode_queries(TEXTS).values @ dense.encode_documents(TEXTS).values.T
    np.testing.assert_allclose(matrix(queries, 38) @ matrix(documents, 38).T, expected, atol=1e-5)
    index = InvertedIndex(Dot())
    index.build(documents)
    hits = index.search(queries, len(TEXTS))
    np.testing.assert_allclose(hits.scores, np.take_along_axis(expected, hits.rows, 1), atol=1e-5)


def test_terms_are_tokens_and_then_numbers(folders):
    vectors = Ours(folders["joint"]).encode_queries(["dogs"])
    assert list(vectors.vocabulary)[20:24] == ["query", "passage", "[22]", "[23]"]
    assert set(Ours(folders["sparse"]).encode_queries(["dogs"]).row(0)) < set(vectors.row(0))


def test_a_saved_model_gives_the_same_vectors(folders):
    again = modules.load(SparseEncoder, folders["joint"], device="cpu")
    assert again[1].get_embedding_dimension() == 38
    assert again[1].scales == {"dense": 2.0}
    ours = Ours(folders["joint"]).encode_documents(TEXTS)
    np.testing.assert_allclose(matrix(ours, 38), again.encode_document(TEXTS).to_dense().numpy(), atol=1e-5)


def test_parts_of_others_are_not_imported(folders, tmp_path):
    path = tmp_path / "joint" / "1_SideBySide" / "config.json"
    settings = json.loads(path.read_text())
    settings["parts"]["dense"][0][1] = "antigravity.Pooling"
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"antigravity\.Pooling is neither"):
        modules.load(SparseEncoder, tmp_path / "joint", device="cpu")


def test_a_scale_of_no_part_is_an_error():
    with pytest.raises(ValueError, match="'lexical'"):
        SideBySide({"dense": [Normalize()]}, {"lexical": 1.0})
