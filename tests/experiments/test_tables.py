"""The tables of experiments/tables: form, datasets and commands; values where IR_BENCH_REFERENCE names their source."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from ir_bench.claims.command import split
from ir_bench.claims.paper_table import Cell, PaperTable, read_paper_table
from ir_bench.cli import experiments
from ir_bench.errors import InputError
from ir_bench.evaluation.names import parse

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted((ROOT / "experiments" / "tables").glob("*.yaml"))
REFERENCES = 146
# Columns whose dataset the source names in another way.
OTHERWISE = {
    ("beir-paper-holes", "beir/trec-covid"): "original",
    ("hypencoder-beir", "beir/webis-touche2020"): "webis-touche2020-v2",
}
FROM_RANKS = {"R_cap@100"}  # not a measure of ir_measures


@cache
def table(path: Path) -> PaperTable:
    return read_paper_table(path)


def cells() -> Iterator[tuple[str, Cell]]:
    for path in TABLES:
        for cell in table(path).cells:
            yield path.stem, cell


def retriever(command: str) -> str:
    return next(o for o in split(command) if o.startswith("retriever=")).removeprefix("retriever=")


def runnable() -> list[str]:
    """Every distinct retriever part of a command whose retriever exists, in the order of the tables."""
    known = {p.stem for p in (ROOT / "conf" / "retriever").glob("*.yaml")}
    parts = (" ".join(o for o in split(c.command) if not o.startswith("dataset")) for _, c in cells() if c.command)
    return [part for part in dict.fromkeys(parts) if retriever(part) in known]


def reference_folder() -> Path:
    folder = os.environ.get("IR_BENCH_REFERENCE")
    if not folder or not Path(folder).is_dir():
        pytest.skip("IR_BENCH_REFERENCE does not name the folder of the published values")
    return Path(folder)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_read_and_says_where_its_values_are_from(path: Path) -> None:
    content = table(path)
    assert all((content.title, content.tolerance > 0, content.tolerance_reason))
    assert {"title", "year", "authors"} <= set(content.paper)
    measures = {measure for source in content.sources for measure in source.measures}
    used = {measure for cell in content.cells for measure in cell.published}
    assert used == measures
    assert {cell.column for cell in content.cells} == set(content.columns)
    for source in content.sources:
        assert source.kind in ("primary", "paper text", "secondary")
        assert 2 <= source.decimals <= 6


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_row_has_values_or_figures_and_values_have_the_printed_digits(path: Path) -> None:
    content = table(path)
    for name, row in content.rows.items():
        assert row.get("published") or row.get("figures"), name
    for cell in content.cells:
        for measure, value in cell.published.items():
            digits = max(s.decimals for s in content.sources if measure in s.measures)
            assert digits == 3 or round(value, digits) == value, (cell.row, cell.column, measure)


def test_all_references_are_in_a_table() -> None:
    found = {source.reference for path in TABLES for source in table(path).sources}
    assert len(found) == REFERENCES


def test_every_dataset_of_a_column_exists() -> None:
    for path in TABLES:
        columns = yaml.safe_load(path.read_text(encoding="utf-8"))["columns"]
        for label, target in columns.items():
            if isinstance(target, str):
                name = split(target)[0].removeprefix("dataset=")
                assert (ROOT / "conf" / "dataset" / f"{name}.yaml").is_file(), (path.stem, label)
            else:
                assert set(target) in ({"average"}, {"reason"}), (path.stem, label)


def test_every_measure_is_known() -> None:
    for name in {measure for _, cell in cells() for measure in cell.published} - FROM_RANKS:
        parse(name)
    for name in FROM_RANKS:
        with pytest.raises(InputError, match="not understood"):
            parse(name)


def test_every_command_resolves() -> None:
    for part in runnable()[:: max(1, len(runnable()) // 12)]:
        experiments.resolve(f"dataset=beir/scifact {part}")


@pytest.mark.slow
def test_every_command_resolves_all() -> None:
    for part in runnable():
        experiments.resolve(f"dataset=beir/scifact {part}")


@pytest.mark.slow
def test_every_setting_of_a_dataset_composes() -> None:
    from ir_bench.cli.compose import compose

    own = {tuple(o for o in split(c.command) if o.startswith("dataset")) for _, c in cells() if c.command}
    for overrides in sorted(o for o in own if len(o) > 1):
        compose([*overrides, "retriever=bm25"])


def test_known_values_stand_where_they_belong() -> None:
    def published(name: str, row: str, column: str) -> dict[str, float]:
        return dict(table(ROOT / "experiments" / "tables" / f"{name}.yaml").rows[row]["published"][column])

    scifact = {"nDCG@10": 0.6789, "R@100": 0.9253, "R@1000": 0.9767}
    assert published("bm25-beir", "bm25-flat", "beir/scifact") == scifact
    assert published("bm25-beir", "bm25-flat-lucene", "beir/scifact") == scifact
    assert published("minilm-mteb", "all-MiniLM-L6-v2", "beir/nfcorpus")["nDCG@10"] == 0.31594
    assert published("cacm-anserini", "ql+rm3", "cacm-anserini") == {"AP": 0.3629, "P@30": 0.225}
    assert published("beir-paper", "BM25", "beir/arguana") == {"nDCG@10": 0.315}
    assert published("contriever-paper", "contriever", "beir/trec-covid") == {"nDCG@10": 0.274, "R_cap@100": 0.172}
    assert published("splade-v3-paper", "SPLADE-v3", "BEIR-13") == {"nDCG@10": 0.517}
    assert published("muvera", "FDE (20,5,16) dim 10240, ten seeds", "msmarco-passage/dev/small") == {
        "R@100": 0.8282,
        "R@1000": 0.9488,
    }


def test_the_same_source_value_is_reproduced_by_the_same_command() -> None:
    """BM25's flat row is in four tables of two toolkits: same values, same command."""
    rows = [("bm25-beir", "bm25-flat"), ("bm25-beir-anserini", "flat"), ("fusion-beir", "BM25")]
    found = [table(ROOT / "experiments" / "tables" / f"{name}.yaml").rows[row] for name, row in rows]
    assert all(row["cell"] == "retriever=bm25" for row in found)
    assert all(row["published"] == found[0]["published"] for row in found)


def test_the_tables_are_what_the_converter_writes(tmp_path: Path) -> None:
    folder = reference_folder()
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "convert_reference.py"), str(folder), str(tmp_path)],
        check=True,
        capture_output=True,
    )
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.yaml")}
    assert written == {path.name: path.read_text(encoding="utf-8") for path in TABLES}


def test_every_value_is_that_of_its_source_row_and_column() -> None:
    folder = reference_folder()
    renamed = {"bm25-flat-lucene": "bm25-flat", "bm25-lucene": "bm25"}
    checked = 0
    for path in TABLES:
        content = table(path)
        sources = [(source.measures, rows_of(folder, source.reference)) for source in content.sources]
        for cell in content.cells:
            column = source_column(cell.column)
            names = (renamed.get(cell.row, cell.row), f"sentence-transformers/{cell.row}")
            for measure, value in cell.published.items():
                found = [
                    rows[name][key]
                    for measures, rows in sources
                    if measure in measures
                    for name in names
                    if name in rows
                    for key in rows[name]
                    if key in (column, f"{prefix(measure)}:{column}", OTHERWISE.get((path.stem, cell.column)))
                ]
                assert column is None or value in found, (path.stem, cell.row, cell.column, measure)
                checked += column is not None
    assert checked > 12000


def test_every_value_of_the_sources_is_in_a_table() -> None:
    folder = reference_folder()
    kept: dict[str, Counter[float]] = {}
    for path in TABLES:
        content = table(path)
        for source in content.sources:
            counter = kept.setdefault(source.reference, Counter())
            for cell in content.cells:
                counter.update(value for measure, value in cell.published.items() if measure in source.measures)
            for row in content.rows.values():
                counter.update(value for value in (row.get("figures") or {}).values() if isinstance(value, float))
    for path in sorted(folder.glob("*.yaml")):
        own = Counter(value for row in rows_of(folder, path.stem).values() for value in row.values())
        assert not own - kept.get(path.stem, Counter()), path.stem


@cache
def rows_of(folder: Path, reference: str) -> dict[str, dict[str, float]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((folder / f"{reference}.yaml").read_text(encoding="utf-8"), loader)["rows"]


def source_column(label: str) -> str | None:
    """The sources' name of a column that is a dataset."""
    known = {"beir/msmarco": "msmarco-passage-dev", "msmarco-passage/dev/small": "msmarco-passage-dev"}
    if label in known:
        return known[label]
    if label.startswith("msmarco-passage/trec-dl-"):
        return label.removeprefix("msmarco-passage/").removesuffix("/judged")
    if label.startswith("beir/") and " " not in label:
        return label.removeprefix("beir/").replace("/", "-")
    return None


def prefix(measure: str) -> str:
    kind, at, cutoff = measure.partition("@")
    return {"RR": "mrr"}.get(kind, kind.lower()) + at + cutoff
