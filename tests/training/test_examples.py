"""Texts, pairs and examples: what they hold, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from training.build import DOCUMENTS, QRELS, QUERIES, corpus, dataset, examples_of, labelled, small_text

from ir_bench.errors import InputError, NotFound
from ir_bench.training.examples import corpus_text, filtered, hold_out, together, train_split, training_text
from ir_bench.training.known import allowed
from ir_bench.types import Dataset


class TestTrainingText:
    def test_holds_judged_queries_and_all_documents(self):
        text = small_text()
        assert text.query_ids == ["q0", "q1", "q2"]
        assert text.documents[0] == "Tides Spring tides follow the new moon. They are higher than neap tides."
        assert text.judged.tolist() == [0, 4, 1, 2, 5, 4]  # grade 0 and the unknown document are left out
        assert text.grades.tolist() == [2, 1, 1, 1, 1, 2]
        assert text.qrels() == {
            "q0": {"d0": 2, "d4": 1},
            "q1": {"d1": 1, "d2": 1, "d5": 1},
            "q2": {"d4": 2},
        }

    def test_the_title_policy_is_the_corpus_own(self):
        ignoring = Dataset(
            "t", lambda: replace(corpus(), titles="ignore"), lambda: QUERIES, lambda: QRELS, split="train"
        )
        assert training_text(ignoring).documents[1].startswith("A sourdough")

    @pytest.mark.parametrize("split", ["test", "dev"])
    def test_another_split_than_train_is_refused(self, split):
        with pytest.raises(InputError, match=f"the split '{split}'"):
            training_text(dataset(split))

    def test_a_query_of_the_test_split_is_refused(self):
        with pytest.raises(InputError, match="1 training queries are also in the split 'test', 'q1' first"):
            training_text(dataset(), dataset("test", {"q1": "another text", "t": "x"}))

    def test_a_query_with_the_text_of_a_test_query_is_left_out(self):
        text = training_text(dataset(), dataset("test", {"t": QUERIES["q1"]}))
        assert text.query_ids == ["q0", "q2"]

    def test_a_query_that_is_not_judged_is_left_out(self):
        assert training_text(dataset(queries={**QUERIES, "q9": "never judged"})).query_ids == ["q0", "q1", "q2"]

    def test_documents_alone(self):
        text = corpus_text(corpus())
        assert (len(text.queries), len(text.documents)) == (0, len(DOCUMENTS))


@dataclass
class Source:
    split: str = "test"
    shared: bool = False

    def load(self) -> Dataset:
        if self.split == "dev":

            def missing():
                raise NotFound("no queries of dev")

            return Dataset("s", corpus, missing, missing, split="dev")
        queries = QUERIES if self.split == "train" or self.shared else {"t1": "a test query"}
        return dataset(self.split, queries)


class TestTrainSplit:
    def test_takes_the_train_split_whatever_the_source_was_set_to(self):
        assert train_split(Source()).query_ids == ["q0", "q1", "q2"]

    def test_compares_with_the_test_split(self):
        with pytest.raises(InputError, match="also in the split 'test'"):
            train_split(Source(shared=True))

    def test_a_source_without_splits_is_refused(self):
        with pytest.raises(InputError, match="no splits"):
            train_split(object())

    def test_real_collections_share_no_query(self, data_folder):
        from ir_bench.cli.compose import part

        text = train_split(part("dataset", "beir/nfcorpus"))
        # of the split's 2,590, three have the very text of a test query and two more that of a dev query
        assert 2590 - len(text.queries) == 5
        assert text.offsets[-1] == len(text.judged) > 110_000


class TestHoldOut:
    def text(self, names):
        queries = {name: f"text of {name}" for name in names}
        return training_text(dataset(queries=queries, qrels={name: {"d0": 1} for name in names}))

    def test_is_a_partition_by_query(self):
        text = self.text([f"q{i}" for i in range(20)])
        train, validation = hold_out(text, 0.25, seed=3)
        assert sorted([*train.query_ids, *validation.query_ids]) == sorted(text.query_ids)
        assert len(validation.query_ids) == 5
        assert validation.qrels() == {q: {"d0": 1} for q in validation.query_ids}

    def test_does_not_depend_on_the_order_of_the_queries_but_on_the_seed(self):
        names = [f"q{i}" for i in range(20)]
        _, first = hold_out(self.text(names), 0.25, seed=3)
        _, turned = hold_out(self.text(names[::-1]), 0.25, seed=3)
        _, other = hold_out(self.text(names), 0.25, seed=4)
        assert set(first.query_ids) == set(turned.query_ids) != set(other.query_ids)

    def test_queries_of_equal_text_stay_together(self):
        queries = {f"q{i}": f"text {i // 2}" for i in range(20)}
        text = training_text(dataset(queries=queries, qrels={q: {"d0": 1} for q in queries}))
        for side in hold_out(text, 0.5, seed=0):
            assert len(set(side.queries)) * 2 == len(side.queries)

    def test_both_sides_have_a_query(self):
        with pytest.raises(InputError, match="without queries"):
            hold_out(self.text(["q0", "q1"]), 0.1, seed=0)

    def test_masks_what_was_known_before(self):
        text = small_text()
        some = text.of_queries(np.array([1]))
        assert allowed(some.known, np.array([0]), np.arange(8)).tolist() == [1, 0, 0, 1, 1, 0, 1, 1]


class TestExamples:
    def test_the_training_set_has_texts_and_a_label_of_rows_and_scores(self):
        text = small_text()
        table = examples_of(text, [[1, 2, 0, 3], [0, 0, 1, 2]], [[9.5, 1, 2], [8, 3, 4]]).to_dataset()
        assert table.column_names == ["query", "positive", "negative_1", "negative_2", "label"]
        assert table["query"][0] == "sourdough flour"
        assert table["positive"][0] == text.documents[2]
        assert table["negative_2"][1] == text.documents[2]
        assert table["label"][:] == [[1, 2, 0, 3, 9.5, 1, 2], [0, 0, 1, 2, 8, 3, 4]]

    def test_without_a_teacher_the_label_has_rows_alone_and_padding_no_text(self):
        table = examples_of(small_text(), [[1, 2, -1]]).to_dataset()
        assert table["label"][:] == [[1, 2, -1]]
        assert table["negative_1"][:] == [""]

    def test_rows_beyond_float32_are_refused(self):
        examples = examples_of(small_text(), [[1, 2, 0]])
        with pytest.raises(InputError, match="float32"):
            replace(examples, query_rows=np.array([1 << 24])).to_dataset()

    def test_one_negative_each(self):
        each = examples_of(small_text(), [[1, 2, 0, 3], [0, 0, 1, 2]], [[9, 1, 2], [8, 3, 4]]).one_negative_each()
        assert each.document_rows.tolist() == [[2, 0], [2, 3], [0, 1], [0, 2]]
        assert each.teacher is not None
        assert each.teacher.tolist() == [[9, 1], [9, 2], [8, 3], [8, 4]]
        assert each.query_rows.tolist() == [1, 1, 0, 0]

    def test_a_filter_that_leaves_nothing_is_an_error(self):
        examples = examples_of(small_text(), [[1, 2, 0]])
        with pytest.raises(InputError, match="the filter 'strict' removed all of 1 examples"):
            filtered(examples, {"strict": lambda e: e.select(np.zeros(0, np.int64))})


class TestTogether:
    def test_rows_are_numbered_anew_and_the_mask_is_kept(self):
        text = small_text()
        first, second = examples_of(text, [[0, 0, 1]]), examples_of(text, [[1, 1, 0], [2, 4, -1]])
        both = together({"a": first, "b": second})
        assert both.collections is not None
        assert both.collections.tolist() == [0, 1, 1]
        assert both.document_rows.tolist() == [[0, 1], [9, 8], [12, -1]]
        assert both.pairs.queries[both.query_rows[1]] == "sourdough flour"
        known = text.known(np.arange(3), np.arange(8))
        assert (both.pairs.known(np.arange(3, 6), np.arange(8, 16)) == known).all()
        assert (both.pairs.known(np.arange(3), np.arange(8)) == known).all()
        assert not both.pairs.known(np.arange(3), np.arange(8, 16)).any()

    def test_different_widths_are_refused(self):
        text = small_text()
        with pytest.raises(InputError, match="numbers of negatives"):
            together({"a": examples_of(text, [[0, 0, 1]]), "b": examples_of(text, [[0, 0]])})


def test_the_label_is_what_a_score_loss_unpacks():
    score_loss = pytest.importorskip("ir_bench.training.score_loss")
    import torch

    examples = examples_of(small_text(), [[1, 2, 0, 3], [0, 0, 1, 2]], [[9, 1, 2], [8, 3, 4]])
    labels = torch.tensor(examples.to_dataset()["label"][:])
    queries, documents, teacher, weights = score_loss.unpacked(labels, 3)
    assert weights is None
    assert (queries == examples.query_rows).all()
    assert (documents == examples.document_rows).all()
    assert teacher is not None
    assert teacher.tolist() == [[9, 1, 2], [8, 3, 4]]
    weighted = replace(examples, weights=np.array([0.5, 1.5], np.float32)).to_dataset()["label"][:]
    _, _, teacher, weights = score_loss.unpacked(torch.tensor(weighted), 3, weighted=True)
    assert weights.tolist() == [0.5, 1.5]
    assert teacher.tolist() == [[9, 1, 2], [8, 3, 4]]


def test_pairs_of_the_label_know_the_batch_mask():
    pairs = labelled(small_text())
    # q0: d0, d4 and the copy d6; q1: d1, d2, d5; q2: d4 and the document of its own name
    assert pairs.known(np.arange(3), np.arange(8)).astype(int).tolist() == [
        [1, 0, 0, 0, 1, 0, 1, 0],
        [0, 1, 1, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0, 0, 1],
    ]
