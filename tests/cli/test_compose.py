import pytest

from ir_bench.cli.compose import about, build, compose, expand, options, part
from ir_bench.errors import InputError


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["retriever=minilm", "index=hnsw"], "index@retriever.index=hnsw"),
        (["retriever=minilm", "encoder.device=cpu"], "retriever.encoder.device=cpu"),
        (["retriever=bm25", "similarity=robertson"], "similarity@retriever.index.similarity=robertson"),
        (["retriever=bm25", "similarity.k1=0.6,0.9"], "retriever.index.similarity.k1=0.6,0.9"),
        (["retriever=bm25", "analyzer=whitespace"], "analyzer@retriever.encoder.analyzer=whitespace"),
        (["retriever=bm25", "retriever.index.threads=2"], "retriever.index.threads=2"),
    ],
)
def test_a_part_may_be_named_by_its_kind_alone(arguments, expected):
    assert expand(arguments) == [arguments[0], expected]


def test_several_retrievers_have_the_part_in_the_same_place():
    given = ["retriever=muvera,plaid", "encoder=minilm_colbert"]
    assert expand(given) == [given[0], "encoder@retriever.encoder=minilm_colbert"]


def test_the_expanded_override_changes_the_configuration():
    config = compose(["dataset=sample", *expand(["retriever=bm25", "similarity.k1=1.5"])])
    assert config.retriever.index.similarity.k1 == 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retriever=hybrid", "index=hnsw"], "2 parts of kind index"),
        (["retriever=bm25", "reranker.depth=3"], "0 parts of kind reranker"),
        (["index=hnsw"], "without retriever="),
        (["retriever=minilm,bm25_minilm", "encoder.device=cpu"], "bm25_minilm has 2 parts"),
        (["retriever=muvera,bm25_cross_encoder", "index=flat"], "retriever.index of muvera, retriever.first.index of"),
        (["retriever=bm52", "index=hnsw"], "bm52"),
    ],
)
def test_an_ambiguous_or_unknown_short_name_says_what_there_is(arguments, message):
    with pytest.raises(InputError, match=message):
        expand(arguments)


def test_an_unknown_choice_lists_the_choices():
    with pytest.raises(InputError, match="bm25"):
        compose(["dataset=sample", "retriever=bm52"])
    with pytest.raises(InputError, match="sample"):
        part("dataset", "sampel")


def test_a_setting_without_a_value_says_how_to_give_it_and_what_runs_without():
    retriever = compose(["dataset=sample", "retriever=splade"]).retriever
    with pytest.raises(InputError) as raised:
        build(retriever, ("retriever", "splade"))
    assert raised.value.happened == "retriever.encoder.model has no value, and no default"
    assert "retriever.encoder.model=VALUE" in raised.value.expected
    assert "retriever.encoder.model=naver/splade-v3" in raised.value.fix
    assert "retriever=minilm_splade" in raised.value.fix
    with pytest.raises(InputError, match="has no value, and no default"):
        build(retriever)


def test_the_retriever_that_is_named_for_one_without_a_checkpoint_needs_no_value():
    assert build(compose(["dataset=sample", "retriever=minilm_splade"]).retriever, ("retriever", "minilm_splade"))


def test_what_is_said_about_a_choice_is_the_head_of_its_file():
    assert about("retriever", "splade").startswith("Learned sparse retrieval")
    assert "defaults" not in about("retriever", "splade")
    assert about("dataset", "not-there") == ""


def test_every_experiment_names_existing_datasets_and_retrievers():
    import yaml

    from ir_bench.cli.compose import CONF

    for name in options("experiment"):
        cells = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())
        assert set(cells["datasets"]) <= set(options("dataset"))
        assert set(cells["retrievers"]) <= set(options("retriever"))
