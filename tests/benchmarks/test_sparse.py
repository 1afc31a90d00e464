"""The benchmark of sparse search: its peers answer alike, its tables say what was measured."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
import pytest

from ir_bench.benchmarks import sparse as benchmark
from ir_bench.benchmarks import sparse_engines as engines
from ir_bench.benchmarks.crossed import crossed
from ir_bench.benchmarks.sparse import curves, ratios, sparse
from ir_bench.errors import InputError
from ir_bench.types import Sparse

BUILT = {"index_s": 1.0, "index_bytes": 400, "peak_bytes": 1}


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


def test_an_engine_that_dies_costs_no_finished_work(vectors, tmp_path, monkeypatch):
    """scipy runs out of memory, and on the second collection the search of all engines does."""
    searches = []

    def apart(work, folder, repeats):
        if work is engines.build_scipy:
            raise MemoryError("no room\nfor 9 GB")
        if not isinstance(work, partial):
            return BUILT
        searches.append(work.keywords)
        if (folder / "documents").exists() and len(np.load(folder / "documents" / "offsets.npy")) == 301:
            raise BrokenProcessPool("a process died")
        rates = {name: {10: 2.0, 1000: 1.0} for name in ("ours", "block-max", "lucene")}
        return {"rates": rates, "checks": {}, "curve": []}

    monkeypatch.setattr(benchmark, "apart", apart)
    monkeypatch.setattr(benchmark, "installed", lambda name: True)
    monkeypatch.setattr(engines, "cores", lambda: 1)
    rows = sparse("given", *vectors, tmp_path, size=300, repeats=1, peers=("scipy", "lucene"))
    assert [asked["peers"] for asked in searches] == [("lucene",)] * 2
    failed = {(row["collection"], row["engine"]): row["failed"] for row in rows if "failed" in row}
    assert failed == {
        ("given", "scipy"): "build: MemoryError: for 9 GB",
        ("crossed-300", "scipy"): "build: MemoryError: for 9 GB",
        ("crossed-300", "all"): "search: BrokenProcessPool: a process died",
    }
    assert [row["collection"] for row in ratios(rows)] == ["given (200)"]
    text = (tmp_path / "bench" / "sparse.md").read_text(encoding="utf-8")
    assert "| given (200) | 1 | lucene | 1.0× | 1.0× | 1.0× |  |" in text
    assert "for 9 GB" in text
    assert json.loads((tmp_path / "bench" / "sparse.json").read_text(encoding="utf-8"))["rows"] == rows


def test_the_first_collection_is_kept_when_the_second_cannot_be_made(vectors, tmp_path, monkeypatch):
    def impossible(*_):
        raise MemoryError

    monkeypatch.setattr(benchmark, "apart", lambda *_: {"rates": {}, "checks": {}, "curve": [], **BUILT})
    monkeypatch.setattr(benchmark, "installed", lambda name: True)
    monkeypatch.setattr(benchmark, "crossed", impossible)
    with pytest.raises(MemoryError):
        sparse("given", *vectors, tmp_path, size=300, repeats=1, peers=("scipy",))
    assert (tmp_path / "bench" / "sparse.md").is_file()


def test_nothing_to_measure_is_told(vectors, tmp_path):
    with pytest.raises(InputError, match="no peer named"):
        sparse("given", *vectors, tmp_path, peers=("elsewhere",))
    with pytest.raises(InputError, match="nothing to compare"):
        sparse("given", *vectors, tmp_path, repeats=0)


def test_scores_that_differ_are_counted():
    assert engines._agreement(np.array([[2.0, 1]]), np.array([[2.0, 1.1]])) == "1 scores differ"
