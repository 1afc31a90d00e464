"""The benchmark of sparse search: its peers answer alike, its tables say what was measured."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from ir_bench.benchmarks import sparse_engines as engines
from ir_bench.benchmarks.crossed import crossed
from ir_bench.benchmarks.sparse import curves, ratios, sparse
from ir_bench.errors import InputError
from ir_bench.types import Sparse


@pytest.fixture(scope="module")
def vectors() -> tuple[Sparse, Sparse]:
    generator = np.random.default_rng(0)
    rates = np.minimum(0.9, 6 / np.arange(1, 121))
    bags = [
        {f"t{t}": float(generator.integers(1, 99)) for t in np.flatnonzero(generator.random(120) < rates)}
        for _ in range(220)
    ]
    return Sparse.of(bags[:200]), Sparse.of(bags[200:])


def test_crossed_vectors_have_the_statistics_of_their_source(vectors):
    source = vectors[0]
    made = crossed(source, 4000, seed=3)
    again, other = crossed(source, 4000, seed=3), crossed(source, 4000, seed=4)
    np.testing.assert_array_equal(made.terms, again.terms)
    np.testing.assert_array_equal(made.weights, again.weights)
    assert not np.array_equal(made.offsets, other.offsets)
    assert np.diff(made.offsets).mean() == pytest.approx(np.diff(source.offsets).mean(), rel=0.02)
    assert made.weights.mean() == pytest.approx(source.weights.mean(), rel=0.02)
    for i in range(50):
        assert max(Counter(made.terms[made.offsets[i] : made.offsets[i + 1]].tolist()).values()) == 1
    shares = [np.bincount(v.terms, minlength=120) / len(v) for v in (source, made)]
    assert np.abs(shares[0] - shares[1]).max() < 0.05


@pytest.mark.slow
def test_it_measures_compares_and_writes(vectors, tmp_path, capsys):
    pytest.importorskip("seismic")
    rows = sparse("given", *vectors, tmp_path, size=300, repeats=1, peers=("scipy", "seismic"))
    assert {row["collection"] for row in rows} == {"given", "crossed-300"}
    for row in rows:
        if row["engine"] in ("scipy", "block-max"):
            assert row["agreement"] == "200 scores equal to 1e-4"
        if row["engine"] in ("ours", "block-max", "scipy", "seismic"):
            assert row["bytes_per_document"] > 0
            assert row["index_s"] > 0
    for point in curves(rows):
        assert point["called directly"] == point["accuracy@10"]  # one index, asked in two ways
    assert all(row["top 10"].endswith("×") for row in ratios(rows))
    kept = json.loads((tmp_path / "bench" / "sparse.json").read_text(encoding="utf-8"))
    assert kept["rows"] == rows
    text = (tmp_path / "bench" / "sparse.md").read_text(encoding="utf-8")
    assert "The approximate engine" in text
    assert "Above 1×" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.lucene
def test_slow_peers_answer_alike_too(vectors, tmp_path):
    rows = sparse("given", *vectors, tmp_path, size=0, repeats=1, peers=("lucene", "sentence-transformers"))
    checked = {row["engine"]: row["agreement"] for row in rows if "agreement" in row}
    assert set(checked) == {"block-max", "lucene", "sentence-transformers"}
    assert set(checked.values()) == {"200 scores equal to 1e-4"}


def test_nothing_to_measure_is_told(vectors, tmp_path):
    with pytest.raises(InputError, match="no peer named"):
        sparse("given", *vectors, tmp_path, peers=("elsewhere",))
    with pytest.raises(InputError, match="nothing to compare"):
        sparse("given", *vectors, tmp_path, repeats=0)


def test_scores_that_differ_are_counted():
    assert engines._agreement(np.array([[2.0, 1]]), np.array([[2.0, 1.1]])) == "1 scores differ"
