"""`ir-bench train` from the command line: a folder of one's own, a tiny checkpoint, a search with what was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from training.test_fit import WORDS
from typer.testing import CliRunner

from ir_bench.cli import app
from ir_bench.errors import InputError


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection of one's own: queries of one word, 24 to train on and 9 to test, documents that repeat it."""
    monkeypatch.setenv("IR_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "words"
    (folder / "qrels").mkdir(parents=True)
    documents = [(f"d{i}", WORDS[i % 9]) for i in range(36)]
    queries = [(f"q{i}", WORDS[i % 9], "train" if i < 24 else "test") for i in range(33)]
    (folder / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"_id": d, "title": "", "text": f"{word} the {d} a {word}"}) for d, word in documents)
    )
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": q, "text": f"{word} {q}"}) for q, word, _ in queries)
    )
    for split in ("train", "test"):
        judged = [f"{q}\t{d}\t1" for q, word, of in queries if of == split for d, other in documents if other == word]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]))
    return folder


def settings(words: Path, model: Path, **others: str) -> list[str]:
    given = {
        "recipe": "two_tower_head",
        "dataset": "local",
        "dataset.path": str(words),
        "model": str(model),
        "output": "mine",
        "recipe.held_out": "0.3",
        "recipe.stages.main.steps": "4",
        "recipe.stages.main.validate_every": "2",
        "recipe.stages.main.batch_size": "4",
        **others,
    }
    return ["train", *(f"{name}={value}" for name, value in given.items())]


def test_a_trained_head_is_written_told_and_searched_with(words: Path, checkpoint: Callable[..., Path]) -> None:
    model = checkpoint()
    said = call(*settings(words, model))
    assert "main: 4 steps over" in said
    assert "nDCG@10 on held-out queries" in said
    assert "the model is in mine" in said
    manifest = json.loads(Path("mine/training.json").read_text())
    assert list(manifest["data"]) == ["local"]
    assert manifest["data"]["local"]["train_queries"] == 24  # of 33: the others are of the test split
    written = Path("mine/training.json").stat().st_mtime_ns
    assert call(*settings(words, model)).strip() in said
    assert Path("mine/training.json").stat().st_mtime_ns == written  # a finished training is not repeated
    out = call(
        "run", "dataset=local", f"dataset.path={words}", "retriever=bi_encoder", "encoder.model=mine", "results=found"
    )
    assert "nDCG@10" in out


def test_another_training_does_not_overwrite_a_model(words: Path, checkpoint: Callable[..., Path]) -> None:
    model = checkpoint()
    call(*settings(words, model))
    with pytest.raises(InputError, match="holds a model of other settings"):
        call(*settings(words, model, seed="1"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recipe=dpr", "output=x"], "0 arguments name datasets"),
        (["recipe=dpr", "dataset=nothing", "output=x"], "there is no dataset 'nothing'"),
        (["recipe=nothing", "dataset=sample", "output=x"], "nothing"),
        (["recipe=dpr", "dataset=sample", "output=x"], "train"),  # the sample has no train split
    ],
)
def test_what_is_wrong_is_told(words: Path, arguments: list[str], told: str) -> None:
    with pytest.raises(InputError) as raised:
        call("train", *arguments)
    assert told in str(raised.value)


def test_without_arguments_it_shows_its_help() -> None:
    assert call("train") == call("train", "--help")
    for word in ("two_tower_head", "splade_idf_free", "dataset=NAME,NAME", "ir-bench train recipe="):
        assert word in call("train")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of these packages among themselves
@pytest.mark.parametrize("report", ["wandb", "mlflow"])
def test_other_reports_are_written_where_they_are_installed(
    words: Path, checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    """Without the package the training goes on without it."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    call(*settings(words, checkpoint(), reports=f"[{report}]"))
    assert Path("mine/modules.json").is_file()
    written = list(Path("wandb").glob("offline-run-*")) if report == "wandb" else list(Path().glob("runs.db"))
    assert bool(written) == (find_spec(report) is not None)
