"""The command line as a user types it, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ir_bench.cli.run import _swept


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture
def ir_bench(place):
    def call(*arguments: str, fails: bool = False) -> str:
        environment = {**os.environ, "IR_BENCH_CACHE": str(place / "cache"), "IR_BENCH_OFFLINE": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-m", "ir_bench", *arguments], cwd=place, env=environment, capture_output=True, text=True
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    return call


RUN = ("run", "dataset=sample", "retriever=bm25", "latency_queries=2")


def test_run_measures_then_finds_the_cell_finished(ir_bench, place):
    first = ir_bench(*RUN)
    assert "sample × bm25: nDCG@10 0." in first
    assert "(measured:" in first
    second = ir_bench(*RUN)
    assert "already measured, nothing computed" in second
    assert len(list((place / "results").rglob("scores.json"))) == 1


def test_a_sweep_survives_a_cell_that_fails_and_names_it(ir_bench):
    out = ir_bench("run", "-m", "dataset=sample,beir/bioasq", "retriever=bm25", "latency_queries=2", fails=True)
    assert "sample × bm25: nDCG@10" in out
    assert "1 cells failed" in out
    assert "beir/bioasq" in out


def test_a_sweep_over_a_setting_ends_with_a_table(ir_bench, place):
    out = ir_bench(*RUN, "-m", "similarity.k1=0.9,1.2")
    assert "effectiveness and cost" in out
    assert "nothing computed" in out  # k1=0.9 was measured above
    assert {p.name for p in place.iterdir()} <= {"cache", "results"}  # no litter in the user's folder


def test_a_sweep_over_retrievers_takes_a_part_and_a_setting_that_all_of_them_have(ir_bench):
    out = ir_bench(
        "run", "-m", "dataset=sample", "retriever=minilm,minilm_dpr", "latency_queries=0",
        "index=faiss_flat", "retriever.documents_per_shard=256",
    )  # fmt: skip
    found = [line for line in out.splitlines() if line.startswith("sample × ")]
    assert [line.partition(":")[0] for line in found] == ["sample × minilm", "sample × minilm_dpr"]
    assert all("nDCG@10 0.7504" in line for line in found)  # what index=flat gives


@pytest.mark.parametrize(
    ("override", "swept"),
    [
        ("retriever.index.factory='RR,RaBitQ'", "retriever.index.factory=choice('RR,RaBitQ')"),
        ("+transform@retriever.transforms.pca=pca", "+transform@retriever.transforms.pca=choice(pca)"),
        ("index@retriever.index=flat,hnsw", "index@retriever.index=flat,hnsw"),
        ("retriever.index.k=range(1,3)", "retriever.index.k=range(1,3)"),
        ("k=100", "k=100"),
        ("~retriever.transforms.pca", "~retriever.transforms.pca"),
    ],
)
def test_a_setting_of_a_retrievers_parts_is_a_sweep_over_one_value(override, swept):
    assert _swept(override) == swept


def test_score_gives_the_numbers_of_run(ir_bench, place):
    ir_bench(*RUN)
    folder = next(
        p.parent
        for p in (place / "results").rglob("scores.json")
        if "k1: 0.9" in (p.parent / "system.yaml").read_text()
    )
    scores = json.loads((folder / "scores.json").read_text())["measures"]
    out = ir_bench("score", str(folder / "run.trec.gz"), "--dataset", "sample", "--measures", "nDCG@10,R@100")
    assert f"{scores['nDCG@10']:.4f}" in out
    assert f"{scores['R@100']:.4f}" in out


def test_a_retriever_without_its_checkpoint_names_one_and_the_small_model(ir_bench, place):
    out = ir_bench("run", "dataset=sample", "retriever=splade", fails=True)
    assert "retriever.encoder.model has no value" in out
    assert "naver/splade-v3" in out
    assert "retriever=minilm_splade" in out


def test_configuration_is_shown_and_nothing_runs(ir_bench):
    assert "k1: 0.9" in ir_bench("run", "dataset=sample", "retriever=bm25", "--cfg", "job")


def test_help_has_examples_and_choices(ir_bench):
    out = ir_bench("run", "--help")
    assert "ir-bench run dataset=beir/scifact retriever=bm25" in out
    assert "beir/scifact" in out
    assert "Usage" in ir_bench("score", "--help")


def test_datasets_lists_and_checks(ir_bench):
    out = ir_bench("datasets")
    assert "beir/scifact" in out
    receipt = json.loads(ir_bench("datasets", "check", "sample", "--json"))
    assert receipt["documents"]["count"] >= 240


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("run", "dataset=sample", "retriever=bm52"), ["bm52", "bm25"]),
        (("run", "dataset=sampel", "retriever=bm25"), ["sampel"]),
        (("run", "dataset=sample"), ["retriever"]),
        (("run", "dataset=sample", "retriever=bm25", "k=0"), ["number of hits is 0"]),
        (("run", "dataset=sample", "retriever=bm25", "retriever.k2=3"), ["k2"]),
        (("run", "dataset=sample", "retriever=bm25", "measures=[nDGC@10]"), ["nDGC@10"]),
        (("run", "dataset=beir/bioasq", "retriever=bm25"), ["bioasq", "corpus.jsonl"]),
        (("run", "dataset=local", "dataset.path=nowhere", "retriever=bm25"), ["nowhere"]),
        (("run", "dataset=sample", "retriever=bi_encoder", "encoder.model=./nowhere"), ["nowhere"]),
        (("run", "dataset=sample", "retriever=bi_encoder"), ["model"]),
        (("run", "dataset=sample", "retriever=bm25", "index=flat"), ["FlatIndex", "Dense"]),
        (("run", "experiment=tuor"), ["tuor", "tour"]),
        (("score", "nowhere.trec", "--dataset", "sample"), ["nowhere.trec"]),
        (("datasets", "check", "sampel"), ["sampel"]),
    ],
)
def test_a_mistake_gives_one_clear_error(ir_bench, arguments, messages):
    out = ir_bench(*arguments, fails=True)
    for message in messages:
        assert message in out
