"""Each objective's value, worked out by hand in double precision, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_steps import random_step

from ir_bench.errors import InputError
from ir_bench.training.nested import needs_layers, nested, parameters
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.flops import Flops
from ir_bench.training.objectives.idf_flops import IdfFlops
from ir_bench.training.objectives.l1 import L1
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
from ir_bench.training.step import Step, checked, checked_parts

exp, log = math.exp, math.log


def matrix(rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def step(scores, labels, mask=None, **more) -> Step:
    more = {k: matrix(v) if isinstance(v, list) and k not in ("layers", "own") else v for k, v in more.items()}
    mask = torch.ones(len(scores), len(scores[0]), dtype=torch.bool) if mask is None else torch.tensor(mask).bool()
    own = more.pop("own", None)
    return Step(matrix(scores), matrix(labels), mask, own=None if own is None else torch.tensor(own).bool(), **more)


def softplus(x: float) -> float:
    return log(1 + exp(x))


# Two queries. The second has two positives (scores 1 and 0); its last candidate, 9, is masked.
TWO = step([[2, 1, 0, -1], [1, 0, 3, 9]], [[1, 0, 0, 0], [1, 1, 0, 0]], [[1, 1, 1, 1], [1, 1, 1, 0]])


class TestContrastive:
    def test_by_hand(self):
        first = -log(exp(2) / (exp(2) + exp(1) + exp(0) + exp(-1)))
        # a query's other positive is not among its negatives, and the masked 9 is not there
        second = (-log(exp(1) / (exp(1) + exp(3))) - log(exp(0) / (exp(0) + exp(3)))) / 2
        assert Contrastive(temperature=1)(TWO).item() == pytest.approx((first + second) / 2, rel=1e-12)

    def test_temperature_divides_the_scores(self):
        assert Contrastive(temperature=0.5)(TWO).item() == pytest.approx(
            Contrastive(temperature=1)(replace(TWO, scores=TWO.scores * 2)).item(), rel=1e-12
        )

    def test_symmetric_by_hand(self):
        square = step([[3, 1, 0], [0, 2, 1]], [[1, 0, 0], [0, 1, 0]])  # the third document is a mined negative
        forward = (-log(exp(3) / (exp(3) + exp(1) + exp(0))) - log(exp(2) / (exp(0) + exp(2) + exp(1)))) / 2
        backward = (-log(exp(3) / (exp(3) + exp(0))) - log(exp(2) / (exp(1) + exp(2)))) / 2
        value = Contrastive(temperature=1, symmetric=True)(square).item()
        assert value == pytest.approx((forward + backward) / 2, rel=1e-12)

    def test_scores_of_hundreds_stay_finite(self):
        far = step([[0, 900, 1800]], [[1, 0, 0]])
        assert Contrastive(temperature=1)(far).item() == pytest.approx(1800)

    def test_symmetric_needs_candidates_shared_by_the_queries(self):
        own_lists = step([[2, 1], [3, 0]], [[1, 0], [1, 0]])  # column 0 is another document for each query
        with pytest.raises(InputError, match="no query of the batch has a negative"):
            Contrastive(symmetric=True)(own_lists)

    def test_a_learned_temperature_is_the_fixed_one_and_has_a_gradient(self):
        learned = Contrastive(temperature=0.5, learned=True)
        (parameter,) = parameters(learned).values()
        assert parameters(learned)["log_temperature"] is parameter
        value = learned(TWO)
        assert value.item() == pytest.approx(Contrastive(temperature=0.5)(TWO).item(), rel=1e-6)
        value.backward()
        # d/d log τ by a central difference of the fixed objective
        h = 1e-5
        up, down = (Contrastive(temperature=0.5 * exp(s))(TWO).item() for s in (h, -h))
        assert parameter.grad.item() == pytest.approx((up - down) / (2 * h), rel=1e-4)

    def test_a_learned_temperature_is_held_in_bounds_without_losing_its_gradient(self):
        learned = Contrastive(temperature=0.5, learned=True, minimum=0.1, maximum=2.0)
        (parameter,) = parameters(learned).values()
        for beyond, bound in ((-9.0, 0.1), (9.0, 2.0)):
            with torch.no_grad():
                parameter.fill_(beyond)
            parameter.grad = None
            value = learned(TWO)
            assert value.item() == pytest.approx(Contrastive(temperature=bound)(TWO).item(), rel=1e-6)
            value.backward()
            assert parameter.grad.item() != 0

    def test_a_learned_temperature_meets_no_nan_from_a_masked_score(self):
        learned = Contrastive(learned=True)
        scores = TWO.scores.clone()
        scores[1, 3] = math.nan
        learned(replace(TWO, scores=scores)).backward()
        assert math.isfinite(parameters(learned)["log_temperature"].grad)


class TestPairwise:
    def test_by_hand(self):
        margins = [2 - 1, 2 - 0, 2 - -1, 1 - 3, 0 - 3]  # both queries' pairs together
        assert Pairwise()(TWO).item() == pytest.approx(np.mean([softplus(-m) for m in margins]), rel=1e-12)

    def test_graded_labels_order_the_positives_too(self):
        graded = step([[1, 2, 0]], [[2, 1, 0]])
        margins = [1 - 2, 1 - 0, 2 - 0]
        assert Pairwise()(graded).item() == pytest.approx(np.mean([softplus(-m) for m in margins]), rel=1e-12)

    def test_temperature_divides_the_margins(self):
        one = step([[1, 4]], [[1, 0]])
        assert Pairwise(temperature=2)(one).item() == pytest.approx(softplus(1.5), rel=1e-12)


class TestLambdaWeighted:
    def test_by_hand(self):
        # query 1: ranks 1 2 3 4; query 2 (scores 1 0 3, the 9 masked): ranks 2 3 1
        first = [(1 - 1 / 2) * softplus(-1), (1 - 1 / 3) * softplus(-2), (1 - 1 / 4) * softplus(-3)]
        second = [(1 - 1 / 2) * softplus(2), (1 - 1 / 3) * softplus(3)]
        expected = (np.mean(first) + np.mean(second)) / 2
        assert LambdaWeighted()(TWO).item() == pytest.approx(expected, rel=1e-12)

    def test_beyond_the_cut_a_reciprocal_rank_is_zero(self):
        # scores 0 3 2 1: the positive is fourth. Cut 2: weights |0 - 1|, |0 - 1/2|, |0 - 0|
        late = step([[0, 3, 2, 1]], [[1, 0, 0, 0]])
        expected = (1 * softplus(3) + 1 / 2 * softplus(2)) / 3
        assert LambdaWeighted(cut=2)(late).item() == pytest.approx(expected, rel=1e-12)

    def test_a_tie_counts_against_the_positive(self):
        tied = step([[5, 1, 5]], [[1, 0, 0]])  # ranks 2 3 1
        expected = ((1 - 1 / 2) * softplus(0) + (1 / 2 - 1 / 3) * softplus(-4)) / 2
        assert LambdaWeighted()(tied).item() == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("gap", [-5.0, -0.5, 0.0, 0.5, 5.0])
    def test_one_gradient_step_widens_the_margin(self, gap):
        """The sign trap: ADORE's first public code drives margins to zero instead, so a positive gap would shrink."""
        scores = matrix([[gap, 0.0]]).requires_grad_()
        pair = Step(scores, matrix([[1, 0]]), torch.ones(1, 2, dtype=torch.bool))
        (gradient,) = torch.autograd.grad(LambdaWeighted()(pair), scores)
        after = scores - 0.1 * gradient
        assert (after[0, 0] - after[0, 1]).item() > gap


class TestMarginMSE:
    TEACHER = ([[10, 4, 0, 0], [6, 5, 2, 0]],)

    def test_by_hand(self):
        taught = replace(TWO, teacher=matrix(*self.TEACHER))
        student = np.array([1, 2, 3, -2, -3])  # s+ - s-
        teacher = np.array([6, 10, 10, 4, 3])  # t+ - t-
        assert MarginMSE()(taught).item() == pytest.approx(((student - teacher) ** 2).mean(), rel=1e-12)
        assert MarginMSE(scale=3)(taught).item() == pytest.approx(((3 * student - teacher) ** 2).mean(), rel=1e-12)

    def test_other_queries_documents_only_where_asked(self):
        own = [[1, 1, 0, 0], [0, 0, 1, 1]]
        batch = step([[2, 1, 0, 0], [5, 4, 3, 1]], [[1, 0, 0, 0], [0, 0, 1, 0]], own=own)
        holes = matrix([[7, 3, math.nan, math.nan], [math.nan, math.nan, 2, 1]])
        expected = ((1 - 4) ** 2 + (2 - 1) ** 2) / 2
        assert MarginMSE()(replace(batch, teacher=holes)).item() == pytest.approx(expected, rel=1e-12)
        with pytest.raises(InputError, match="no score for 4 of 8 candidates"):
            MarginMSE(in_batch=True)(replace(batch, teacher=holes))
        full = matrix([[7, 3, 0, 0], [0, 0, 2, 1]])
        margins = np.array([1 - 4, 2 - 7, 2 - 7, -2 - 2, -1 - 2, 2 - 1])
        value = MarginMSE(in_batch=True)(replace(batch, teacher=full)).item()
        assert value == pytest.approx((margins**2).mean(), rel=1e-12)


class TestListKL:
    def test_by_hand(self):
        taught = replace(TWO, teacher=matrix([[1, 1, 0, 0], [0, 2, 1, 5]]))
        expected = []
        for s, t in (([2, 1, 0, -1], [1, 1, 0, 0]), ([1, 0, 3], [0, 2, 1])):
            q, p = (np.exp(x) / np.exp(x).sum() for x in (np.array(s) / 0.5, np.array(t) / 2))
            expected.append((p * np.log(p / q)).sum())
        value = ListKL(student_temperature=0.5, teacher_temperature=2)(taught).item()
        assert value == pytest.approx(np.mean(expected), rel=1e-12)

    def test_is_zero_for_the_teachers_own_scores_and_needs_no_positive(self):
        taught = replace(TWO, teacher=TWO.scores + 3, labels=torch.zeros_like(TWO.labels))
        assert ListKL()(taught).item() == pytest.approx(0, abs=1e-12)

    def test_lists_of_one_are_left_out(self):
        taught = step([[2, 1], [0, 5]], [[1, 0], [1, 0]], [[1, 1], [1, 0]], teacher=[[0, 0], [0, 0]])
        p = 1 / (1 + exp(-1))
        assert ListKL()(taught).item() == pytest.approx(0.5 * log(0.5 / p) + 0.5 * log(0.5 / (1 - p)), rel=1e-12)


class TestVectorMatching:
    def given(self, student, teacher):
        texts = len(student)
        labels = [[1] + [0] * (texts - 1)]
        given = step([[0.0] * texts], labels, document_vectors=student)
        return given if teacher is None else replace(given, teacher_document_vectors=matrix(teacher))

    def test_each_term_by_hand(self):
        # unit vectors at angles 0, 60 and 180 degrees; the teacher's at 0, 90 and 180 (lengths do not matter)
        half = math.sqrt(3) / 2
        taught = self.given([[2, 0], [0.5, half], [-1, 0]], [[1, 0], [0, 3], [-1, 0]])
        cosine = np.mean([1 - 1, 1 - half, 1 - 1])
        # similarities 12, 13, 23: student .5, -1, -.5; teacher 0, -1, 0
        gram = 2 * (0.5**2 + 0**2 + 0.5**2) / 9
        # the teacher says 12 > 13 and 23 > 13, and ties 12 with 23: max(0, -1 - .5 + m), max(0, -1 + .5 + m)
        order = (max(0, -1.5 + 0.6) + max(0, -0.5 + 0.6)) / 2
        for weights, expected in (((1, 0, 0), cosine), ((0, 1, 0), gram), ((0, 0, 1), order)):
            value = VectorMatching(*weights, margin=0.6)(taught).item()
            assert value == pytest.approx(expected, rel=1e-12)
        assert VectorMatching(margin=0.6)(taught).item() == pytest.approx(10 * cosine + 200 * gram + 20 * order)

    def test_queries_and_documents_are_matched_together_and_padding_is_not(self):
        alone = self.given([[2.0, 1], [1, 1]], [[1.0, 0], [0, 3]])
        both = step(
            [[0, 0]],
            [[1, 0]],
            [[1, 0]],
            query_vectors=[[1.0, 1]],
            teacher_query_vectors=[[0.0, 3]],
            document_vectors=[[2.0, 1], [7, 7]],
            teacher_document_vectors=[[1.0, 0], [5, 1]],
        )
        # the same two texts, in the other order
        assert VectorMatching()(both).item() == pytest.approx(VectorMatching()(alone).item(), rel=1e-12)

    def test_fewer_dimensions_need_a_cosine_of_zero(self):
        taught = self.given([[1.0], [2.0]], [[1.0, 0], [0, 3]])
        with pytest.raises(InputError, match="the student has 1 dimensions, the teacher 2"):
            VectorMatching()(taught)
        assert VectorMatching(cosine=0)(taught).item() > 0

    def test_of_many_pairs_some_are_drawn_by_the_steps_number(self):
        steps = [random_step(candidates=30, queries=2, number=n) for n in (3, 3, 4)]
        same, again, other = (VectorMatching(0, 0, 1, margin=2, pairs=20)(s).item() for s in steps)
        assert same == again != other

    def test_without_teacher_vectors(self):
        with pytest.raises(InputError, match="none of a teacher"):
            VectorMatching()(self.given([[1.0, 0]], None))


SPARSE = [[2.0, 0, 0], [0, 0, 1], [1, 4, 0], [9, 9, 9]]  # the last document counts for no query


class TestRegularisers:
    STEP = step(
        [[0, 0, 0, 0], [0, 0, 0, 0]],
        [[1, 0, 0, 0], [0, 1, 0, 0]],
        [[1, 1, 0, 0], [0, 1, 1, 0]],
        query_vectors=[[1.0, 0, 3], [1, 1, 0]],
        document_vectors=SPARSE,
        idf=[1.0, 2, 0.5],
    )

    def test_flops_squares_the_mean(self):
        # means 1, 4/3, 1/3 over three documents; 1, 1/2, 3/2 over two queries
        assert Flops()(self.STEP).item() == pytest.approx(1 + 16 / 9 + 1 / 9, rel=1e-12)
        assert Flops("queries")(self.STEP).item() == pytest.approx(1 + 1 / 4 + 9 / 4, rel=1e-12)

    def test_flops_takes_short_texts_as_empty(self):
        assert Flops(threshold=1)(self.STEP).item() == pytest.approx((1 / 3) ** 2 + (4 / 3) ** 2, rel=1e-12)

    def test_idf_flops_is_flops_of_weights_without_their_idf(self):
        assert IdfFlops()(self.STEP).item() == pytest.approx(1 + (4 / 3 / 2) ** 2 + (1 / 3 / 0.5) ** 2, rel=1e-12)
        folded = replace(self.STEP, document_vectors=self.STEP.document_vectors * self.STEP.idf)
        assert IdfFlops()(folded).item() == pytest.approx(Flops()(self.STEP).item(), rel=1e-12)

    def test_l1(self):
        assert L1()(self.STEP).item() == pytest.approx((2 + 1 + 5) / 3, rel=1e-12)
        assert L1("queries")(self.STEP).item() == pytest.approx((4 + 2) / 2, rel=1e-12)

    def test_own_lists_have_padding_of_their_own(self):
        lists = replace(
            self.STEP,
            scores=torch.zeros(2, 2),
            mask=torch.tensor([[True, True], [True, False]]),
            document_vectors=matrix([[SPARSE[0], SPARSE[1]], [SPARSE[2], SPARSE[3]]]),
        )
        for objective in (Flops(), L1(), IdfFlops()):
            assert objective(lists).item() == objective(self.STEP).item()

    @pytest.mark.parametrize(("number", "factor"), [(0, 0), (25, 1 / 4), (50, 1), (500, 1)])
    def test_quadratic_growth(self, number, factor):
        grown = Quadratic(L1(), steps=50)(replace(self.STEP, number=number))
        assert grown.item() == pytest.approx(factor * L1()(self.STEP).item(), rel=1e-12)

    def test_quadratic_growth_over_no_steps_is_none(self):
        assert Quadratic(L1(), steps=0)(replace(self.STEP, number=0)) == L1()(self.STEP)

    def test_refuses(self):
        with pytest.raises(InputError, match="frequencies: none for 3 terms"):
            IdfFlops()(replace(self.STEP, idf=None))
        with pytest.raises(InputError, match="2 for 3"):
            IdfFlops()(replace(self.STEP, idf=matrix([1, 2])))
        with pytest.raises(InputError, match="1 terms have"):
            IdfFlops()(replace(self.STEP, idf=matrix([1, 2, 0])))
        with pytest.raises(InputError, match="side='docs'"):
            Flops("docs")(self.STEP)
        with pytest.raises(InputError, match="scores alone"):
            L1()(replace(self.STEP, document_vectors=None))


class TestWeighted:
    def test_sums_named_terms(self):
        both = Weighted({"ranking": Contrastive(), "pairs": Pairwise()}, {"pairs": 0.25})
        parts = both.parts(TWO)
        assert parts["ranking"] == Contrastive()(TWO)
        assert parts["pairs"] == 0.25 * Pairwise()(TWO)
        assert both(TWO).item() == pytest.approx((parts["ranking"] + parts["pairs"]).item(), rel=1e-12)

    def test_finds_what_its_parts_learn_and_need(self):
        inner = Contrastive(learned=True)
        outer = Weighted({"a": Quadratic(Matryoshka(inner, [2])), "b": Pairwise()})
        learned = parameters(outer)
        assert list(learned) == ["objectives/a/objective/objective/log_temperature"]
        assert next(iter(learned.values())) is inner.parameters()["log_temperature"]
        assert [path for path, _ in nested(outer)][-1] == "objectives/b"
        assert not needs_layers(outer)
        assert needs_layers(Weighted({"a": Quadratic(Starbucks(inner, [(1, 2)]))}))

    def test_refuses(self):
        with pytest.raises(InputError, match="a weight is given for 'kl'"):
            Weighted({"a": Pairwise()}, {"kl": 1})(TWO)
        with pytest.raises(InputError, match="sum of nothing"):
            Weighted({})(TWO)


def cosine(a, b):
    return a @ b.T / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)[None, :]


def nce(scores, labels, mask):
    """One positive a query: -log softmax over what counts, τ = 1."""
    return np.mean([-log(exp(s[p == 1][0]) / np.exp(s[m]).sum()) for s, p, m in zip(scores, labels, mask, strict=True)])


def kl(teacher, student, mask, temperature):
    rows = []
    for t, s, m in zip(teacher, student, mask, strict=True):
        p, q = (np.exp(x[m] / temperature) / np.exp(x[m] / temperature).sum() for x in (t, s))
        rows.append((p * np.log(p / q)).sum())
    return np.mean(rows)


class TestPrefixesAndLayers:
    NCE = Contrastive(temperature=1)

    @pytest.fixture
    def layered(self) -> Step:
        given = random_step(seed=3, queries=2, candidates=4, dimensions=6, layers=4)
        mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 1]]).bool()
        return replace(given, labels=matrix([[1, 0, 0, 0], [0, 1, 0, 0]]), mask=mask)

    def arrays(self, given: Step, layer: int | None = None):
        return [v.detach().numpy() for v in given.vectors(layer)], given.labels.numpy(), given.mask.numpy()

    def test_matryoshka_by_hand(self, layered):
        (q, d), labels, mask = self.arrays(layered)
        expected = 1 * nce(cosine(q, d), labels, mask) + 0.5 * nce(cosine(q[:, :2], d[:, :2]), labels, mask)
        assert Matryoshka(self.NCE, [6, 2], {2: 0.5})(layered).item() == pytest.approx(expected, rel=1e-12)
        expected = nce(q[:, :3] @ d[:, :3].T, labels, mask)
        assert Matryoshka(self.NCE, [3], normalise=False)(layered).item() == pytest.approx(expected, rel=1e-12)

    def test_matryoshka_over_own_lists(self, layered):
        own = replace(layered, document_vectors=layered.document_vectors.expand(2, 4, 6))
        assert Matryoshka(self.NCE, [6, 2])(own).item() == pytest.approx(
            Matryoshka(self.NCE, [6, 2])(layered).item(), rel=1e-12
        )

    def test_starbucks_by_hand(self, layered):
        (q, d), labels, mask = self.arrays(layered, -1)
        full = q @ d.T
        expected = nce(full, labels, mask)
        for layer, dimensions in ((1, 2), (3, 4)):
            (q, d), *_ = self.arrays(layered, layer)
            small = q[:, :dimensions] @ d[:, :dimensions].T
            expected += nce(small, labels, mask) + 0.7 * kl(full, small, mask, 0.5)
        # the full model among the pairs is not counted twice
        objective = Starbucks(self.NCE, [(1, 2), (3, 4), (3, 6)], kl=0.7, temperature=0.5)
        assert objective(layered).item() == pytest.approx(expected, rel=1e-12)

    def test_matryoshka_2d_by_hand(self, layered):
        (q_last, d_last), labels, mask = self.arrays(layered, -1)
        (q, d), *_ = self.arrays(layered, 2)
        expected = sum(
            nce(cosine(a[:, :m], b[:, :m]), labels, mask) for a, b in ((q_last, d_last), (q, d)) for m in (6, 3)
        )
        texts, last = np.concatenate([q, d]), np.concatenate([q_last, d_last])  # every document counts for some query
        expected += 2 * 0.3 * kl(last, texts, np.ones_like(texts, dtype=bool), 0.3)
        objective = Matryoshka2D(self.NCE, [3], layers=[2], kl=2)
        assert objective(layered).item() == pytest.approx(expected, rel=1e-12)

    def test_matryoshka_2d_draws_by_seed_and_step(self, layered):
        def values(seed):
            objective = Matryoshka2D(self.NCE, [1, 2, 3, 4, 5], seed=seed)
            return [objective(replace(layered, number=n)).item() for n in range(12)]

        assert values(0) == values(0) != values(1)
        assert len(set(values(0))) > 3

    def test_refuse(self, layered):
        with pytest.raises(InputError, match="7 dimensions of vectors that have 6"):
            Matryoshka(self.NCE, [7])(layered)
        for dimensions, weights in (([], {}), ([2], {3: 1.0})):
            with pytest.raises(InputError, match="weights for"):
                Matryoshka(self.NCE, dimensions, weights)(layered)
        for objective in (Starbucks(self.NCE, [(1, 2)]), Matryoshka2D(self.NCE, [2])):
            with pytest.raises(InputError, match="no vectors of layers"):
                objective(replace(layered, layers=None))
        with pytest.raises(InputError, match="layer 9 of a model with layers 0 to 3"):
            Starbucks(self.NCE, [(9, 2)])(layered)
        with pytest.raises(InputError, match="pairs"):
            Starbucks(self.NCE, [])(layered)
        with pytest.raises(InputError, match="at least one layer below the last"):
            Matryoshka2D(self.NCE, [2])(replace(layered, layers=layered.layers[:2]))


RANKING = [Contrastive(), Pairwise(), LambdaWeighted(), MarginMSE()]


class TestRefusals:
    @pytest.mark.parametrize("objective", RANKING)
    def test_a_batch_without_a_negative(self, objective):
        given = replace(TWO, mask=TWO.labels > 0, teacher=TWO.scores)
        with pytest.raises(InputError, match="no query of the batch has a negative"):
            objective(given)

    @pytest.mark.parametrize("objective", RANKING)
    def test_a_query_without_a_positive(self, objective):
        given = replace(TWO, labels=matrix([[1, 0, 0, 0], [0, 0, 0, 1]]), teacher=TWO.scores)  # its positive is masked
        with pytest.raises(InputError, match="1 of 2 queries of the batch have no positive, the first is 1"):
            objective(given)

    @pytest.mark.parametrize("objective", RANKING)
    def test_one_query_without_a_negative_does_not_stop_the_others(self, objective):
        given = replace(TWO, mask=torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool(), teacher=TWO.scores * 2)
        alone = Step(given.scores[:1], given.labels[:1], given.mask[:1], given.teacher[:1])
        share = 0.5 if isinstance(objective, Contrastive) else 1  # its loss is 0, and it is a query all the same
        assert objective(given).item() == pytest.approx(share * objective(alone).item(), rel=1e-12)

    @pytest.mark.parametrize("objective", [MarginMSE(), ListKL()])
    def test_a_missing_teacher(self, objective):
        with pytest.raises(InputError, match="no teacher scores"):
            objective(TWO)
        teacher = TWO.scores.clone()
        teacher[0, 2] = math.nan
        with pytest.raises(InputError, match="no score for 1 of 7 candidates"):
            objective(replace(TWO, teacher=teacher))
        teacher = TWO.scores.clone()
        teacher[1, 3] = math.nan  # masked
        assert math.isfinite(objective(replace(TWO, teacher=teacher)))

    def test_lists_of_one(self):
        given = replace(TWO, mask=torch.eye(2, 4, dtype=torch.bool), teacher=TWO.scores)
        with pytest.raises(InputError, match="no query of the batch has two candidates"):
            ListKL()(given)

    @pytest.mark.parametrize("broken", [math.nan, math.inf])
    def test_a_score_or_a_loss_that_is_no_number(self, broken):
        scores = TWO.scores.clone()
        scores[0, 1] = broken
        with pytest.raises(InputError, match="step 5: 1 of 7 scores are not finite"):
            checked(Contrastive(), replace(TWO, scores=scores, number=5))
        overflow = Weighted({"ranking": Pairwise(), "wrong": MarginMSE(scale=1e200)})
        with pytest.raises(InputError, match="step 5: wrong is inf"):
            checked(overflow, replace(TWO, teacher=TWO.scores, number=5))

    def test_a_masked_score_may_be_no_number(self):
        scores = TWO.scores.clone()
        scores[1, 3] = math.nan
        assert checked(Contrastive(), replace(TWO, scores=scores)) == Contrastive()(TWO)
        assert list(checked_parts(Contrastive(), TWO)) == ["loss"]
