"""Why a document matched by its token vectors: the tokens side by side and the heat map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reports.html.synthetic import MEASURES, make_up

from ir_bench.reports.html import explanations as module
from ir_bench.reports.html.cells import grouped
from ir_bench.reports.html.explanations import explanations
from ir_bench.reports.html.page import page
from ir_bench.reports.html.rankings import rankings
from ir_bench.reports.html.texts import texts
from ir_bench.types import Alignment


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_up(tmp_path_factory.mktemp("made"), systems=2, queries=6, documents=60)


def aligned(query: str, documents) -> dict[str, Alignment]:
    terms = query.split()
    similarities = np.linspace(-0.2, 0.9, len(terms) * 3, dtype=np.float32).reshape(len(terms), 3)
    return {d: Alignment(terms, ["[CLS]", "<b>", d], similarities) for d in documents}


def test_tokens_of_a_few_documents_of_the_queries_that_differ_most(made, monkeypatch):
    group = grouped(made.measured)[0]
    found = rankings(group, made.data, MEASURES)
    shown = texts(group, found, made.data.dataset.corpus, 10**9)
    monkeypatch.setattr(module, "ALIGNED_QUERIES", 4)
    why = explanations(group, found, {"bm25": aligned}, shown)["bm25"]
    assert why["kind"] == "tokens"
    assert len(why["queries"]) == 4
    for query, of_documents in why["queries"].items():
        assert 1 <= len(of_documents) <= module.ALIGNED_OWN + module.ALIGNED_JUDGED
        terms = found.texts[f"q{query}"].split()
        for number, evidence in of_documents.items():
            assert evidence["query"] == terms
            assert evidence["document"][2] == found.documents[int(number)]
            assert [j for j, _ in evidence["best"]] == [2] * len(terms)
            assert evidence["best"][-1][1] == pytest.approx(0.9)
            assert evidence["heat"][0][0] == -20


def test_documents_and_queries_without_tokens(made):
    nothing = Alignment(["a"], [], np.zeros((1, 0), np.float32))
    assert module._evidence(nothing)["best"] == []
    assert module._evidence(Alignment([], ["a"], np.zeros((0, 1), np.float32)))["best"] == []


def partly_compared(query: str, documents) -> dict[str, Alignment]:
    """The first token of a query compared with the second of a document alone, the others imputed."""
    terms = query.split()
    similarities = np.full((len(terms), 2), np.nan, np.float32)
    similarities[0, 1] = 0.5
    imputed = np.full(len(terms), 0.25, np.float32)
    return {d: Alignment(terms, ["x", "y"], similarities, imputed, 0.5, {"score of text": 0.125}) for d in documents}


def test_tokens_that_were_not_compared_and_what_is_added():
    why = partly_compared("a b", ["d"])["d"]
    assert module._evidence(why) == {
        "query": ["a", "b"],
        "document": ["x", "y"],
        "best": [[1, 0.25], [-1, 0.125]],
        "heat": [[None, 50], [None, None]],
        "added": [["score of text", 0.125]],
    }
    nothing = module._evidence(replace(why, similarities=np.full((2, 2), np.nan), added={}))
    assert nothing["best"] == []
    assert "added" not in nothing


def first_document(open_page, made, tmp_path, why):
    """The page of a query, with the reasons for its first document shown."""
    path = tmp_path / "report.html"
    path.write_text(page(grouped(made.measured), {"made/up": made.data}, {"made/up": {"bm25": why}}))
    opened = open_page(path)
    opened.click("#query-table tbody button.link")
    opened.wait_for_selector("#detail .ranking li summary")
    opened.click("#detail .ranking li summary")
    opened.wait_for_selector("#detail .ranking li .why tbody tr")
    return opened


def test_the_page_shows_what_is_imputed_and_added_and_no_cell_where_tokens_were_not_compared(open_page, made, tmp_path):
    opened = first_document(open_page, made, tmp_path, partly_compared)
    rows = opened.locator("#detail .ranking li .why").first.locator("tbody tr")
    shown = [rows.nth(i).locator("th, td").all_inner_texts()[:3] for i in range(rows.count())]
    assert shown[0][1:] == ["y", "0.250"]
    assert all(cells[1:] == ["imputed", "0.125"] for cells in shown[1:-1])
    assert shown[-1] == ["score of text", "", "0.125"]
    opened.locator("#detail .heat-map summary").first.click()
    assert opened.locator("#detail .heat").first.locator("rect").count() == 1


def test_the_page_shows_tokens_and_their_heat_map(open_page, made, tmp_path):
    opened = first_document(open_page, made, tmp_path, aligned)
    why = opened.locator("#detail .ranking li .why").first
    assert "Why bm25 matched" in why.inner_text()
    cells = why.locator("tbody tr").last.locator("th, td")
    assert cells.nth(1).inner_text().startswith("d")
    assert cells.nth(2).inner_text() == "0.900"
    opened.locator("#detail .heat-map summary").first.click()
    drawing = opened.locator("#detail .heat").first
    words = why.locator("tbody tr").count()
    assert drawing.locator("rect").count() == 3 * words
    assert drawing.locator("rect.nearest").count() == words
    drawing.locator("rect").nth(1).hover()
    opened.wait_for_function("() => document.querySelector('#detail .heat-map p').innerText.includes('× <b>')")
