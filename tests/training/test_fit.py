"""Training by a recipe on tiny checkpoints: heads, low-rank updates, everything; resumed, refused, written down."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training.build import Listed

from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.errors import InputError
from ir_bench.indexes.flat import FlatIndex
from ir_bench.store import Store
from ir_bench.training.alone import alone
from ir_bench.training.architectures.bi_encoder import BiEncoder
from ir_bench.training.architectures.late_interaction import LateInteraction
from ir_bench.training.architectures.two_tower import TwoTower
from ir_bench.training.callbacks import Progress
from ir_bench.training.checkpoints import full_disk_told, last_complete
from ir_bench.training.current import Current
from ir_bench.training.examples import TrainingText, training_text
from ir_bench.training.fit import Fit
from ir_bench.training.frozen import States, frozen, frozen_modules, made_once
from ir_bench.training.negatives.mined import Mined
from ir_bench.training.negatives.momentum_queue import MomentumQueue
from ir_bench.training.negatives.per_step_index import PerStepIndex
from ir_bench.training.negatives.random import Random
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.lambda_weighted import LambdaWeighted
from ir_bench.training.objectives.list_kl import ListKL
from ir_bench.training.objectives.vector_matching import VectorMatching
from ir_bench.training.objectives.weighted import Weighted
from ir_bench.training.pairs.labelled import Labelled
from ir_bench.training.prompts import prompt
from ir_bench.training.recipe import Recipe
from ir_bench.training.samplers.random import RandomBatches
from ir_bench.training.stage import Stage
from ir_bench.training.step import Step
from ir_bench.training.teachers.max_sim import MaxSim
from ir_bench.training.validation import MEASURE, Validation
from ir_bench.training.vector_teachers.encoders import Encoders
from ir_bench.types import Corpus, Dataset, Document

WORDS = ["cat", "dog", "mat", "wing", "flow", "air", "fast", "sat", "ran"]


def text(name: str = "words") -> TrainingText:
    """Queries of one word; the documents that repeat it are relevant."""
    generator = np.random.default_rng(0)
    documents = [
        Document(f"d{i}", " ".join([WORDS[i % 9], *generator.choice(["the", "a", "on"], 3), WORDS[i % 9]]))
        for i in range(36)
    ]
    queries = {f"q{i}": f"{WORDS[i % 9]} {'the ' * (i // 9)}".strip() for i in range(27)}
    qrels = {q: {f"d{i}": 1 for i in range(36) if WORDS[i % 9] == own.split()[0]} for q, own in queries.items()}
    where = Corpus(name, name, lambda: iter(documents), len(documents))
    return training_text(Dataset(name, lambda: where, lambda: queries, lambda: qrels, split="train"))


def stage(**settings: Any) -> Stage:
    usual = {"learns": "head", "steps": 12, "batch_size": 8, "learning_rate": 0.01, "validate_every": 4, "patience": 99}
    return Stage(Labelled(), Random(), RandomBatches(), Contrastive(), **{**usual, **settings})


def fit(folder: Path, model: Path, architecture: Any, of: Stage, texts: dict[str, TrainingText] | None = None) -> Fit:
    recipe = Recipe(architecture, {"only": of}, held_out=0.3)

    def no_retriever(path: Path) -> Any:
        raise AssertionError("nothing is mined")

    return Fit(recipe, str(model), texts or {"words": text()}, Store(folder / "cache"), folder / "out", no_retriever)


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {
        f"{path.parent.name}/{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def test_an_untrained_two_tower_is_its_checkpoint(model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    built, plain = TwoTower().build(str(model), []), SentenceTransformer(str(model), device="cpu")
    for mine in (built.encode_query(WORDS), built.encode_document(WORDS)):
        assert np.allclose(mine, plain.encode(WORDS, normalize_embeddings=True), atol=1e-6)


@pytest.mark.parametrize(
    ("architecture", "kind"), [(TwoTower(), "SentenceTransformer"), (LateInteraction(8), "MultiVectorEncoder")]
)
def test_a_head_learns_and_is_an_ordinary_folder(tmp_path: Path, model: Path, architecture: Any, kind: str) -> None:
    import sentence_transformers

    manifest = fit(tmp_path, model, architecture, stage(steps=60, validate_every=20)).run()
    steps = [step for step, _ in manifest["stages"]["only"]["validation"]]
    assert steps[:4] == [0, 20, 40, 60]
    losses = [loss for _, loss in manifest["stages"]["only"]["loss"]]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    logged = manifest["stages"]["only"]
    assert all(value > 0 for _, value in logged["gradient_norm"])
    kinds = ["positive_score", "negative_score", "batch_score"]
    positive, negative, batch = (np.mean([value for _, value in logged[kind][-3:]]) for kind in kinds)
    assert positive > max(negative, batch)  # it was trained to
    (events,) = (tmp_path / "out" / "logs" / "only").rglob("events*")
    assert all(f"train/{kind}".encode() in events.read_bytes() for kind in kinds)
    loaded = getattr(sentence_transformers, kind)(str(tmp_path / "out"), device="cpu")
    assert len(loaded.encode_query(["cat"])) == 1
    assert (tmp_path / "out" / "README.md").is_file()
    assert not list((tmp_path / "out").rglob("*.bin"))  # nothing pickled stays
    assert not list((tmp_path / "out").rglob("*.pt"))


@pytest.mark.parametrize("learns", ["head", "lora"])
def test_a_share_of_the_change_is_kept(tmp_path: Path, model: Path, learns: str) -> None:
    made = {}
    for share in (0.0, 0.25, 1.0):
        fit(tmp_path / str(share), model, TwoTower(), stage(learns=learns, mixing=share)).run()
        made[share] = weights(tmp_path / str(share) / "out")
    changed = [name for name, weight in made[1.0].items() if not torch.equal(weight, made[0.0][name])]
    assert changed
    for name, weight in made[0.25].items():
        torch.testing.assert_close(weight, made[0.0][name] + 0.25 * (made[1.0][name] - made[0.0][name]))
    towers = [weight for name, weight in made[0.0].items() if name.endswith("Dense/linear.weight")]
    assert len(towers) == 2
    assert all(torch.equal(weight, torch.eye(16)) for weight in towers)


def test_the_transformer_is_left_as_it_was(tmp_path: Path, model: Path) -> None:
    fit(tmp_path, model, TwoTower(), stage()).run()
    before, after = weights(model), weights(tmp_path / "out")
    own = {name.partition("/")[2]: value for name, value in before.items()}
    kept = {name.partition("/")[2]: value for name, value in after.items() if name.partition("/")[2] in own}
    assert len(kept) == len(own)
    assert all(torch.equal(kept[name], own[name]) for name in own)


@pytest.mark.parametrize(("architecture", "tolerance"), [(TwoTower(), 1e-5), (LateInteraction(8), 5e-3)])
def test_what_was_made_before_gives_the_vectors_of_the_texts(
    tmp_path: Path, model: Path, architecture: Any, tolerance: float
) -> None:
    built = architecture.build(str(model), ["the cat sat", "a dog ran on the mat"]).eval()
    modules = frozen_modules(built)
    texts = ["the cat sat on the mat", "dog", "a wing", ""]
    states = States([made_once(modules, str(model), texts, Store(tmp_path), "texts")])
    features = built.preprocess(texts)
    with torch.inference_mode():
        plain = built(dict(features), task="document")
        with frozen(modules):
            given = {**features, **states.features(range(4), features["input_ids"].shape[1])}
            cached = built(given, task="document")
    name = "sentence_embedding" if "sentence_embedding" in plain else "token_embeddings"
    mask = features["attention_mask"].bool() if name == "token_embeddings" else slice(None)
    assert torch.allclose(plain[name][mask], cached[name][mask], atol=tolerance)
    again = built(dict(features), task="document")[name]  # the modules work as before
    assert torch.allclose(again[mask], plain[name][mask])


@pytest.mark.parametrize("learns", ["lora", "all"])
def test_the_transformer_learns_and_stays_an_ordinary_one(tmp_path: Path, model: Path, learns: str) -> None:
    from sentence_transformers import SentenceTransformer

    of = stage(learns=learns, learning_rate=0.01, lora_rank=4)
    fit(tmp_path, model, BiEncoder(), of).run()
    before, after = weights(model), weights(tmp_path / "out")
    assert {n.partition("/")[2] for n in before} == {n.partition("/")[2] for n in after}
    named = {n.partition("/")[2]: value for n, value in after.items()}
    assert any(not torch.equal(value, named[n.partition("/")[2]]) for n, value in before.items())
    SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(["cat"])


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def kill(training: Fit, stage: str, step: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run it until a step of a stage, or (None) until the stage is trained and all but written down as such."""
    step_end = Progress.on_step_end

    def killing(self: Progress, args: Any, state: Any, control: Any, **settings: Any) -> None:
        step_end(self, args, state, control, **settings)
        if (self.name, state.global_step) == (stage, step):
            raise Killed

    def failing(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_step_end", killing)
        if step is None:
            patch.setattr("ir_bench.training.finished.keep", failing)
        with pytest.raises(Killed):
            training.run()


def same_weights(one: Fit, other: Fit) -> None:
    expected, found = weights(one.output), weights(other.output)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


@pytest.mark.parametrize(
    ("learns", "negatives"),
    [
        ("head", Random()),
        ("all", Random()),
        ("head", MomentumQueue(count=3, size=20, momentum=0.9)),
        ("lora", Random()),
        ("head", Mined(Listed(("d1", "d2", "d3")), refresh_every=3, last=9)),
        ("head", Mined(Listed(("d1", "d2", "d3")), refresh_every=4, last=9)),  # at the step of the checkpoint
        ("head", Mined(Listed(("d1", "d2", "d3")), refresh_every=2, last=9)),
    ],
    ids=["head", "all", "queue", "lora", "refreshed", "refreshed_and_saved", "refreshed_more_often"],
)
def test_a_killed_training_continues_to_the_same_weights(
    tmp_path: Path, model: Path, learns: str, negatives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = replace(stage(learns=learns, learning_rate=0.01), negatives=negatives)
    whole, broken = (fit(tmp_path / name, model, TwoTower(), of) for name in ("whole", "broken"))
    expected = whole.run()
    kill(broken, "only", 7, monkeypatch)
    checkpoints = (tmp_path / "broken" / "out" / "checkpoints" / "only").glob("checkpoint-*")
    assert [path.name for path in checkpoints] == ["checkpoint-4"]
    found = broken.run()
    assert found["stages"] == expected["stages"]
    same_weights(whole, broken)


def test_it_does_so_where_the_objective_learns_too(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = replace(stage(learning_rate=0.05), objective=Contrastive(learned=True))
    whole, broken = (fit(tmp_path / name, model, TwoTower(), of) for name in ("whole", "broken"))
    whole.run()
    kill(broken, "only", 7, monkeypatch)
    broken.run()
    same_weights(whole, broken)


@pytest.mark.parametrize("at", ["a step", "the end"])
def test_it_stops_as_early(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Four validations after the best; a count that began anew with the resumed training would take longer."""
    values = {2: 0.6, 4: 0.9, 6: 0.8, 8: 0.7, 10: 0.6, 12: 0.5}

    def score(self: Validation, model: Any, output_path: Any = None, epoch: int = -1, steps: int = -1) -> Any:
        return {MEASURE: values.get(steps, 0.95 if steps > 12 else 0.1)}

    monkeypatch.setattr(Validation, "__call__", score)
    of = stage(steps=20, validate_every=2, patience=4)
    whole, broken = (fit(tmp_path / name, model, TwoTower(), of) for name in ("whole", "broken"))
    assert whole.run()["stages"]["only"]["steps"] == 12
    kill(broken, "only", 9 if at == "a step" else None, monkeypatch)
    broken.run()
    same_weights(whole, broken)


def test_a_finished_stage_is_not_trained_further(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = stage(steps=8, validate_every=2, patience=1), stage(learning_rate=0.02)
    whole, broken = (
        replace(one, recipe=replace(one.recipe, stages={"first": first, "second": second}))
        for one in (fit(tmp_path / name, model, TwoTower(), first) for name in ("whole", "broken"))
    )
    expected = whole.run()
    kill(broken, "second", 7, monkeypatch)
    begun = []
    begin = Progress.on_train_begin

    def noting(self: Progress, *args: Any, **settings: Any) -> None:
        begun.append(self.name)
        begin(self, *args, **settings)

    monkeypatch.setattr(Progress, "on_train_begin", noting)
    assert broken.run()["stages"] == expected["stages"]
    assert begun == ["second"]
    same_weights(whole, broken)


def test_a_training_whose_last_checkpoint_is_its_end_is_finished_from_there(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a renewal of negatives at the last step, which nothing is drawn with any more."""
    of = replace(stage(), negatives=Mined(Listed(("d1", "d2", "d3")), refresh_every=4, last=9))
    whole, broken = (fit(tmp_path / name, model, TwoTower(), of) for name in ("whole", "broken"))
    whole.run()
    kill(broken, "only", None, monkeypatch)
    assert (tmp_path / "broken" / "out" / "checkpoints" / "only" / "checkpoint-12").is_dir()
    broken.run()
    same_weights(whole, broken)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_it_trains_where_it_is_told_and_on_a_gpu_where_there_is_one(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, device: str | None
) -> None:
    asked = []

    def of_process(setting: str) -> torch.device:
        asked.append(setting)
        return torch.device("cpu")

    monkeypatch.setattr("ir_bench.devices.of_process", of_process)
    replace(fit(tmp_path, model, TwoTower(), stage(steps=2)), device=device).run()
    assert asked == [device or "auto"]


def test_a_finished_training_is_not_repeated_and_another_is_refused(tmp_path: Path, model: Path) -> None:
    one = fit(tmp_path, model, TwoTower(), stage(steps=4))
    manifest = one.run()
    written = (tmp_path / "out" / "training.json").stat().st_mtime_ns
    assert one.run() == manifest
    assert (tmp_path / "out" / "training.json").stat().st_mtime_ns == written
    with pytest.raises(InputError, match="holds a model of other settings"):
        replace(one, seed=1).run()


def test_a_training_that_another_process_is_at_is_waited_for(
    tmp_path: Path, model: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fit(tmp_path, model, TwoTower(), stage(steps=4))
    manifest = one.run()
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    monkeypatch.setattr(Fit, "_run", None)  # nothing is trained again
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(one.run()))
    with alone(tmp_path / "out" / "checkpoints"):
        waiting.start()
        for _ in range(600):
            if "waiting for another process" in capfd.readouterr().err:
                break
            time.sleep(0.1)
        else:
            pytest.fail("it says nothing of waiting")
        assert waiting.is_alive()
        shutil.copytree(tmp_path / "elsewhere", tmp_path / "out", dirs_exist_ok=True)
    waiting.join()
    assert found == [manifest]
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_checkpoints_of_another_training_are_not_continued(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fit(tmp_path, model, TwoTower(), stage())
    kill(one, "only", 7, monkeypatch)
    with pytest.raises(InputError, match="checkpoints of other settings"):
        replace(one, seed=1).run()
    assert one.run()["stages"]["only"]["steps"] == 12


def test_several_collections_are_trained_on_together(tmp_path: Path, model: Path) -> None:
    manifest = fit(tmp_path, model, TwoTower(), stage(steps=4), {"one": text("one"), "two": text("two")}).run()
    alone = fit(tmp_path / "alone", model, TwoTower(), stage(steps=4)).run()
    assert manifest["stages"]["only"]["examples"] == 2 * alone["stages"]["only"]["examples"]


class Breaking(Contrastive):
    """Not a number from the sixth step on."""

    def __call__(self, step: Step) -> torch.Tensor:
        return super().__call__(step) * (float("nan") if step.number >= 5 else 1.0)


def test_a_loss_that_is_not_a_number_stops_it_and_the_last_checkpoint_stays(tmp_path: Path, model: Path) -> None:
    of = replace(stage(), objective=Breaking())
    with pytest.raises(InputError, match="step 5"):
        fit(tmp_path, model, TwoTower(), of).run()
    assert (tmp_path / "out" / "checkpoints" / "only" / "checkpoint-4").is_dir()
    assert not (tmp_path / "out" / "training.json").exists()


def test_a_model_without_a_head_cannot_learn_one(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="no module after its transformer that could learn"):
        fit(tmp_path, model, BiEncoder(), stage()).run()


def test_negatives_of_each_step_move_the_query_tower_alone(tmp_path: Path, model: Path) -> None:
    of = stage(steps=24, validate_every=12, in_batch=False, learning_rate=1e-3)
    of = replace(of, negatives=PerStepIndex(None, FlatIndex(), 8))
    of = replace(of, objective=LambdaWeighted())
    from sentence_transformers import SentenceTransformer

    fit(tmp_path, model, TwoTower(), of).run()
    words, before = text(), TwoTower().build(str(model), [])
    after = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    relevant = words.known(np.arange(len(words.queries)), np.arange(len(words.documents)))

    def margin(of: Any) -> float:
        """How much nearer to its positives a query is than to the nearest others."""
        scores = of.encode_query(words.queries) @ of.encode_document(words.documents).T
        nearest = np.sort(np.where(relevant, -9, scores), axis=1)[:, -8:]
        return float(scores[relevant].mean() - nearest.mean())

    assert margin(after) > margin(before)
    towers = {n: v for n, v in weights(tmp_path / "out").items() if v.shape == (16, 16) and "linear" in n}
    moved = {n: not torch.equal(v, torch.eye(16)) for n, v in towers.items()}
    assert sorted(moved.values()) == [False, True], moved


@pytest.mark.parametrize(("architecture", "learns"), [(BiEncoder(), "all"), (TwoTower(), "all")])
def test_documents_that_would_change_cannot_stay_as_they_are(
    tmp_path: Path, model: Path, architecture: Any, learns: str
) -> None:
    of = replace(stage(learns=learns), negatives=PerStepIndex(None, FlatIndex(), 2))
    with pytest.raises(InputError, match="weights that they share with queries would learn"):
        fit(tmp_path, model, architecture, of).run()


def test_vectors_as_negatives_are_of_one_collection(tmp_path: Path, model: Path) -> None:
    of = replace(stage(), negatives=MomentumQueue(count=2))
    with pytest.raises(InputError, match="there are 2 collections"):
        fit(tmp_path, model, TwoTower(), of, {"one": text("one"), "two": text("two")}).run()
    with pytest.raises(InputError, match="begins empty"):
        fit(tmp_path, model, TwoTower(), replace(of, in_batch=False)).run()


def test_negatives_that_are_searched_anew_are_not_drawn_once(tmp_path: Path, model: Path) -> None:
    of = replace(stage(), negatives=Mined(Listed(("d1", "d2")), refresh_every=4), one_negative_each=True)
    with pytest.raises(InputError, match="drawn once"):
        fit(tmp_path, model, TwoTower(), of).run()


def test_refreshed_negatives_are_those_of_the_model_as_it_is(tmp_path: Path, model: Path) -> None:
    """A head-only training searches with what its head makes of the states, for every collection."""
    asked: list[Any] = []
    refresh = Mined.refresh

    def seen(self: Mined, retriever: Any) -> None:
        refresh(self, retriever)
        if isinstance(retriever, Current):
            whole = retriever.model.encode_document(retriever.text.documents)
            queries = retriever.model.encode_query(retriever.queries[:3])
            found = retriever.search({str(i): q for i, q in enumerate(retriever.queries[:3])}, 5)
            expected = np.sort(queries @ whole.T, axis=1)[:, ::-1][:, :5]
            np.testing.assert_allclose([found[str(i)].scores for i in range(3)], expected, atol=1e-5)
            asked.append(retriever.text.corpus.name)

    of = replace(stage(steps=9, validate_every=9), negatives=Mined(Listed(("d1", "d2")), refresh_every=4, last=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mined, "refresh", seen)
        fit(tmp_path, model, TwoTower(), of, {"one": text("one"), "two": text("two")}).run()
    assert asked == ["one", "two", "one", "two"]  # after steps 4 and 8
    assert not (tmp_path / "out" / "refreshed").exists()


def test_prompts_are_part_of_what_is_made_once(tmp_path: Path, model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    prompted = SentenceTransformer(str(model), device="cpu", prompts={"query": "cat ", "passage": "dog mat "})
    prompted.save_pretrained(str(tmp_path / "prompted"))
    built = TwoTower().build(str(tmp_path / "prompted"), [])
    assert (prompt(built, "query"), prompt(built, "document")) == ("cat ", "dog mat ")
    modules = frozen_modules(built)
    made = made_once(modules, str(model), WORDS, Store(tmp_path), "words", "query", prompt(built, "query"))
    with torch.inference_mode(), frozen(modules):
        given = States([made]).features(range(len(WORDS)), 0)
        cached = built({**given}, task="query")["sentence_embedding"]
    expected = built.encode_query(WORDS)  # which puts the prompt there itself
    assert np.allclose(cached, expected, atol=1e-5)
    assert not np.allclose(expected, built.encode_query(WORDS, prompt=""), atol=1e-3)
    before = []
    for learns in ("head", "all"):  # the tokens of the full training and of its validation have the prompts, too
        of = stage(learns=learns, steps=1, validate_every=1, learning_rate=1e-9)
        manifest = fit(tmp_path / learns, tmp_path / "prompted", TwoTower(), of).run()
        before.append(manifest["stages"]["only"]["validation"][0][1])
    assert before[0] == before[1]


def test_teachers_of_batches_and_of_vectors(tmp_path: Path, model: Path) -> None:
    distil = Weighted({"scores": ListKL(in_batch=True), "vectors": VectorMatching()})
    of = replace(
        stage(),
        objective=distil,
        batch_teacher=MaxSim(str(model), device="cpu"),
        vector_teacher=Encoders({"same": SentenceTransformerEncoder(str(model), device="cpu")}),
    )
    texts = {"one": text("one"), "two": text("two")}
    manifest = fit(tmp_path, model, TwoTower(), of, texts).run()
    assert manifest["stages"]["only"]["loss"][0][1] > 0
    with pytest.raises(InputError, match="Unable cannot score a batch"):
        fit(tmp_path / "other", model, TwoTower(), replace(of, batch_teacher=Unable())).run()


@dataclass
class Unable:
    """A teacher that scores before training alone."""

    def start(self, text: Any, store: Store) -> None: ...


def test_weights_of_pairs_and_parts_of_batches(tmp_path: Path, model: Path) -> None:
    """A weight of each pair changes what is learned; the parts that a batch goes through the model in do not."""
    plain = fit(tmp_path / "plain", model, TwoTower(), stage())
    plain.run()
    fit(tmp_path / "parts", model, TwoTower(), stage(mini_batch_size=3)).run()
    graded = {"words": replace(text(), grades=np.arange(len(text().grades)) % 3 + 1)}
    pairs = replace(stage(), pairs=Labelled(weigh_grades=True))
    fit(tmp_path / "weighed", model, TwoTower(), pairs, graded).run()
    found = {name: weights(tmp_path / name / "out") for name in ("plain", "parts", "weighed")}
    for name, value in found["plain"].items():
        torch.testing.assert_close(found["parts"][name], value, rtol=1e-3, atol=1e-4)
    assert any(not torch.allclose(found["weighed"][n], v, atol=1e-4) for n, v in found["plain"].items())


@pytest.mark.parametrize("written", [pytest.param("weights", marks=pytest.mark.slow), "optimizer"])
def test_a_full_disk_leaves_the_last_complete_checkpoint(
    tmp_path: Path, model: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformerTrainer

    whole = fit(tmp_path / "whole", model, TwoTower(), stage())
    whole.run()
    names = {"weights": "_save", "optimizer": "_save_optimizer_and_scheduler"}
    owner = next(c for c in SentenceTransformerTrainer.__mro__ if names[written] in vars(c))
    save = getattr(owner, names[written])

    def full(self: Any, output_dir: str, *args: Any, **settings: Any) -> None:
        if output_dir.endswith("checkpoint-8"):
            (Path(output_dir)).mkdir(parents=True, exist_ok=True)
            (Path(output_dir) / "half-written.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, output_dir, *args, **settings)

    broken = fit(tmp_path / "broken", model, TwoTower(), stage())
    monkeypatch.setattr(owner, names[written], full)
    with pytest.raises(InputError, match=r"the disk is full.*checkpoint-4 is complete"):
        broken.run()
    left = tmp_path / "broken" / "out" / "checkpoints" / "only"
    assert [path.name for path in left.glob("checkpoint-*")] == ["checkpoint-4"]
    monkeypatch.setattr(owner, names[written], save)
    broken.run()
    found = weights(tmp_path / "broken" / "out")
    for name, value in weights(tmp_path / "whole" / "out").items():
        assert torch.equal(value, found[name]), name


def test_a_checkpoint_that_was_not_finished_is_not_resumed(tmp_path: Path) -> None:
    for step, whole in ((4, True), (8, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / "complete").touch()
    last = last_complete(tmp_path)
    assert last is not None
    assert last.name == "checkpoint-4"
    assert not (tmp_path / "checkpoint-8").exists()
    assert last_complete(tmp_path / "nowhere") is None


def test_another_error_is_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="something else"), full_disk_told(tmp_path):
        raise ValueError("something else")
    with pytest.raises(InputError, match="no checkpoint was complete"), full_disk_told(tmp_path):
        raise RuntimeError("I/O error: No space left on device (os error 28)")  # as safetensors says it
