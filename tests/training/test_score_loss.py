"""Objectives in the trainers of sentence-transformers, on a two-layer BERT with random weights."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import (
    MultiVectorEncoder,
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.multi_vector_encoder.losses import (
    CachedMultiVectorMultipleNegativesRankingLoss,
    MultiVectorDistillKLDivLoss,
    MultiVectorMultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.losses import (
    Matryoshka2dLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from ir_bench.errors import InputError
from ir_bench.training.gradient_cache import GradientCached
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.flops import Flops
from ir_bench.training.objectives.idf_flops import IdfFlops
from ir_bench.training.objectives.lambda_weighted import LambdaWeighted
from ir_bench.training.objectives.list_kl import ListKL
from ir_bench.training.objectives.margin_mse import MarginMSE
from ir_bench.training.objectives.matryoshka import Matryoshka
from ir_bench.training.objectives.matryoshka_2d import Matryoshka2D
from ir_bench.training.objectives.pairwise import Pairwise
from ir_bench.training.objectives.quadratic import Quadratic
from ir_bench.training.objectives.starbucks import Starbucks
from ir_bench.training.objectives.vector_matching import VectorMatching
from ir_bench.training.objectives.weighted import Weighted
from ir_bench.training.score_loss import FollowSteps, ScoreLoss
from ir_bench.training.step import Step

WORDS = ["tide", "moon", "harbour", "pilot", "bread", "flour", "water", "spring", "neap", "slack"]
COLUMNS = [
    ["tide moon", "bread", "harbour pilot"],
    ["spring tide moon", "bread flour water", "pilot slack water"],
    ["neap tide", "water", "bread"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("tiny-bert")
    vocabulary = place / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]), encoding="utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # so that two passes are comparable
    BertModel(BertConfig(vocab_size=5 + len(WORDS), max_position_embeddings=32, **sizes, **none)).save_pretrained(place)
    BertTokenizerFast(vocab=str(vocabulary)).save_pretrained(place)
    return place


@pytest.fixture
def model(folder) -> SentenceTransformer:
    return SentenceTransformer(modules=[Transformer(str(folder)), Pooling(16)], device="cpu")


def features(model, columns=COLUMNS):
    return [model.preprocess(column) for column in columns]


def nothing(queries, documents):
    return np.zeros((len(queries), len(documents)), dtype=bool)


LABELS = torch.tensor([[0.0, 10, 11], [1, 20, 21], [2, 30, 31]])
TAUGHT = torch.cat([LABELS, torch.tensor([[5.0, 1], [3, 2], [4, 0]])], 1)


def same(model, ours, theirs) -> None:
    """Value and gradients of all weights."""
    parameters = list(model.parameters())
    gradients = [torch.autograd.grad(value, parameters, allow_unused=True) for value in (ours, theirs)]
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    for a, b in zip(*gradients, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


class Seen:
    """An objective that keeps the step it is given."""

    def __call__(self, step: Step):
        self.step = step
        return step.scores.sum()


def seen(model, labels=LABELS, known=nothing, columns=COLUMNS, **settings) -> Step:
    objective = Seen()
    ScoreLoss(model, objective, known, **settings)(features(model, columns), labels)
    return objective.step


class TestParity:
    def test_multiple_negatives_ranking(self, model):
        ours = ScoreLoss(model, Contrastive(temperature=0.05), nothing)(features(model), LABELS)
        same(model, ours, MultipleNegativesRankingLoss(model, scale=20.0)(features(model), None))

    def test_matryoshka(self, model):
        loss = ScoreLoss(model, Matryoshka(Contrastive(temperature=0.05), [16, 8, 4], {4: 0.5}), nothing)
        theirs = MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), [16, 8, 4], [1, 1, 0.5])
        same(model, loss(features(model), LABELS), theirs(features(model), None))

    def test_matryoshka_2d(self, model):
        """With every layer and prefix drawn: theirs averages over the drawn layers, so one layer is left."""
        model[0].auto_model.encoder.layer = model[0].auto_model.encoder.layer[:1]
        loss = ScoreLoss(model, Matryoshka2D(Contrastive(temperature=0.05), [4], layers=[0]), nothing)
        theirs = Matryoshka2dLoss(model, MultipleNegativesRankingLoss(model), [16, 4], n_dims_per_step=-1)
        same(model, loss(features(model), LABELS), theirs(features(model), None))

    @pytest.fixture
    def late(self, folder) -> MultiVectorEncoder:
        return MultiVectorEncoder(str(folder), device="cpu")

    @staticmethod
    def tokens(late):
        tasks = ["query", "document", "document"]
        return [late.preprocess(c, task=t) | {"task": t} for c, t in zip(COLUMNS, tasks, strict=True)]

    def test_late_interaction_in_batch(self, late):
        ours = ScoreLoss(late, Contrastive(temperature=0.5), nothing)(self.tokens(late), LABELS)
        same(late, ours, MultiVectorMultipleNegativesRankingLoss(late, scale=2.0)(self.tokens(late), None))

    def test_late_interaction_over_own_lists(self, late):
        ours = ScoreLoss(late, ListKL(), nothing, in_batch=False)(self.tokens(late), TAUGHT)
        theirs = MultiVectorDistillKLDivLoss(late)(self.tokens(late), TAUGHT[:, 3:])
        same(late, ours, theirs)

    def test_prefixes_of_token_vectors_in_batch(self, late):
        """Theirs cuts token vectors where gradients are cached, and there alone."""
        ours = ScoreLoss(late, Matryoshka(Contrastive(temperature=0.5), [16, 8, 4], {4: 0.5}), nothing)
        inner = CachedMultiVectorMultipleNegativesRankingLoss(late, scale=2.0, mini_batch_size=2)
        theirs = MatryoshkaLoss(late, inner, [16, 8, 4], [1, 1, 0.5])
        value, found = TestGradientCache.of_weights(late, ours, self.tokens(late), LABELS)
        late.zero_grad()
        expected = theirs(self.tokens(late), None)
        expected.mul(0.5).backward()
        assert value.item() == pytest.approx(expected.item(), rel=1e-5)
        wanted = [p.grad for p in late.parameters() if p.grad is not None]
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)

    def test_prefixes_of_token_vectors_over_own_lists(self, late):
        """Theirs over models that end in a cut."""
        ours = ScoreLoss(late, Matryoshka(ListKL(), [16, 4], {4: 0.5}), nothing, in_batch=False)

        def theirs(dimensions):
            cut = MultiVectorEncoder(modules=[*late.children(), Cut(dimensions)], device="cpu")
            return MultiVectorDistillKLDivLoss(cut)(self.tokens(late), TAUGHT[:, 3:])

        same(late, ours(self.tokens(late), TAUGHT), theirs(16) + 0.5 * theirs(4))


class Cut(torch.nn.Module):
    """The first dimensions of token vectors, of length 1."""

    def __init__(self, dimensions):
        super().__init__()
        self.dimensions = dimensions

    def forward(self, features):
        tokens = torch.nn.functional.normalize(features["token_embeddings"][..., : self.dimensions], dim=-1)
        return features | {"token_embeddings": tokens}


class TestStep:
    def test_in_batch_candidates_are_all_documents_by_example(self, model):
        step = seen(model, TAUGHT)
        vectors = [model(column)["sentence_embedding"] for column in features(model)]
        documents = torch.stack(vectors[1:], 1).reshape(6, 16)
        torch.testing.assert_close(step.scores, model.similarity(vectors[0], documents))
        torch.testing.assert_close(step.document_vectors, documents)
        assert step.labels.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0]]
        assert step.mask.all()
        assert step.own.int().tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
        none = math.nan
        expected = [[5, 1, none, none, none, none], [none, none, 3, 2, none, none], [none, none, none, none, 4, 0]]
        np.testing.assert_array_equal(step.teacher, expected)

    def test_own_lists(self, model):
        step, batch = seen(model, TAUGHT, in_batch=False), seen(model, TAUGHT)
        torch.testing.assert_close(step.scores, batch.scores[batch.own].reshape(3, 2))
        torch.testing.assert_close(step.document_vectors, batch.document_vectors.reshape(3, 2, 16))
        assert step.labels.tolist() == [[1, 0]] * 3
        assert step.teacher.tolist() == [[5, 1], [3, 2], [4, 0]]
        assert step.own is None

    @pytest.mark.parametrize("in_batch", [True, False])
    def test_known_positives_and_padding_are_masked_but_not_the_labelled_positive(self, model, in_batch):
        asked = []

        def known(queries, documents):
            asked.append((queries.tolist(), documents.tolist()))
            pairs = {(0, 10), (0, 20), (1, 20), (2, 30), (1, 21)}
            return np.array([[(q, d) in pairs for d in documents.tolist()] for q in queries.tolist()])

        labels = LABELS.clone()
        labels[2, 2] = -1
        step = seen(model, labels, known, in_batch=in_batch)
        assert asked == [([0, 1, 2], [10, 11, 20, 21, 30, -1])]
        expected = [[1, 1, 0, 1, 1, 0], [1, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 0]]
        if not in_batch:
            expected = [[1, 1], [1, 0], [1, 0]]
        assert step.mask.int().tolist() == expected

    def test_a_teacher_of_the_whole_batch(self, model):
        def teacher(queries, documents):
            return torch.tensor(queries[:, None] * 100.0 + documents[None, :])

        both = seen(model, TAUGHT, teacher=teacher)
        assert both.batch_teacher[1].tolist() == [110, 111, 120, 121, 130, 131]
        assert both.teacher[1, 2:4].tolist() == [3, 2]  # what was scored before stays for the query's own list
        alone = seen(model, LABELS, teacher=teacher, in_batch=False)
        assert alone.teacher[1].tolist() == alone.batch_teacher[1].tolist() == [120, 121]

    @pytest.mark.parametrize("in_batch", [True, False])
    def test_teacher_vectors_and_idf(self, model, in_batch):
        def vectors(queries, documents):
            return None, torch.tensor(documents, dtype=torch.float32)[:, None] * torch.ones(16)

        step = seen(model, vector_teacher=vectors, idf=torch.ones(16), in_batch=in_batch)
        assert step.teacher_query_vectors is None
        assert step.teacher_document_vectors.reshape(6, 16)[:, 0].tolist() == [10, 11, 20, 21, 30, 31]
        assert step.teacher_document_vectors.shape == step.document_vectors.shape
        objective = Weighted({"match": VectorMatching(), "sparse": IdfFlops()})
        loss = ScoreLoss(model, objective, nothing, vector_teacher=vectors, idf=torch.ones(16), in_batch=in_batch)
        assert list(loss(features(model), LABELS)) == ["match", "sparse"]

    def test_layers_are_pooled_like_the_last(self, model):
        class Layered(Seen):
            needs_layers = True

        objective = Layered()
        ScoreLoss(model, objective, nothing)(features(model), LABELS)
        step = objective.step
        assert [tuple(v.shape) for pair in step.layers for v in pair] == [(3, 16), (6, 16)] * 3
        torch.testing.assert_close(step.layers[-1][0], step.query_vectors)
        assert not model[0].auto_model.config.output_hidden_states
        # a model cut after its first layer gives the first layer's vectors
        cut = copy.deepcopy(model)
        cut[0].auto_model.encoder.layer = cut[0].auto_model.encoder.layer[:1]
        torch.testing.assert_close(step.layers[1][0], cut(features(cut)[0])["sentence_embedding"])

    def test_a_model_without_layers(self, folder):
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        tokenizer = BertTokenizerFast.from_pretrained(folder)
        static = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu")
        loss = ScoreLoss(static, Starbucks(Contrastive(), [(1, 8)]), nothing)
        with pytest.raises(InputError, match="StaticEmbedding is the model's first module"):
            loss(features(static), LABELS)

    @pytest.mark.parametrize("in_batch", [True, False])
    def test_fixed_documents_and_drawn_candidates(self, model, in_batch):
        def fixed(rows, documents):
            assert {len(f["input_ids"]) for f in documents} == {3}
            return torch.tensor(rows, dtype=torch.float32)[:, :, None] * torch.ones(16)

        def drawn(rows, vectors, number):
            assert (vectors.shape, vectors.requires_grad, number) == ((3, 16), False, 0)
            return np.array([[7, -1], [8, 9], [-1, -1]]), torch.arange(6.0).reshape(3, 2, 1) * torch.ones(16)

        step = seen(model, fixed=fixed, drawn=drawn, in_batch=in_batch)
        before = seen(model, fixed=fixed, in_batch=in_batch)
        width = before.scores.shape[1]
        torch.testing.assert_close(step.scores[:, :width], before.scores)
        assert step.mask[:, width:].tolist() == [[True, False], [True, True], [False, False]]
        assert not step.labels[:, width:].any()
        assert step.own is None or step.own[:, width:].all()
        assert step.document_vectors.shape == (3, width + 2, 16)
        expected = model.similarity(step.query_vectors[1:2], torch.full((1, 16), 3.0))
        torch.testing.assert_close(step.scores[1, width + 1], expected[0, 0])
        value = ScoreLoss(model, Contrastive(), nothing, fixed=fixed, drawn=drawn, in_batch=in_batch)(
            features(model), LABELS
        )
        assert torch.isfinite(value)

    def test_weights_weigh_queries(self, model):
        def loss(weights, objective):
            labels = torch.cat([TAUGHT, torch.tensor(weights)[:, None]], 1)
            return ScoreLoss(model, objective, nothing, weighted=True)(features(model), labels)

        for objective in (Contrastive(), Pairwise(), ListKL(), MarginMSE(), LambdaWeighted()):
            alone = [loss(np.eye(3)[i], objective) for i in range(3)]
            plain = ScoreLoss(model, objective, nothing)(features(model), TAUGHT)
            assert torch.stack(alone).sum().item() == pytest.approx(plain.item(), rel=1e-5)
            assert loss([2.0, 1, 0], objective).item() == pytest.approx((2 * alone[0] + alone[1]).item(), rel=1e-5)


class TestGradientCache:
    """In parts of two, the value and the gradient of the whole."""

    @staticmethod
    def of_weights(model, loss, columns, labels):
        model.zero_grad()
        value = loss(columns, labels)
        (sum(value.values()) if isinstance(value, dict) else value).mul(0.5).backward()  # as when gradients accumulate
        own = loss.loss if isinstance(loss, GradientCached) else loss
        learned = [p.grad.clone() for p in own.learned.values()]
        for parameter in own.learned.values():
            parameter.grad = None
        return value, [p.grad.clone() for p in model.parameters() if p.grad is not None] + learned

    @pytest.mark.parametrize(
        "kind",
        [
            *("dense", "late", "late own lists", "late prefixes", "late prefixes, own lists", "weighted sum"),
            *("own lists", "fixed documents", "dropout"),
        ],
    )
    def test_equals_the_plain_gradient(self, folder, kind):
        if kind.startswith("late"):
            model = MultiVectorEncoder(str(folder), device="cpu")
            columns = TestParity.tokens(model)
        else:
            model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(16)], device="cpu")
            columns = features(model)
        objective = Contrastive(temperature=0.2, learned=True)
        if kind == "weighted sum":
            objective = Weighted({"ranking": objective, "match": ListKL(), "sparse": Flops()}, {"sparse": 0.1})
        if "prefixes" in kind:
            objective = Matryoshka(objective, [16, 4], {4: 0.5})
        options = {"in_batch": "own lists" not in kind}
        if kind == "fixed documents":
            options["fixed"] = lambda rows, documents: torch.randn(
                3, 2, 16, generator=torch.Generator().manual_seed(int(rows.sum()))
            )
        plain = ScoreLoss(model, objective, nothing, **options)
        size = 2
        if kind == "dropout":
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.3
            size = 3  # in one part, so that both draw the same
        cached = GradientCached(plain, size)
        torch.manual_seed(1)
        expected, wanted = self.of_weights(model, plain, columns, TAUGHT)
        torch.manual_seed(1)
        value, found = self.of_weights(model, cached, columns, TAUGHT)
        if isinstance(value, dict):
            assert {n: v.item() for n, v in value.items()} == pytest.approx(
                {n: v.item() for n, v in expected.items()}, rel=1e-4
            )
        else:
            assert value.item() == pytest.approx(expected.item(), rel=1e-5)
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=2e-5)

    def test_a_part_is_never_larger(self, model):
        seen = []
        model[0].register_forward_pre_hook(lambda module, given: seen.append(len(given[0]["input_ids"])))
        loss = GradientCached(ScoreLoss(model, Contrastive(), nothing), 1)
        loss(features(model), LABELS).backward()
        assert seen == [1] * 18  # 9 texts, twice

    def test_layers_are_refused(self, model):
        with pytest.raises(InputError, match="reads those of layers"):
            GradientCached(ScoreLoss(model, Starbucks(Contrastive(), [(1, 8)]), nothing), 2)


class TestRefusals:
    @pytest.mark.parametrize(
        "labels", [None, torch.zeros(3), torch.zeros(3, 2), torch.zeros(3, 4)], ids=["none", "flat", "short", "long"]
    )
    def test_labels_of_another_width(self, model, labels):
        with pytest.raises(InputError, match="for 2 document columns") as error:
            ScoreLoss(model, Contrastive(), nothing)(features(model), labels)
        assert "[examples, 3]" in error.value.expected

    def test_rows_beyond_float32(self, model):
        with pytest.raises(InputError, match="in a float32 label"):
            ScoreLoss(model, Contrastive(), nothing)(features(model), LABELS + 2**24)

    def test_no_negative_in_the_batch(self, model):
        def everything(queries, documents):
            return ~nothing(queries, documents)

        with pytest.raises(InputError, match="no query of the batch has a negative"):
            ScoreLoss(model, Contrastive(), everything)(features(model), LABELS)

    def test_a_missing_teacher_score(self, model):
        with pytest.raises(InputError, match="no teacher scores"):
            ScoreLoss(model, MarginMSE(), nothing)(features(model), LABELS)
        holes = TAUGHT.clone()
        holes[1, 4] = math.nan
        with pytest.raises(InputError, match="no score for 1 of 6 candidates"):
            ScoreLoss(model, MarginMSE(), nothing)(features(model), holes)

    def test_weights_that_are_no_number(self, model):
        with torch.no_grad():
            next(model.parameters())[:] = math.nan
        with pytest.raises(InputError, match="18 of 18 scores are not finite"):
            ScoreLoss(model, Contrastive(), nothing)(features(model), LABELS)

    def test_late_interaction_has_no_vectors_of_texts_for_an_objective(self, folder):
        late = MultiVectorEncoder(str(folder), device="cpu")
        with pytest.raises(InputError, match="scores and vectors of tokens"):
            ScoreLoss(late, Flops(), nothing)(TestParity.tokens(late), LABELS)


class TestTraining:
    OBJECTIVE = staticmethod(
        lambda: Weighted(
            {
                "ranking": Contrastive(temperature=0.2, learned=True),
                "small": Matryoshka2D(Contrastive(), [4, 8]),
                "documents": Quadratic(Flops(), steps=2),
            },
            {"documents": 0.01},
        )
    )

    @pytest.mark.filterwarnings("ignore:'pin_memory' argument is set")
    def test_a_trainer_lowers_it_and_learns_its_temperature(self, model, tmp_path):
        pytest.importorskip("accelerate")
        loss = ScoreLoss(model, self.OBJECTIVE(), nothing)
        names = ["query", "positive", "negative_1"]
        table = Dataset.from_dict({**dict(zip(names, COLUMNS, strict=True)), "label": LABELS.tolist()})
        arguments = SentenceTransformerTrainingArguments(
            str(tmp_path),
            num_train_epochs=8,
            per_device_train_batch_size=3,
            learning_rate=5e-3,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = SentenceTransformerTrainer(
            model=model, args=arguments, train_dataset=table, loss=loss, callbacks=[FollowSteps(loss)]
        )
        trainer.train()
        logs = [entry for entry in trainer.state.log_history if "ranking" in entry]
        assert len(logs) == 8
        assert loss.number == 7
        assert logs[-1]["ranking"] < logs[0]["ranking"]
        assert logs[0]["documents"] == 0  # λ grows from 0
        (temperature,) = loss.learned.values()
        assert temperature is loss.objective.objectives["ranking"].parameters()["log_temperature"]
        assert temperature.item() != pytest.approx(math.log(0.2), abs=1e-6)

    def test_what_is_learned_moves_with_the_loss(self, model):
        loss = ScoreLoss(model, self.OBJECTIVE(), nothing).double()
        learned = loss.objective.objectives["ranking"].parameters()["log_temperature"]
        assert learned.dtype == torch.float64
        assert [n for n, _ in loss.named_parameters() if n.startswith("learned")] == [
            "learned.objectives/ranking/log_temperature"
        ]
        assert loss.get_config_dict()["objective"].startswith("Weighted(objectives={'ranking': Contrastive(")
