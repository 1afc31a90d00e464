"""What filters keep."""

from __future__ import annotations

import numpy as np
import pytest
from training.build import examples_of, small_text

from ir_bench.errors import InputError
from ir_bench.training.filters.duplicate import Duplicate
from ir_bench.training.filters.known_positive import KnownPositive
from ir_bench.training.filters.teacher_margin import TeacherMargin


def test_known_positives_among_the_negatives():
    rows = [[0, 0, 1, 3], [0, 0, 1, 4], [0, 0, 6, 3], [2, 4, 7, 1], [1, 1, 0, -1]]
    # d4 is judged for q0, d6 is a copy of d0, q2's own document is row 7; padding harms nothing
    assert KnownPositive()(examples_of(small_text(), rows)).query_rows.tolist() == [0, 1]


def test_duplicates():
    # the second has the same texts in another order, the third a copy of d0 as its positive
    rows = [[0, 0, 1, 3], [0, 0, 3, 1], [0, 6, 1, 3], [0, 0, 1, 2]]
    assert Duplicate()(examples_of(small_text(), rows)).document_rows.tolist() == [[0, 1, 3], [0, 1, 2]]


class TestTeacherMargin:
    def examples(self):
        return examples_of(small_text(), [[0, 0, 1, 2, 3], [1, 1, 0, 3, -1]], [[5, 6, 2, 4.5], [5, 1, 5, np.nan]])

    def test_keeps_the_first_that_are_below_the_positive_by_the_margin(self):
        kept = TeacherMargin(1.0, negatives=1)(self.examples())
        assert kept.document_rows.tolist() == [[0, 2], [1, 0]]
        assert kept.teacher is not None
        assert kept.teacher.tolist() == [[5, 2], [5, 1]]

    def test_an_example_with_too_few_is_left_out(self):
        assert TeacherMargin(0.5, negatives=2)(self.examples()).document_rows.tolist() == [[0, 2, 3]]
        assert len(TeacherMargin(0.0)(self.examples())) == 0

    def test_needs_a_teacher(self):
        with pytest.raises(InputError, match="no teacher's scores"):
            TeacherMargin()(examples_of(small_text(), [[0, 0, 1]]))

    def test_cannot_keep_more_than_there_are(self):
        with pytest.raises(InputError, match="4 negatives are to be kept of 3"):
            TeacherMargin(negatives=4)(self.examples())
