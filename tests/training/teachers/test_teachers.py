"""Teachers: every candidate has the score that the teacher itself would give, or there is an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from training.build import Letters, Listed, examples_of, random_text, small_text

from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.encoders.lexical import LexicalEncoder
from ir_bench.errors import InputError
from ir_bench.evaluation.trec import write_run
from ir_bench.fingerprint import describe
from ir_bench.indexes.inverted import InvertedIndex
from ir_bench.rerankers.dense import DenseReranker
from ir_bench.retrievers.vector import VectorRetriever
from ir_bench.similarities.lucene import LuceneBM25
from ir_bench.store import Store
from ir_bench.training.examples import Examples, TrainingText, make_examples
from ir_bench.training.negatives.in_batch import InBatch
from ir_bench.training.pairs.title_body import TitleBody
from ir_bench.training.teachers.bm25 import BM25Teacher
from ir_bench.training.teachers.cross_encoder import CrossEncoderTeacher
from ir_bench.training.teachers.ensemble import Ensemble
from ir_bench.training.teachers.max_sim import MaxSim
from ir_bench.training.teachers.reranker import RerankerTeacher
from ir_bench.training.teachers.retrieved import Retrieved
from ir_bench.training.teachers.saved_run import SavedRun
from ir_bench.types import Corpus, Queries, Run

ROWS = [[0, 0, 1, 3], [1, 2, 4, 0], [0, 4, 1, 5], [2, 4, 0, -1]]


def examples() -> Examples:
    return examples_of(small_text(), ROWS)


def bm25() -> VectorRetriever:
    return VectorRetriever(LexicalEncoder(LuceneEnglish()), InvertedIndex(LuceneBM25(k1=0.9, b=0.4)), ties="lucene")


def bodies(store: Store) -> Examples:
    text = small_text()
    pairs = TitleBody().pairs(text, store, 0)
    return make_examples(pairs, InBatch())


class TestSavedRun:
    def run(self, folder: Path, without: tuple[str, str] | None = None) -> SavedRun:
        text = small_text()
        scores = {
            q: {d: float(10 * i + j) for j, d in enumerate(text.document_ids) if (q, d) != without}
            for i, q in enumerate(text.query_ids)
        }
        write_run(Run.of(scores), folder / "run.trec.gz", "t")
        return SavedRun(str(folder / "run.trec.gz"))

    def test_gives_the_runs_scores_and_no_number_for_padding(self, tmp_path, store):
        teacher = self.run(tmp_path)
        teacher.start(small_text(), store)
        scores = examples().with_teacher(teacher).teacher
        assert scores is not None
        expected = [[0, 1, 3], [12, 14, 10], [4, 1, 5], [24, 20, np.nan]]
        np.testing.assert_array_equal(scores, np.array(expected, np.float32))

    def test_a_candidate_without_a_score_is_an_error(self, tmp_path, store):
        teacher = self.run(tmp_path, without=("q1", "d4"))
        teacher.start(small_text(), store)
        with pytest.raises(InputError, match=r"run\.trec\.gz does not score document 'd4' for query 'q1'"):
            teacher.scores(examples())

    def test_a_query_that_the_run_lacks_is_an_error(self, tmp_path, store):
        write_run(Run.of({"q0": {f"d{i}": 1.0 for i in range(7)}}), tmp_path / "short.trec", "t")
        teacher = SavedRun(str(tmp_path / "short.trec"))
        teacher.start(small_text(), store)
        with pytest.raises(InputError, match="does not score query 'q1'"):
            teacher.scores(examples())

    def test_its_identity_is_the_files_content(self, tmp_path):
        first = describe(self.run(tmp_path))
        (tmp_path / "copy.gz").write_bytes((tmp_path / "run.trec.gz").read_bytes())
        assert describe(SavedRun(str(tmp_path / "copy.gz"))) == first
        assert describe(self.run(tmp_path, without=("q1", "d4"))) != first

    def test_a_missing_file_is_an_error(self, store):
        with pytest.raises(InputError, match=r"no run file nowhere\.trec"):
            SavedRun("nowhere.trec").start(small_text(), store)


class TestBM25:
    def test_equals_a_search_of_the_whole_collection(self, store):
        teacher, text = BM25Teacher(bm25()), small_text()
        teacher.start(text, store)
        scores = teacher.scores(examples())
        found = bm25_run(text, store).scored()
        for row, given in zip(ROWS, scores.tolist(), strict=True):
            for document, score in zip(row[1:], given, strict=True):
                if document >= 0:
                    expected = found[text.query_ids[row[0]]].get(text.document_ids[document], 0.0)
                    assert score == pytest.approx(expected, abs=1e-6)
        assert (scores == 0).any()  # no term in common
        assert np.isnan(scores[3, 2])

    def test_needs_a_retriever_that_explains(self, store):
        with pytest.raises(InputError, match="Listed cannot score given documents"):
            BM25Teacher(Listed(())).start(small_text(), store)

    def test_a_text_made_from_a_document_is_an_error(self, store):
        teacher = BM25Teacher(bm25())
        teacher.start(small_text(), store)
        with pytest.raises(InputError, match="'d0#1' is a text made from a document"):
            teacher.scores(bodies(store))


def bm25_run(text: TrainingText, store: Store) -> Run:
    # scores in trec_eval's order are the engine's own; "lucene" would lower those of ties by a step
    retriever = VectorRetriever(LexicalEncoder(LuceneEnglish()), InvertedIndex(LuceneBM25(k1=0.9, b=0.4)))
    retriever.build(text.corpus, store)
    return retriever.search(text.queries_by_id(), len(text.documents))


class TestRetrieved:
    def test_gives_what_a_search_gives_to_examples_and_batches(self, store):
        text = small_text()
        teacher = Retrieved(bm25(), depth=100, absent=-1.0)
        teacher.start(text, store)
        run = bm25_run(text, store)
        lowest = dict.fromkeys(text.document_ids, -1.0)
        wanted = np.array(
            [[{**lowest, **run.scored()[query]}[name] for name in text.document_ids] for query in text.query_ids]
        )
        wanted[:, 0] = wanted[:, 6]  # of copies the last one is kept
        scores = teacher.scores(examples())
        for row, (query, *documents) in enumerate(ROWS):
            expected = [wanted[query, d] if d >= 0 else np.nan for d in documents]
            np.testing.assert_allclose(scores[row], expected, atol=1e-5)
        batch = teacher.online(examples().pairs)(np.array([2, 0]), np.array([4, -1, 1]))
        np.testing.assert_allclose(batch, [[wanted[2, 4], np.nan, wanted[2, 1]], [wanted[0, 4], np.nan, wanted[0, 1]]])

    def test_texts_that_were_not_searched_are_an_error(self, store):
        teacher = Retrieved(bm25())
        teacher.start(small_text(), store)
        with pytest.raises(InputError, match="not searched one collection"):
            teacher.scores(bodies(store))

    def test_a_batch_of_two_collections_is_an_error(self, store):
        teacher, other = Retrieved(bm25()), random_text(0)
        for text in (small_text(), other):
            teacher.start(text, store)
        one, two = examples().pairs, examples_of(other, [[0, 0, 1]]).pairs
        mixed = replace(one, documents=[*one.documents, *two.documents])
        with pytest.raises(InputError, match="not searched one collection"):
            teacher.online(mixed)(np.array([0, 1]), np.array([0, len(one.documents) + 5]))


@dataclass
class Forgetful:
    """Scores one document less than it is given."""

    def build(self, corpus: Corpus, store: Store) -> None: ...

    def rerank(self, queries: Queries, candidates: Run) -> Run:
        return candidates.top(2)


class TestReranker:
    def test_equals_inner_products(self, store):
        teacher, text = RerankerTeacher(DenseReranker(Letters())), small_text()
        teacher.start(text, store)
        scores = teacher.scores(examples())
        matrix = Letters().encode_queries(text.queries).values @ Letters().encode_documents(text.documents).values.T
        for row, given in zip(ROWS, scores, strict=True):
            kept = [d for d in row[1:] if d >= 0]
            assert np.allclose(given[: len(kept)], matrix[row[0], kept])

    def test_a_candidate_that_is_left_out_is_an_error(self, store):
        teacher = RerankerTeacher(Forgetful())
        teacher.start(small_text(), store)
        with pytest.raises(InputError, match=r"Forgetful gave no score to document '..' for query 'q0'"):
            teacher.scores(examples())


@dataclass
class Fixed:
    """Scores by document row."""

    by_row: tuple[float, ...]
    started: int = field(default=0, init=False, compare=False)

    def start(self, text: TrainingText, store: Store) -> None:
        self.started += 1

    def scores(self, examples: Examples) -> np.ndarray:
        rows = examples.document_rows
        return np.where(rows < 0, np.nan, np.array(self.by_row)[rows]).astype(np.float32)


class TestEnsemble:
    A, B = Fixed((0, 10, 2, 4, 5, 1, 0, 0)), Fixed((8, 0, 6, 4, 0, 2, 0, 0))

    def test_min_max_over_all_candidates_of_a_query(self):
        teacher = Ensemble({"a": self.A, "b": self.B}, "min_max")
        scores = teacher.scores(examples())
        # q0 has the candidates d0, d1, d3, d4, d5: a gives 0, 10, 4, 5, 1 and b gives 8, 0, 4, 0, 2
        a, b = {0: 0.0, 1: 1.0, 3: 0.4, 4: 0.5, 5: 0.1}, {0: 1.0, 1: 0.0, 3: 0.5, 4: 0.0, 5: 0.25}
        assert np.allclose(scores[0], [(a[d] + b[d]) / 2 for d in (0, 1, 3)])
        assert np.allclose(scores[2], [(a[d] + b[d]) / 2 for d in (4, 1, 5)])
        # q2: d4 and d0 alone, padding has no score
        assert np.allclose(scores[3, :2], [(1 + 0) / 2, (0 + 1) / 2])
        assert np.isnan(scores[3, 2])

    def test_z_scores_weights_and_scale(self):
        scores = Ensemble({"a": self.A, "b": self.B}, "z_score", {"a": 3.0, "b": 1.0}, scale=30).scores(examples())
        a, b = np.array([2, 5, 0.0]), np.array([6, 0, 8.0])  # q1: d2, d4, d0
        expected = 30 * (0.75 * (a - a.mean()) / a.std() + 0.25 * (b - b.mean()) / b.std())
        assert np.allclose(scores[1], expected, atol=1e-5)

    def test_starts_every_teacher(self, store):
        first, second = Fixed((1.0,)), Fixed((2.0,))
        Ensemble({"a": first, "b": second}).start(small_text(), store)
        assert (first.started, second.started) == (1, 1)

    def test_errors(self, store):
        with pytest.raises(InputError, match="no teachers"):
            Ensemble({}).start(small_text(), store)
        with pytest.raises(InputError, match="a weight for 'c'"):
            Ensemble({"a": self.A}, weights={"c": 1.0}).scores(examples())
        with pytest.raises(InputError, match="sum to 0"):
            Ensemble({"a": self.A}, weights={"a": 0.0}).scores(examples())


@pytest.fixture(scope="module")
def words() -> list[str]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    text = small_text()
    found = sorted({w.strip(".,").lower() for t in [*text.documents, *text.queries] for w in t.split()})
    return [*special, *found, ".", ","]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory, words) -> Path:
    """A random BERT of 16 dimensions that knows the words of the small collection."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=64, initializer_range=0.5, **sizes)
    BertModel(config).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def cross_encoder(tiny_bert: Path, tmp_path_factory, words) -> Path:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("cross-encoder")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(folder)
    torch.manual_seed(2)
    config = BertConfig.from_pretrained(tiny_bert, num_labels=1)
    BertForSequenceClassification(config).eval().save_pretrained(folder)
    return folder


class TestCrossEncoder:
    def test_equals_the_models_own_prediction(self, cross_encoder, store):
        import torch
        from sentence_transformers import CrossEncoder

        teacher, text = CrossEncoderTeacher(str(cross_encoder), device="cpu", batch_size=2), small_text()
        teacher.start(text, store)
        scores = teacher.scores(examples())
        model = CrossEncoder(str(cross_encoder), device="cpu")
        for row, given in zip(ROWS, scores, strict=True):
            pairs = [(text.queries[row[0]], text.documents[d]) for d in row[1:] if d >= 0]
            expected = model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
            assert np.allclose(given[: len(pairs)], expected, atol=1e-5)
        squashed = CrossEncoderTeacher(str(cross_encoder), raw=False, device="cpu")
        squashed.start(text, store)
        assert np.allclose(squashed.scores(examples())[:3], 1 / (1 + np.exp(-scores[:3])), atol=1e-5)

    def test_reads_texts_made_from_documents(self, cross_encoder, store):
        teacher = CrossEncoderTeacher(str(cross_encoder), device="cpu")
        teacher.start(small_text(), store)
        assert np.isfinite(teacher.scores(bodies(store))).all()

    def test_a_score_that_is_no_number_names_its_pair(self, cross_encoder, store, monkeypatch):
        teacher = CrossEncoderTeacher(str(cross_encoder), device="cpu")
        teacher.start(small_text(), store)
        monkeypatch.setattr(teacher._model, "predict", lambda pairs, *a, **k: np.full(len(pairs), np.nan))
        with pytest.raises(InputError, match="document 'd0' for query 'q0' is nan"):
            teacher.scores(examples())

    def test_a_missing_model_is_an_error(self, store):
        with pytest.raises(InputError, match="no model folder"):
            CrossEncoderTeacher("./nowhere").start(small_text(), store)


class TestMaxSim:
    @pytest.fixture
    def model(self, tiny_bert, tmp_path) -> Path:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        folder = tmp_path / "mean"
        SentenceTransformer(
            modules=[Transformer(str(tiny_bert)), Pooling(16, pooling_mode="mean")], device="cpu"
        ).save_pretrained(str(folder), create_model_card=False)
        return folder

    def by_hand(self, model: Path, query: str, document: str, specials: bool = True) -> float:
        """Sum over query tokens of the greatest cosine, from transformers alone, one text at a time."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        tokenizer, bert = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
        states = []
        for text in (query, document):
            with torch.no_grad():
                found = bert(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].double().numpy()
            found = found if specials else found[1:-1]
            states.append(found / np.linalg.norm(found, axis=1, keepdims=True))
        return float((states[0] @ states[1].T).max(axis=1).sum())

    @pytest.mark.parametrize("specials", [True, False])
    def test_equals_a_hand_computation(self, model, tiny_bert, store, specials):
        teacher, text = MaxSim(str(model), specials=specials, device="cpu"), small_text()
        teacher.start(text, store)
        scores = teacher.scores(examples())
        for row, given in zip(ROWS, scores, strict=True):
            for document, score in zip(row[1:], given, strict=True):
                if document >= 0:
                    expected = self.by_hand(tiny_bert, text.queries[row[0]], text.documents[document], specials)
                    assert score == pytest.approx(expected, abs=1e-4)
        assert np.isnan(scores[3, 2])

    def test_online_scores_a_batch_as_offline(self, model, store):
        some = examples()
        for keep in (False, True):
            teacher = MaxSim(str(model), keep_states=keep, device="cpu")
            teacher.start(small_text(), store)
            online = teacher.online(some.pairs)
            for _ in range(2):
                matrix = online(some.query_rows, some.document_rows.reshape(-1))
                assert matrix.shape == (4, 12)
                own = matrix.numpy()[np.repeat(np.arange(4), 3), np.arange(12)].reshape(4, 3)
                np.testing.assert_allclose(own, teacher.scores(some), atol=2e-3 if keep else 1e-5)
            assert bool(teacher._kept) is keep

    def test_the_mean_is_the_sum_over_the_number_of_query_tokens(self, model, store):
        text = small_text()
        total, mean = MaxSim(str(model), device="cpu"), MaxSim(str(model), mean=True, device="cpu")
        total.start(text, store)
        mean.start(text, store)
        tokens = 4  # [CLS] sourdough flour [SEP]
        assert np.allclose(total.scores(examples())[1], tokens * mean.scores(examples())[1], atol=1e-4)

    def test_the_matrix_of_states_at_hand_has_gradients_and_no_padding(self, model):
        import torch

        teacher = MaxSim(str(model))
        queries = torch.tensor([[[3.0, 0.0], [0.0, 2.0], [9.0, 9.0]]], requires_grad=True)  # the third is padding
        documents = torch.tensor([[[0.6, 0.8], [1.0, 0.0]], [[0.0, -5.0], [7.0, 7.0]]])
        masks = torch.tensor([[1, 1, 0]]), torch.tensor([[1, 1], [1, 0]])
        matrix = teacher.matrix(queries, documents, *masks)
        # first: max(.6, 1) + max(.8, 0) = 1.8; second, only its first token: 0 + -1
        assert torch.allclose(matrix, torch.tensor([[1.8, -1.0]]))
        matrix.sum().backward()
        assert queries.grad is not None
        assert queries.grad[0, 2].abs().sum() == 0
