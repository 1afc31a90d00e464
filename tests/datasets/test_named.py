"""Named benchmarks: found here, found in the cache, downloaded, or refused with everything one needs to know."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ir_bench.datasets.download import Download
from ir_bench.datasets.named import Named
from ir_bench.errors import InputError


def owls(**settings: Any) -> Named:
    return Named(name="beir/owls", folders=["beir/owls", "owls"], **settings)


def archive_of(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return packed.getvalue()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IR_BENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def download_of(server: Any, folder: Path) -> dict[str, Download]:
    server.content = archive_of(folder)
    md5 = hashlib.md5(server.content).hexdigest()
    return {"archive": Download(urls=[f"{server.address}/owls.zip"], folder="beir/owls", md5=md5, size_bytes=1000)}


@pytest.mark.parametrize("place", ["data/owls", "data/beir/owls", "cache/datasets/beir/owls", "cache/datasets/owls"])
def test_it_is_found(beir_folder: Callable[..., Path], data: Path, tmp_path: Path, place: str) -> None:
    folder = beir_folder(place)
    assert owls().locate() == folder == tmp_path / place
    dataset = owls(documents=3).load()
    assert (dataset.name, dataset.corpus.name, dataset.corpus.size) == ("beir/owls", "beir/owls", 3)
    assert [document.id for document in dataset.corpus] == ["d1", "d2", "d3"]
    assert [path.name for path in owls().files()] == ["corpus.jsonl", "queries.jsonl", "test.tsv"]


def test_ones_own_folder_comes_before_the_cache(beir_folder: Callable[..., Path], data: Path) -> None:
    beir_folder("cache/datasets/beir/owls", documents=[{"_id": "cached", "text": "t"}])
    beir_folder("data/owls", documents=[{"_id": "own", "text": "t"}])
    assert [document.id for document in owls().load().corpus] == ["own"]


def test_several_data_folders(
    beir_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = beir_folder("second/owls")
    monkeypatch.setenv("IR_BENCH_DATA", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    assert owls().locate() == folder


def test_judgments_are_read_where_the_corpus_is_not(beir_folder: Callable[..., Path], data: Path) -> None:
    (beir_folder("data/owls") / "corpus.jsonl").unlink()
    dataset = owls().load()
    assert len(dataset.qrels) == len(dataset.queries) == 2
    assert owls().locate() is None


def test_truncated_judgments_are_refused(beir_folder: Callable[..., Path], data: Path) -> None:
    qrels = beir_folder("data/owls") / "qrels" / "test.tsv"
    whole = owls(judgments={"test": 3}).load().qrels
    assert sum(map(len, whole.values())) == 3
    qrels.write_text("".join(qrels.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(
        InputError, match=r"test.tsv holds 2 judgments of split 'test'\nExpected: the 3 that beir/owls was"
    ):
        _ = owls(judgments={"test": 3}).load().qrels
    assert len(owls(judgments={"dev": 3}).load().qrels)  # another split's number says nothing


def test_a_split_that_does_not_exist_is_not_downloaded(
    beir_folder: Callable[..., Path], data: Path, server: Any
) -> None:
    folder = beir_folder("data/owls")
    with pytest.raises(InputError, match="beir/owls has no split 'dev'") as raised:
        _ = owls(split="dev", downloads=download_of(server, folder)).load().qrels
    assert raised.value.expected == "one of: test"
    assert server.requests == []


def test_download_unpack_read(beir_folder: Callable[..., Path], data: Path, server: Any, tmp_path: Path) -> None:
    source = owls(downloads=download_of(server, beir_folder("elsewhere/owls")))
    assert source.locate() is None
    dataset = source.load()
    assert server.requests == []  # nothing happens before a part is used
    assert dataset.qrels["q1"] == {"d1": 2, "d2": 0}
    assert [document.id for document in dataset.corpus] == ["d1", "d2", "d3"]
    assert len(server.requests) == 1
    assert source.locate() == tmp_path / "cache/datasets/beir/owls"
    assert not list((tmp_path / "cache/datasets/beir").glob("*.zip"))


def test_an_unknown_split_after_the_download(beir_folder: Callable[..., Path], data: Path, server: Any) -> None:
    source = owls(split="dev", downloads=download_of(server, beir_folder("elsewhere/owls")))
    with pytest.raises(InputError, match="beir/owls has no split 'dev'"):
        _ = source.load().qrels


def test_two_at_once_download_once(beir_folder: Callable[..., Path], data: Path, server: Any) -> None:
    downloads = download_of(server, beir_folder("elsewhere/owls"))
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda _: len(list(owls(downloads=downloads).load().corpus)), range(4)))
    assert sizes == [3, 3, 3, 3]
    assert len(server.requests) == 1


def test_each_part_from_its_own_file(data: Path, server: Any, tmp_path: Path) -> None:
    """MS MARCO's layout: judgments alone are fetched when only they are needed, be other splits here or not."""
    here = data / "msmarco-passage"
    here.mkdir(parents=True)
    (here / "collection.tsv").write_bytes(b"17\ttext\n")
    (here / "qrels.dev.small.tsv").write_bytes(b"1\t0\t17\t1\n")
    server.content = b"19335 Q0 17 3\n"
    judgments = Download(
        urls=[f"{server.address}/pass.txt"],
        folder="msmarco-passage",
        md5=hashlib.md5(server.content).hexdigest(),
        provides=["qrels"],
        save_as="2019qrels-pass.txt",
    )
    other = Download(urls=[f"{server.address}/huge.tar.gz"], folder="msmarco-passage", md5="0", provides=["corpus"])
    source = Named(
        name="msmarco-passage/trec-dl-2019/judged",
        folders=["msmarco-passage"],
        split="trec-dl-2019",
        downloads={"collection": other, "judgments": judgments},
    )
    assert source.load().qrels == {"19335": {"17": 3}}
    assert [path for path, _ in server.requests] == ["/pass.txt"]
    assert (tmp_path / "cache/datasets/msmarco-passage/2019qrels-pass.txt").is_file()


@pytest.mark.parametrize("how", ["offline", "gone"])
def test_what_cannot_be_had_is_explained(
    beir_folder: Callable[..., Path], data: Path, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    downloads = download_of(server, beir_folder("elsewhere/owls"))
    if how == "offline":
        monkeypatch.setenv("IR_BENCH_OFFLINE", "1")
    server.script = ["404"]
    with pytest.raises(InputError) as raised:
        _ = owls(downloads=downloads).load().corpus
    message = str(raised.value)
    for told in (
        "beir/owls: no corpus found",
        str(tmp_path / "data/beir/owls"),
        str(tmp_path / "data/owls"),
        str(tmp_path / "cache/datasets/beir/owls"),
        "corpus.jsonl",
        f"{server.address}/owls.zip",
        "IR_BENCH_DATA",
    ):
        assert told in message


def test_a_collection_without_a_download_says_where_to_get_it(data: Path) -> None:
    with pytest.raises(InputError, match="beir/owls: no judgments of split test found") as raised:
        _ = owls(obtain="apply for it at the owlery").load().qrels
    assert raised.value.fix == "apply for it at the owlery"
    assert owls(obtain="apply for it at the owlery").describe_source() == "apply for it at the owlery"


def test_a_hostile_archive_is_not_unpacked(data: Path, server: Any, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../../evil.txt", "evil")
    server.content = packed.getvalue()
    downloads = {"archive": Download(urls=[f"{server.address}/owls.zip"], folder="beir/owls")}
    with pytest.raises(InputError, match="would lie outside the folder"):
        _ = owls(downloads=downloads).load().corpus
    assert not list(tmp_path.rglob("evil.txt"))
    assert not list(tmp_path.rglob("owls.zip"))  # the next call does not find it again


def test_the_source_in_words(server: Any, beir_folder: Callable[..., Path]) -> None:
    downloads = download_of(server, beir_folder("elsewhere/owls"))
    assert owls(downloads=downloads).describe_source() == f"{server.address}/owls.zip (0.0 MB)"
    assert owls(downloads=downloads).download_bytes() == 1000
    assert owls().download_bytes() is None
