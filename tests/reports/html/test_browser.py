"""The page as a reader uses it, in a headless browser."""

from __future__ import annotations

import re

import pytest
from reports.html.synthetic import make_up

from ir_bench.reports.html.cells import grouped
from ir_bench.reports.html.data import Data, Published, Source
from ir_bench.reports.html.page import page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_up(tmp_path_factory.mktemp("made"), systems=5, queries=60, documents=400)


@pytest.fixture(scope="module")
def report(made, tmp_path_factory):
    """Two datasets; on the first one the texts are at hand, on the other not."""
    other = make_up(tmp_path_factory.mktemp("other"), systems=2, queries=8, documents=60, name="other/set", seed=8)
    published = {
        ("bm25", "nDCG@10"): Published("0.2500", "within noise", "a-table"),
        ("system-1", "AP"): Published("0.1", "differs", "another"),
    }
    known = Data(
        made.data.dataset, "", made.data.about, published, {"bm25": [Source("Made", "Somebody 1999, A Paper.")]}
    )
    groups = grouped([*made.measured, *other.measured])
    text = page(
        groups,
        {"made/up": known, "other/set": Data(missing="The collection was not there.")},
        {"made/up": made.explainers},
        date="2026-01-01",
        version="0.1.0",
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def with_figures(open_once, report):
    return open_once(report, figures=True)


def systems(page) -> list[str]:
    return [cell.inner_text().strip() for cell in page.query_selector_all("#table tbody th")]


def listed(page) -> list[str]:
    return [button.inner_text() for button in page.query_selector_all("#query-table tbody button.link")]


def drawn(page, *names: str) -> None:
    """Waits until these figures have been drawn."""
    for name in names:
        page.locator(f"#{name}-figure").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name}-figure .plot[data-drawn] .main-svg")


def choose(page, a: str, b: str) -> None:
    page.select_option("#choose-a", a)
    page.select_option("#choose-b", b)
    page.wait_for_selector("#verdict .verdict[data-ready=yes]")


def test_opens_with_all_its_figures(with_figures):
    page = with_figures
    drawn(page, "front", "scatter", "bars", "precision", "recall")
    assert page.inner_text("h1") == "5 retrieval systems on 2 datasets"
    assert "Not beaten on both: " in page.inner_text("#front-figure")
    page.click("#front-figure summary")
    page.wait_for_selector("#front-figure tbody tr")  # the toggle event comes after the click
    rows = page.query_selector_all("#front-figure tbody tr")
    assert [row.query_selector("td").inner_text() for row in rows] == ["bm25", *(f"system-{i}" for i in range(1, 5))]


def test_the_table_shows_intervals_and_verdicts_and_sorts(open_page, report, made):
    page = open_page(report)
    cell = page.locator("#table tbody tr", has_text="bm25").first.locator(".measure").first.inner_text()
    mean = made.measured[0].means["nDCG@10"]
    assert cell.startswith(f"{mean:.4f}")
    assert re.search(r"\[0\.\d{3}, 0\.\d{3}\]", cell)
    assert "≈ 0.2500 within noise" in cell
    assert page.get_attribute("#table .said.within-noise", "title") == "published 0.2500, table a-table"
    page.click("#table [data-key='p50']")
    assert systems(page)[:2] == ["bm25", "bm25"]
    assert page.get_attribute("#table th[aria-sort=ascending] button", "data-key") == "p50"
    page.click("#table [data-key='p50']")
    assert systems(page)[0] == "system-4"
    assert page.get_attribute("#table th[aria-sort=descending] button", "data-key") == "p50"
    page.click("#table [data-key='verdict']")
    assert systems(page)[:2] == ["system-1", "bm25"]
    page.click("#table [data-key='nDCG@10']")
    values = [float(t.split()[0]) for t in page.locator("#table tbody tr .measure:nth-child(4)").all_inner_texts()]
    assert values == sorted(values, reverse=True)


def test_the_table_is_filtered_and_shows_other_measures(open_page, report):
    page = open_page(report)
    page.fill("#filter-systems", "other bm25")
    assert systems(page) == ["bm25"]
    assert page.inner_text("#count-systems") == "1 row"
    page.fill("#filter-systems", "differs")
    assert systems(page) == ["system-1"]
    page.fill("#filter-systems", "nothing like it")
    assert "No system has these words." in page.inner_text("#table")
    page.fill("#filter-systems", "")
    assert "RR@10" not in page.inner_text("#table thead")
    page.click(".columns summary")
    page.check("#columns label:has-text('RR@10') input")
    assert "RR@10" in page.inner_text("#table thead")


def test_on_which_queries_does_a_beat_b(open_page, report, made):
    page = open_page(report)
    choose(page, "system-4", "bm25")
    a, b = (made.measured[i].per_query["nDCG@10"] for i in (4, 0))
    wins = {q for q in a if a[q] > b[q]}
    said = " ".join(page.inner_text("#verdict").split())
    assert f"better than system-4 (A) on {sum(b[q] > a[q] for q in a)} quer" in said
    assert f"worse on {len(wins)}" in said
    assert re.search(r"interval \[.0\.\d+, .0\.\d+\], randomisation test p [=<] 0\.\d+", said)
    page.check("#sides input[value=a]")
    page.click("#query-table [data-key=a]")
    assert len(listed(page)) == min(50, len(wins))
    assert set(listed(page)) <= wins
    page.click("#query-table [data-key=difference]")
    differences = [b[q] - a[q] for q in listed(page)]
    assert differences == sorted(differences, reverse=True)
    query = listed(page)[-1]
    page.fill("#filter-queries", made.data.dataset.queries[query].upper())
    page.wait_for_function("() => document.querySelectorAll('#query-table tbody tr').length === 1")
    assert listed(page) == [query]
    page.check("#sides input[value=b]")
    assert listed(page) == []


def test_choosing_a_row_of_the_table_and_the_same_system_twice(open_page, report):
    page = open_page(report)
    page.click("#table tbody tr:has-text('system-2') th")
    assert page.input_value("#choose-b") == "system-2"
    page.select_option("#choose-a", "system-2")  # A and B change places rather than be the same
    assert page.input_value("#choose-b") != "system-2"
    page.click("#table tbody tr:has-text('system-3') [data-side=a]")
    assert page.input_value("#choose-a") == "system-3"


def test_a_query_with_both_rankings_judgments_and_terms(open_page, report, made):
    page = open_page(report)
    choose(page, "bm25", "system-4")
    query = listed(page)[0]
    page.click("#query-table tbody tr td.text")
    detail = page.wait_for_selector("#detail[open]")
    text = made.data.dataset.queries[query]
    assert page.inner_text("#detail-title") == text
    assert [h.inner_text().strip() for h in page.query_selector_all("#detail .ranking h4")] == [
        "bm25 (A)",
        "system-4 (B)",
    ]
    for side, i in enumerate((0, 4)):
        documents = made.measured[i].ranking()[query].documents
        items = page.query_selector_all(f"#detail .ranking:nth-child({side + 1}) li")
        assert len(items) == len(documents)
    judged = made.data.dataset.qrels[query]
    assert len(page.query_selector_all("#detail .judged tbody tr")) >= sum(grade > 0 for grade in judged.values())
    page.click("#detail .ranking li summary")
    page.wait_for_selector("#detail .ranking li .why tbody tr")
    opened = page.inner_text("#detail .ranking li .document")
    first = made.measured[0].ranking()[query].documents[0]
    assert f"document {first}" in opened
    assert "bm25: rank 1" in opened
    assert "Why bm25 matched" in opened
    assert "system-4: no terms to show" in opened
    terms = [row.inner_text().split() for row in page.query_selector_all("#detail .ranking li .why tbody tr")]
    asked = list(enumerate(text.split(), 1))
    assert terms == [[term, "1", "2", f"{2 / n:.3f}", *(["document"] if n == 2 else [])] for n, term in asked]
    assert "expansion of" in page.inner_text("#detail .ranking li .why thead")
    document = next(d for d in made.data.dataset.corpus if d.id == first)
    marked = {m.inner_text() for m in page.query_selector_all("#detail .ranking li mark")}
    assert marked == {w for w in document.text.split() if any(w.startswith(re.sub("i$", "", t)) for t in text.split())}
    strip = page.get_attribute("#detail .strips tbody tr:first-child svg[role=img]", "aria-label")
    assert strip.startswith(("relevant at ranks", "nothing relevant"))
    assert page.inner_text("#detail .detail-head p").endswith("1 of 60")
    page.keyboard.press("j")
    page.wait_for_function("() => document.querySelector('#detail .detail-head p').innerText.endsWith('2 of 60')")
    page.click("#detail [data-step=all]")
    page.wait_for_function("() => document.querySelectorAll('#detail .ranking').length > 2")
    assert len(page.query_selector_all("#detail .ranking")) == 5
    page.keyboard.press("Escape")
    page.wait_for_selector("#detail", state="hidden")
    assert not detail.is_visible()


def test_one_point_of_the_scatter_lists_its_queries(with_figures, made):
    page = with_figures
    choose(page, "bm25", "system-4")
    drawn(page, "scatter")
    found = page.evaluate("""() => {
        const plot = document.querySelector('#scatter-figure .plot');
        plot.emit('plotly_click', {points: [{customdata: 0}]});
        return plot.data[1].x.length;
    }""")
    a, b = (made.measured[i].per_query["nDCG@10"] for i in (0, 4))
    places: dict[tuple[float, float], set[str]] = {}
    for q in a:
        places.setdefault((round(a[q], 4), round(b[q], 4)), set()).add(q)
    assert found == len(places)
    assert len(listed(page)) == max(map(len, places.values()))
    assert set(listed(page)) in places.values()
    page.click("#picked button")
    assert page.inner_text("#count-queries") == "60 queries"


def test_by_keyboard_alone(open_page, report):
    page = open_page(report)

    def tab_to(selector: str, most: int = 80) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached with {most} tabs")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "systems-title"
    tab_to("#table [data-key='AP']")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('th').ariaSort") == "descending"
    tab_to("#table [data-side=b]")
    page.keyboard.press("Space")
    tab_to("#query-table button.link", 120)
    query = page.evaluate("document.activeElement.dataset.query")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[open]")
    assert page.evaluate("document.activeElement.id") == "detail-title"
    tab_to("#detail .ranking summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail .ranking .document")
    page.keyboard.press("Escape")
    page.wait_for_selector("#detail", state="hidden")
    assert page.evaluate("document.activeElement.dataset.query") == query


def test_the_address_brings_it_back(open_page, report):
    page = open_page(report)
    choose(page, "system-2", "system-3")
    page.select_option("#choose-measure", "AP")
    page.click("#query-table tbody button.link >> nth=2")
    page.wait_for_selector("#detail[open]")
    address, title = page.evaluate("location.hash"), page.inner_text("#detail-title")
    again = open_page(report, address)
    again.wait_for_selector("#detail[open]")
    assert again.inner_text("#detail-title") == title
    chosen = [again.input_value(f"#choose-{what}") for what in ("measure", "a", "b")]
    assert chosen == ["AP", "system-2", "system-3"]
    again.keyboard.press("Escape")
    again.click(".jump a:has-text('Curves')")
    assert again.evaluate("document.activeElement.id") == "curves-title"
    assert "measure=AP" in again.evaluate("location.hash")


def test_an_address_that_names_nothing_here(open_page, report):
    page = open_page(report, "#no%2Fsuch/q1?a=x&measure=y")
    assert page.inner_text("#choose-group option:checked") == "made/up"
    page = open_page(report, "#made%2Fup/no-such-query?b=nobody&measure=nothing")
    assert not page.is_visible("#detail")


def test_a_dataset_whose_collection_is_not_at_hand(open_page, report):
    page = open_page(report, "#other%2Fset")
    assert "text not at hand" in page.inner_text("#query-table")
    assert "The collection was not there." in page.inner_text("#settings")
    page.click("#query-table tbody button.link")
    page.wait_for_selector("#detail[open]")
    page.click("#detail .ranking summary")
    assert "The text of this document is not in this file." in page.inner_text("#detail .ranking .document")


def test_how_it_was_measured_and_what_to_cite(open_page, report):
    page = open_page(report)
    page.click("#settings summary:has-text('bm25')")
    said = page.inner_text("#settings")
    assert "ir-bench run dataset=made/up retriever=bm25" in said
    assert "processor: made up" in said
    assert "Made: Somebody 1999, A Paper." in said
    assert "ir_measures" in said
    assert page.get_attribute("#settings .sources a", "href") == "https://example.org/made-up"


CONTRAST = """selectors => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = colour => colour.slice(0, 3).map(v => linear(v / 255))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = node => { for (; node; node = node.parentElement) {
        const found = rgb(getComputedStyle(node).backgroundColor); if (found[3] === 255) return found; } };
    return Object.fromEntries(selectors.map(selector => {
        const node = document.querySelector(selector), own = rgb(getComputedStyle(node).color);
        const l = [light(own), light(ground(node))];
        return [selector, (Math.max(...l) + 0.05) / (Math.min(...l) + 0.05)];
    }));
}"""
MAIN_TEXT = [
    "h1", ".lead", ".jump a", "#table thead button", "#table tbody th", "#table td.measure", "#table .measure small",
    "#table .said.within-noise", "#table .said.differs", "#table .cost", "#table .side",
    "#table .side[aria-pressed=true]",
    ".note", "#verdict .verdict", "#query-table td.text", "#query-table button.link", "#choose-a", "label", "#foot p",
    "#detail-title", "#detail .rank", "#detail .grade", "#detail .grade.relevant", "#detail .ranking .name",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(open_page, report, scheme):
    page = open_page(report, scheme=scheme)
    for button in page.query_selector_all("#query-table button.link")[:20]:
        button.click()
        page.wait_for_selector("#detail[open]")
        if page.query_selector("#detail .grade.relevant"):
            break
        page.keyboard.press("Escape")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") in ("normal", scheme)
    found = page.evaluate(CONTRAST, MAIN_TEXT)
    assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}


def test_the_theme_is_chosen_and_the_figures_follow(with_figures):
    page = with_figures
    ground = "getComputedStyle(document.body).backgroundColor"
    light, before = page.evaluate(ground), page.get_attribute("#front-figure .plot", "data-drawn")
    page.click("#theme")
    assert page.evaluate(ground) != light
    page.wait_for_selector(f"#front-figure .plot:not([data-drawn='{before}'])")
    page.click("#theme")
    assert page.evaluate(ground) == light


def test_nothing_is_wider_than_a_narrow_screen(open_page, report):
    page = open_page(report, figures=True, width=420)
    drawn(page, "front", "scatter", "bars", "precision", "recall")
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    page.click("#query-table tbody button.link")
    page.wait_for_selector("#detail[open]")
    page.click("#detail .ranking summary")
    assert page.evaluate("(d => d.scrollWidth - d.clientWidth)(document.querySelector('#detail'))") == 0
