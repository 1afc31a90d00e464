"""Tables of PyTerrier and reports of ranx: written, read back, and as the tools themselves write them."""

from __future__ import annotations

import json

import pytest
from reports.exports.cells import QRELS, SCORED, cell

from ir_bench.errors import InputError
from ir_bench.evaluation.measured import read_measured
from ir_bench.reports.exports.tables import ranx_report, read_pyterrier, read_ranx, write_pyterrier, write_ranx


@pytest.fixture
def results(tmp_path):
    worse = {"q1": {"d3": 2.0, "d2": 1.0}, "q2": {"d2": 1.0}}
    return [read_measured(cell(tmp_path)), read_measured(cell(tmp_path, name="minilm", scored=worse, k=10))]


@pytest.mark.parametrize(("name", "head"), [("x.csv", "name,nDCG@10,R@100"), ("x.tsv", "name\tnDCG@10\tR@100")])
def test_pyterrier_and_back(results, tmp_path, name, head):
    write_pyterrier(results, tmp_path / name)
    assert (tmp_path / name).read_text().startswith(head)
    means = read_pyterrier(tmp_path / name)
    assert means == {measured.retriever: measured.means for measured in results}


def test_a_table_of_pandas_with_names_of_trec_eval(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(",name,map,ndcg_cut_10,P_5,mrt\n0,BM25,0.25,0.5,0.1,12.5\n1,DPH,0.3,0.6,0.2,3\n")
    assert read_pyterrier(path) == {
        "BM25": {"AP": 0.25, "nDCG@10": 0.5, "P@5": 0.1},
        "DPH": {"AP": 0.3, "nDCG@10": 0.6, "P@5": 0.2},
    }


@pytest.mark.parametrize(
    "content", ["", "a,b\n", "name,foo\nx,1\n", "name,AP\nx\n", "name,AP\nx,low\n", "name,AP\nx,1\nx,2\n"]
)
def test_a_table_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(InputError):
        read_pyterrier(tmp_path / "x.csv")


def test_ranx_and_back(results, tmp_path):
    write_ranx(results, tmp_path / "x.json")
    content = json.loads((tmp_path / "x.json").read_text())
    assert content["metrics"] == ["ndcg@10", "recall@100", "mrr@10", "map", "precision@10", "hit_rate@5"]
    assert content["model_names"] == ["bm25", "minilm"]
    assert content["stat_test"] is None
    means = read_ranx(tmp_path / "x.json")
    assert means["bm25"] == {m: v for m, v in results[0].means.items() if m != "Judged@10"}


def test_ranx_names_another_threshold(tmp_path):
    report = ranx_report([read_measured(cell(tmp_path, threshold=2))], per_query=True)
    assert report["metrics"][:3] == ["ndcg@10", "recall@100-l2", "mrr@10-l2"]
    assert report["bm25"]["per_query"]["mrr@10-l2"] == {"q1": 1.0, "q2": 0.0}
    (tmp_path / "x.json").write_text(json.dumps(report))
    assert read_ranx(tmp_path / "x.json")["bm25"]["R(rel=2)@100"] == 0.5


@pytest.mark.slow  # ranx compiles its measures
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("threshold", [1, 2])
def test_ranx_itself_finds_the_same_under_the_same_names(tmp_path, threshold):
    ranx = pytest.importorskip("ranx")
    scores = ranx_report([read_measured(cell(tmp_path, threshold=threshold))])["bm25"]["scores"]
    assert ranx.evaluate(ranx.Qrels(QRELS), ranx.Run(SCORED), list(scores)) == pytest.approx(scores)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_report_that_ranx_saved_is_read(tmp_path):
    ranx = pytest.importorskip("ranx")
    runs = [ranx.Run(SCORED, name="a"), ranx.Run(SCORED, name="b")]
    ranx.compare(ranx.Qrels(QRELS), runs, ["ndcg@10", "map"]).save(str(tmp_path / "x.json"))
    means = read_ranx(tmp_path / "x.json")
    assert [*means] == ["a", "b"]
    assert set(means["a"]) == {"nDCG@10", "AP"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model_names": ["a"]}', '{"model_names": []}'])
def test_what_is_no_report_is_refused(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError):
        read_ranx(tmp_path / "x.json")


def test_results_on_several_datasets_are_refused(tmp_path):
    results = [read_measured(cell(tmp_path, dataset)) for dataset in ("beir/scifact", "beir/nq")]
    with pytest.raises(InputError, match="beir/nq test, beir/scifact test"):
        write_pyterrier(results, tmp_path / "x.csv")


def test_two_settings_of_one_retriever_are_named_by_their_folders(tmp_path):
    results = [read_measured(cell(tmp_path, k=k)) for k in (1000, 100)]
    report = ranx_report(results)
    assert report["model_names"] == [measured.folder.name for measured in results]
    with pytest.raises(InputError, match="twice"):
        ranx_report([results[0], results[0]])
