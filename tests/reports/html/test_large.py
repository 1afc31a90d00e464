"""Twenty systems over seven thousand queries: made and used in bearable time."""

from __future__ import annotations

import time

import pytest
from reports.html.synthetic import make_up

from ir_bench.reports.html.cells import grouped
from ir_bench.reports.html.page import page

pytestmark = pytest.mark.slow

# Bounds are several times what two cores need when nothing else runs.
MAKE_S, SIZE_MB, READY_S, CLICK_S = 180, 20, 15, 4


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    made = make_up(tmp_path_factory.mktemp("made"), systems=20, queries=7000, documents=100_000)
    begin = time.perf_counter()
    text = page(grouped(made.measured), {"made/up": made.data}, {"made/up": made.explainers})
    assert time.perf_counter() - begin < MAKE_S
    assert len(text) < SIZE_MB * 1e6
    path = tmp_path_factory.mktemp("report") / "large.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_twenty_systems_and_seven_thousand_queries(report, open_page):
    begin = time.perf_counter()
    page = open_page(report, figures=True)
    assert time.perf_counter() - begin < READY_S

    def quick(selector: str, then: str) -> None:
        begin = time.perf_counter()
        page.click(selector)
        page.wait_for_selector(then)
        assert time.perf_counter() - begin < CLICK_S, selector

    page.locator("#scatter-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#bars-figure .plot[data-drawn]")
    quick("#table [data-key=AP]", "#table th[aria-sort=descending] [data-key=AP]")
    quick("#table tbody tr:nth-child(9) [data-side=b]", "#table tbody tr:nth-child(9) [data-side=b][aria-pressed=true]")
    quick("#sides input[value=b]", "#query-table tbody tr")
    quick("#query-table tbody button.link", "#detail[open]")
    quick("#detail [data-step=next]", "#detail .detail-head p:has-text('2 of')")
    quick("#detail [data-step=all]", "#detail .ranking:nth-child(20)")
