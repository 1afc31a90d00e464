"""Shared by all tests: configuration to objects, and the real collections where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from ir_bench.store import Store

# A time limit for each example would fail on a busy machine. Where the environment says CI, the same examples each
# time: what is found there must be found again by whoever looks.
settings.register_profile("ir_bench", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ir_bench")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real collections. Tests that need it are skipped where IR_BENCH_DATA does not name one."""
    folder = os.environ.get("IR_BENCH_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("IR_BENCH_DATA does not name a folder of real collections")
    return Path(folder)


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's own cache."""
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
