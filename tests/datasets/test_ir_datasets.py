"""The ir_datasets package, with a small dataset of its own kind registered here; nothing is downloaded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ir_bench.datasets.ir_datasets import IrDatasets
from ir_bench.errors import InputError
from ir_bench.types import Document


class OnDisk:
    """What ir_datasets' readers ask of a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, force: bool = True) -> Path:
        return self.file

    def stream(self) -> io.BufferedReader:
        return open(self.file, "rb")


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, Path]]:
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "ir_datasets"))
    import ir_datasets
    from ir_datasets.datasets.base import Dataset
    from ir_datasets.formats import TrecQrels, TsvDocs, TsvQueries

    (tmp_path / "docs.tsv").write_bytes(b"7\tOwls hunt\n8\tby night\n")
    (tmp_path / "queries.tsv").write_bytes(b"q1\tbirds\nq2\tunjudged\n")
    (tmp_path / "qrels").write_bytes(b"q1 0 7 2\nq1 0 8 0\n")
    docs = TsvDocs(OnDisk(tmp_path / "docs.tsv"))
    parts = [docs, TsvQueries(OnDisk(tmp_path / "queries.tsv")), TrecQrels(OnDisk(tmp_path / "qrels"), {0: "", 2: ""})]
    names = ("ir-bench-test", "ir-bench-test/owls", "ir-bench-test/titled")
    ir_datasets.registry.register(names[0], Dataset(docs))
    ir_datasets.registry.register(names[1], Dataset(*parts))
    yield ir_datasets, tmp_path / "docs.tsv"
    for name in names:
        ir_datasets.registry._registered.pop(name, None)


def test_it_reads_what_the_package_gives(registered: object) -> None:
    dataset = IrDatasets("ir-bench-test/owls").load()
    assert dataset.name == "ir-bench-test/owls"
    assert list(dataset.corpus) == [Document("7", "Owls hunt"), Document("8", "by night")]
    assert dataset.queries == {"q1": "birds"}
    assert dataset.qrels == {"q1": {"7": 2, "8": 0}}
    assert list(IrDatasets("ir-bench-test/owls", judged_only=False).load().queries) == ["q1", "q2"]


def test_the_identity_follows_the_content(registered: tuple[ModuleType, Path]) -> None:
    docs = registered[1]
    first = IrDatasets("ir-bench-test/owls").load().corpus.identity
    assert IrDatasets("ir-bench-test").load().corpus.identity == first
    docs.write_bytes(b"7\tOwls hunt\n8\tby NIGHT\n")
    assert IrDatasets("ir-bench-test/owls").load().corpus.identity != first


def test_titles_stand_beside_the_text(registered: tuple[ModuleType, Path]) -> None:
    from ir_datasets.datasets.base import Dataset
    from ir_datasets.datasets.beir import BeirTitleDoc
    from ir_datasets.formats import BaseDocs

    class Docs(BaseDocs):
        def docs_iter(self) -> Iterator[BeirTitleDoc]:
            return iter([BeirTitleDoc("1", "They hunt.", "Owls"), BeirTitleDoc("2", "Text.", "")])

        def docs_cls(self) -> type:
            return BeirTitleDoc

        def docs_count(self) -> int:
            return 2

    registered[0].registry.register("ir-bench-test/titled", Dataset(Docs()))
    corpus = IrDatasets("ir-bench-test/titled").load().corpus
    assert list(corpus) == [Document("1", "They hunt.", "Owls"), Document("2", "Text.", "")]
    assert (corpus.size, len(corpus.identity)) == (2, 64)


def test_another_field_of_the_queries(registered: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert IrDatasets("ir-bench-test/owls", query_field="text").load().queries == {"q1": "birds"}
    with pytest.raises(InputError, match="have no field 'description'") as raised:
        _ = IrDatasets("ir-bench-test/owls", query_field="description").load().queries
    assert raised.value.expected == "one of: text"


def test_what_is_missing_is_named(registered: object) -> None:
    with pytest.raises(InputError, match="ir_datasets knows no dataset 'beir/owls'"):
        _ = IrDatasets("beir/owls").load().qrels
    with pytest.raises(InputError, match="'ir-bench-test' of ir_datasets has no qrels"):
        _ = IrDatasets("ir-bench-test").load().qrels


def test_nothing_happens_before_a_part_is_used() -> None:
    source = IrDatasets("no/such/id")
    assert source.load().name == "no/such/id"
    assert source.locate() is None
    assert SimpleNamespace(text=source.describe_source()).text == "ir_datasets, id no/such/id"
