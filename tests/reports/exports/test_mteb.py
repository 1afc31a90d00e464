"""Results in MTEB's layout, read back by us and by MTEB."""

from __future__ import annotations

import json

import pytest
from reports.exports.cells import cell

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import read_measured
from ir_bench.fingerprint import fingerprint
from ir_bench.reports.exports.mteb import read_mteb, write_mteb
from ir_bench.reports.exports.mteb_tasks import TASKS


def test_a_result_lies_where_mteb_looks_for_it(tmp_path):
    measured = read_measured(cell(tmp_path / "results"))
    path = write_mteb(measured, tmp_path / "out")
    revision = fingerprint({"retriever": measured.system["retriever"], "k": 1000})
    assert path == tmp_path / "out" / "ir_bench__bm25" / revision / "SciFact.json"
    assert json.loads((path.parent / "model_meta.json").read_text())["name"] == "ir_bench/bm25"
    content = json.loads(path.read_text())
    assert content["mteb_version"] is None
    assert content["dataset_revision"] == "unknown"
    assert content["evaluation_time"] == 1.75
    (entry,) = content["scores"]["test"]
    assert entry["main_score"] == entry["ndcg_at_10"] == round(measured.means["nDCG@10"], 5)
    # q1 finds one of its two relevant documents, at rank 1; q2 its only one, at rank 2
    expected = {
        "recall_at_100": 0.75,
        "mrr_at_10": 0.75,
        "precision_at_10": 0.1,
        "map_at_1000": 0.5,
        "hit_rate_at_5": 1,
    }
    assert {key: entry[key] for key in expected} == expected
    assert "judged_at_10" not in entry


def test_reading_gives_the_measures_back(tmp_path):
    measured = read_measured(cell(tmp_path))
    (row,) = read_mteb(write_mteb(measured, tmp_path / "out")).items()
    assert row[0] == "SciFact test"
    assert row[1]["AP@1000"] == pytest.approx(measured.means["AP"], abs=5e-6)
    for measure in ("nDCG@10", "R@100", "RR@10", "P@10", "Success@5"):
        assert row[1][measure] == pytest.approx(measured.means[measure], abs=5e-6)


def test_datasets_of_one_retriever_lie_together(tmp_path):
    one, two = (read_measured(cell(tmp_path / "r", dataset)) for dataset in ("beir/scifact", "beir/nq"))
    assert write_mteb(one, tmp_path).parent == write_mteb(two, tmp_path).parent


def test_another_result_is_not_overwritten(tmp_path):
    write_mteb(read_measured(cell(tmp_path / "a")), tmp_path)
    other = read_measured(cell(tmp_path / "b", scored={"q1": {"d3": 1.0}, "q2": {"d2": 1.0}}))
    with pytest.raises(InputError, match="other scores"):
        write_mteb(other, tmp_path)


def test_binary_measures_of_another_threshold_are_left_out(tmp_path):
    folder = cell(tmp_path, "msmarco-passage/trec-dl-2019/judged", split="trec-dl-2019", threshold=2)
    path = write_mteb(read_measured(folder), tmp_path / "out")
    assert path.name == "TRECDL2019.json"
    (entry,) = json.loads(path.read_text())["scores"]["test"]
    assert {key for key in entry if "_at_" in key} == {"ndcg_at_10"}


def test_measures_deeper_than_the_ranking_are_left_out(tmp_path):
    path = write_mteb(read_measured(cell(tmp_path, k=10)), tmp_path / "out")
    (entry,) = json.loads(path.read_text())["scores"]["test"]
    keys = {"ndcg_at_10", "mrr_at_10", "precision_at_10", "hit_rate_at_5"}
    assert {key for key in entry if "_at_" in key} == keys


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 5}, "no nDCG@10 of ten documents"),
        ({"dataset": "cacm"}, "no task for cacm"),
        ({"dataset": "beir/msmarco"}, "split test"),
        ({"facts": {"self_hits_dropped": 3}}, "3 documents with the query's own id were dropped"),
        ({"scored": {"q1": {"d1": 1.0}}}, "1 queries have no results"),
        ({"dataset": "beir/arguana", "scored": {"q1": {"d1": 2.0, "q1": 1.0}, "q2": {"d2": 1.0}}}, "which MTEB drops"),
    ],
)
def test_a_number_that_mteb_would_not_report_is_refused(tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        write_mteb(read_measured(cell(tmp_path, **settings)), tmp_path / "out")


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"task_name": "x", "scores": {"test": [{"hf_subset": "default"}]}}']
)
def test_what_is_no_result_of_mteb_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"no result of MTEB|no retrieval measure"):
        read_mteb(path)


def test_subsets_are_rows_of_their_own(tmp_path):
    entries = [{"hf_subset": language, "ndcg_at_10": value, "main_score": value, "nauc_ndcg_at_10_max": 0.1}
               for language, value in (("ar", 0.5), ("bn", 0.25))]  # fmt: skip
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"task_name": "MIRACLRetrieval", "scores": {"dev": entries}}))
    assert read_mteb(path) == {
        "MIRACLRetrieval dev ar": {"nDCG@10": 0.5},
        "MIRACLRetrieval dev bn": {"nDCG@10": 0.25},
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mteb_itself_reads_the_result(tmp_path):
    mteb = pytest.importorskip("mteb")
    from mteb.cache import ResultCache
    from mteb.models import ModelMeta

    measured = read_measured(cell(tmp_path / "r"))
    path = write_mteb(measured, tmp_path / "results")
    result = mteb.TaskResult.from_disk(path)
    assert result.task_name == "SciFact"
    assert result.get_score() == pytest.approx(measured.means["nDCG@10"], abs=5e-6)
    meta = ModelMeta(**json.loads((path.parent / "model_meta.json").read_text()))
    assert meta.name == "ir_bench/bm25"
    assert path == ResultCache(tmp_path).get_task_result_path("SciFact", meta)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_tasks_exist_with_these_splits(tmp_path):
    mteb = pytest.importorskip("mteb")
    for task in TASKS.values():
        metadata = mteb.get_task(task.name).metadata
        assert set(task.splits.values()) <= set(metadata.eval_splits), task
        assert metadata.main_score == "ndcg_at_10"
        assert metadata.eval_langs == ["eng-Latn"]
