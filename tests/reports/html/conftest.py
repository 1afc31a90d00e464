"""A headless browser, where one is found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("IR_BENCH_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH, and IR_BENCH_BROWSER names none")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opening(browser: Browser) -> Iterator[Open]:
    """Opens a file and waits until its queries are listed. Errors, dialogs and requests that leave the disk fail the
    test at its end. `figures`: whether they are drawn."""
    problems: list[str] = []
    contexts = []

    def opened(
        path: Path, address: str = "", width: int = 1400, scheme: str = "light", figures: bool = False
    ) -> Page:  # fmt: skip
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        if not figures:  # which take most of the time, are drawn when they come into view
            context.add_init_script("window.IntersectionObserver = class { observe() {} };")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("console", lambda said: problems.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
        page.goto(f"file://{path}{address}")
        page.wait_for_selector("#query-table tbody tr")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    with opening(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_once(browser: Browser) -> Iterator[Open]:
    """For what several tests look at, because drawing figures takes long."""
    with opening(browser) as opened:
        yield opened


@pytest.fixture
def script() -> Callable[[str], str]:
    """The text of one of the page's scripts."""
    return lambda name: (resources.files("ir_bench.reports.html") / f"{name}.js").read_text(encoding="utf-8")
