"""What the page is given of a group: overview, rankings, texts and explanations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reports.html.synthetic import MEASURES, make_up

from ir_bench.evaluation.ranks import read_ranks
from ir_bench.evaluation.significance.bootstrap import interval
from ir_bench.reports.html.cells import grouped
from ir_bench.reports.html.data import Data, Published, Source
from ir_bench.reports.html.explanations import _evidence, explanations
from ir_bench.reports.html.overview import overview
from ir_bench.reports.html.rankings import NONE, rankings
from ir_bench.reports.html.texts import by_disagreement, texts
from ir_bench.types import Corpus, Document, Match


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_up(tmp_path_factory.mktemp("made"), systems=3, queries=12, documents=400)


@pytest.fixture(scope="module")
def group(made):
    return grouped(made.measured)[0]


def test_means_intervals_and_costs(made, group):
    known = Data(published={("bm25", "AP"): Published("0.31", "holds", "t")}, sources={"bm25": [Source("A", "b")]})
    seen = overview(group, known, MEASURES)
    assert (seen["label"], seen["queries"], seen["documents"], seen["main"]) == ("made/up", 12, 400, "nDCG@10")
    for system, cell in zip(seen["systems"], group.cells, strict=True):
        values = list(cell.measured.per_query["AP"].values())
        assert system["means"]["AP"] == pytest.approx([np.mean(values), *interval(values)], abs=1e-6)
    first = seen["systems"][0]
    assert first["cost"] == {"build_s": 1.5, "bytes": 1000, "p50": 0.5, "p95": 0.9, "throughput": 100.0, "peak": 200}
    assert first["published"] == {"AP": ["0.31", "holds", "t"]}
    assert first["sources"] == [("A", "b")]
    assert seen["systems"][1]["published"] == {}


def test_a_measure_that_one_system_lacks(made, group):
    poorer = replace(group.cells[1].measured, per_query={"nDCG@10": group.cells[1].measured.per_query["nDCG@10"]})
    cells = (group.cells[0], replace(group.cells[1], measured=poorer))
    seen = overview(replace(group, cells=cells), Data(), ["AP", "nDCG@10"])
    assert set(seen["systems"][1]["means"]) == {"nDCG@10"}
    values = rankings(replace(group, cells=cells), Data(), ["AP"]).block["values"]["AP"].reshape(2, -1)
    assert (values[1] == -1).all()
    assert (values[0] >= 0).all()


def test_costs_that_were_not_measured(group):
    cell = replace(group.cells[0], measured=replace(group.cells[0].measured, cost={}))
    seen = overview(replace(group, cells=(cell,)), Data(), ["AP"])
    assert set(seen["systems"][0]["cost"].values()) == {None}


def test_rankings_are_the_ten_best_with_the_ranks_of_judged_documents(made, group):
    found = rankings(group, made.data, MEASURES)
    block, n = found.block, len(group.queries)
    top = block["top"].reshape(3, n, 10)
    for i, cell in enumerate(group.cells):
        run = cell.measured.ranking()
        for j, query in enumerate(group.queries):
            documents = [found.documents[d] for d in top[i, j] if d != NONE]
            assert documents == list(run[query].documents) == list(found.best[i][query])
    offsets = block["judged"]["offsets"]
    ranks = block["judged"]["ranks"].reshape(3, -1)
    qrels = made.data.dataset.qrels
    for j, query in enumerate(group.queries):
        for at in range(offsets[j], offsets[j + 1]):
            document = found.documents[block["judged"]["documents"][at]]
            assert block["judged"]["grades"][at] == qrels[query][document]
            best = list(found.best[1][query])
            assert ranks[1, at] == (best.index(document) + 1 if document in best else 0)
    known = read_ranks(group.cells[1].measured.folder / "ranks.tsv.gz")
    kept = block["relevant"][1]
    assert kept["relevant"].tolist() == [known[q].relevant for q in group.queries]
    assert kept["ranks"].tolist() == [rank for q in group.queries for rank in known[q].found]


def test_rankings_without_the_collection(group):
    found = rankings(group, Data(missing="not here"), MEASURES)
    assert found.block["texts"] is None
    assert found.block["judged"] is None
    assert found.documents


def test_rankings_without_a_run(group):
    cells = tuple(replace(c, measured=replace(c.measured, folder=None)) for c in group.cells)
    found = rankings(replace(group, cells=cells), Data(), MEASURES)
    assert (found.block["top"] == NONE).all()
    assert found.block["relevant"] == [None, None, None]


def test_texts_of_the_queries_on_which_systems_differ_most(made, group):
    found = rankings(group, made.data, MEASURES)
    everything = texts(group, found, made.data.dataset.corpus, 10**9)
    assert everything["queries"].tolist() == list(range(12))
    assert len(everything["texts"]) == len(everything["documents"])
    total = sum(len(t) + len(x) for t, x in zip(everything["titles"], everything["texts"], strict=True))
    some = texts(group, found, made.data.dataset.corpus, total // 3)
    assert 0 < len(some["queries"]) < 12
    assert by_disagreement(group)[0] in some["queries"].tolist()
    assert sum(len(t) + len(x) for t, x in zip(some["titles"], some["texts"], strict=True)) <= total // 3
    assert texts(group, found, made.data.dataset.corpus, 0)["queries"].tolist() == []


def test_a_long_text_is_cut_and_a_missing_document_is_left_out(made, group):
    found = rankings(group, made.data, MEASURES)
    long = Corpus("long", "long", lambda: iter([Document("d1", "word " * 2000), Document("d2", "")]), 2)
    seen = texts(group, found, long, 10**9)
    assert max(map(len, seen["texts"])) <= 2002
    assert {found.documents[d] for d in seen["documents"]} <= {"d1", "d2"}


def test_expansions_say_of_which_text_they_are():
    why = [Match("tide", 1, 2, 2, added_to=("document",)), Match("sea", 1, 2, 2, added_to=())]
    assert _evidence(why) == [["tide", 1, 2, 2, ["document"]], ["sea", 1, 2, 2]]


def test_explanations_of_the_ten_best_and_the_judged(made, group):
    found = rankings(group, made.data, MEASURES)
    shown = texts(group, found, made.data.dataset.corpus, 10**9)
    asked = []

    def explain(query, documents):
        asked.append((query, tuple(documents)))
        return made.explainers["bm25"](query, documents)

    why = explanations(group, found, {"bm25": explain, "another": explain}, shown)
    assert list(why) == ["bm25"]
    assert why["bm25"]["kind"] == "terms"
    assert len(asked) == len(why["bm25"]["queries"]) == 12
    query, documents = asked[0]
    assert query == found.texts["q0"]
    assert set(documents) == {*found.best[0]["q0"], *found.judged["q0"]}
    matches = why["bm25"]["queries"]["0"][str(found.documents.index(documents[0]))]
    assert matches[0] == [query.split()[0], 1.0, 2.0, 2.0]
