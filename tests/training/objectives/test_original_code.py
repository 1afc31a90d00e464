"""The same numbers as the authors' own code, where no package holds it.

Each string is what that code gave in double precision on the inputs here: the value, then its gradient in each input,
row by row.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.lambda_weighted import LambdaWeighted
from ir_bench.training.objectives.matryoshka import Matryoshka
from ir_bench.training.objectives.pairwise import Pairwise
from ir_bench.training.objectives.starbucks import Starbucks
from ir_bench.training.objectives.vector_matching import VectorMatching
from ir_bench.training.step import Step


def drawn(seed: int, *shape: int) -> Tensor:
    """Sixteenths from -1.5 to 1.5: exact in single precision too, to which ADORE's code casts the documents."""
    numbers = np.random.default_rng(seed).integers(-24, 25, shape) / 16
    return torch.from_numpy(numbers).requires_grad_()


def same(value: Tensor, inputs: list[Tensor], theirs: str) -> None:
    gradients = torch.autograd.grad(value, inputs)
    ours = torch.cat([value.reshape(1), *(gradient.flatten() for gradient in gradients)])
    expected = torch.tensor([float(number) for number in theirs.split()], dtype=torch.float64)
    torch.testing.assert_close(ours, expected, rtol=1e-7, atol=1e-7)


# STAR: jingtaozhan/DRhard, model.py (inbatch_train), commit 15e22359e70bccfb0b7b5ddf9c050161efc93607.
STAR = """
    1.353177287 -0.239798181 0.117438104 0.300728243 0.08550222 -0.053434658 -0.330753939 0.010924003 0.019812612
    -0.256443887 -0.367502954 0.330828725 0.247355487 -0.018691569 0.014710796 0.016745043 0.032594251 -0.01756929
    0.023424649 0.020171351 0.052834624 -0.057321449 -0.032896351 -0.028642927 0.009666885
    """


def test_star() -> None:
    """Each query's document and two mined ones. Query 1 also has document 2 as a positive, query 0 the mined 4 and
    query 2 the mined 1: left out by rel_pair_mask and hard_pair_mask there, by the mask here."""
    queries, documents, mined = drawn(1, 3, 2), drawn(2, 3, 2), drawn(3, 3, 2, 2)
    scores = queries @ torch.cat([documents, mined.flatten(0, 1)]).T
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 2] = mask[0, 3 + 4] = mask[2, 3 + 1] = False
    same(Pairwise()(Step(scores, torch.eye(3, 9), mask)), [queries, documents, mined], STAR)


# ADORE: jingtaozhan/DRhard, adore/train.py (the loop over a batch's queries), commit
# 15e22359e70bccfb0b7b5ddf9c050161efc93607: the corrected pair loss, not that of the first revision. By metric_cut.
ADORE = {
    3: """
    0.735471041 -0.05933343 0.036102655 -0.008378646 -0.032384672 0.041569186 -0.048305883 0.207083221 -0.215883262
    0.140411394
    """,
    6: """
    0.566490438 -0.039339049 0.015738378 0.009082524 -0.021929969 0.038881627 -0.050174617 0.157060934 -0.173259
    0.103222339
    """,
}


@pytest.mark.parametrize(("theirs", "cut"), [(3, 3), (6, 6), (6, None)])
def test_adore(theirs: int, cut: int | None) -> None:
    """Five documents retrieved for each query: one positive at rank 2; two at ranks 1 and 4, while a third is not
    retrieved and left out; none, where the code appends the positive at rank 6. A cut of 6 cuts nothing."""
    queries, documents = drawn(4, 3, 3), drawn(5, 9, 3).detach()
    scores = queries @ documents.T
    mask, labels = torch.zeros(3, 9, dtype=torch.bool), torch.zeros(3, 9)
    mask.scatter_(1, scores.topk(5).indices, True)
    mask[2, 6] = True
    labels[0, 1] = labels[1, 2] = labels[1, 7] = labels[1, 4] = labels[2, 6] = 1
    # their reciprocal ranks are of single precision
    same(LambdaWeighted(cut)(Step(scores, labels, mask)), [queries], ADORE[theirs])


# Starbucks: ielab/Starbucks, retrieval/modeling.py (SrlDenseModel.forward), commit
# 2a3b24f0e9c27bb8ff94f97f84521d3230fe2e55: sub_model_sampling off, as in its arguments.py; layer_list 1,2,3,
# embedding_dim_list 2,3,4. Its base class gave the cross-entropy; ours is that of texttron/tevatron.
# By normalize, temperature, kl_divergence_weight; the first is that of its README.
STARBUCKS = {
    (False, 1.0, 1.0): """
    8.754422878 0 0 0 0 0 0 0 0 -0.678679177 0.45948085 0 0 -1.171947297 0.989736976 0 0 0.259915306 -0.3157888
    -0.440033733 0 -0.265483897 -0.386165537 0.557564738 0 0.799983927 0.651262289 1.012891938 0.579911948
    0.141182868 -0.212656485 0.438583321 0.457897859 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 -0.156770948 0.637976348 0 0
    0.121956577 -0.803528577 0 0 0.108898301 -0.194186848 0 0 -0.07408393 0.359739077 0 0 -0.092571554 -0.152463456
    0.057597476 0 -0.249643342 0.370292944 -0.401881509 0 0.158850782 -0.419894241 0.387116108 0 0.183364114
    0.202064754 -0.042832075 0 -0.523886366 0.745971271 -0.70655553 -0.706261403 0.61823348 -0.336485835 1.024435037
    1.049210429 -0.09868108 -0.424738523 -0.331234793 -0.357291588 0.004333966 0.015253088 0.013355286 0.014342562
    """,
    (True, 0.25, 0.5): """
    6.760946985 0 0 0 0 0 0 0 0 -0.444965256 0.065521788 0.134805845 -0.062909394 -1.995567538 1.214891266
    -1.055415408 0.649486405 0.401358438 -0.510679177 -0.798654539 0.011781332 -0.162608448 -0.020245663 0.129836593
    -0.11392054 0.358266105 0.789195831 0.452201007 0.106502304 -0.299853255 -0.592041103 0.444786928 0.349274329 0
    0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0.042460139 0.466743054 0.324658638 0.034174593 -0.131005415 -0.521826103
    0.135012946 0.185642801 0.128611581 -0.411879828 -0.260811706 0.032601463 -0.462633982 1.963777361 -0.074021437
    -0.055516078 -0.199160967 -0.136266441 0.151265594 0.071529334 -0.111261144 0.225526499 -0.193538654
    -0.074535699 0.081068028 -0.094088772 0.053724389 0.121671845 0.11322652 0.169447407 0.049461218 0.096136303
    -0.412008325 0.499628633 -0.59979172 -0.540817393 -0.340381485 0.064315305 0.308418271 0.166556534 0.205862953
    -0.81183573 -0.767289813 -0.724662315 -0.002468585 0.003915054 0.003022263 0.000751738
    """,
}


@pytest.mark.parametrize("settings", STARBUCKS)
def test_starbucks(settings: tuple[bool, float, float]) -> None:
    """Two queries, each with a positive and a negative, that share the four documents; an embedding layer and three."""
    unit_length, temperature, kl = settings
    queries, documents = drawn(6, 4, 2, 4), drawn(7, 4, 4, 4)
    layers = list(zip(queries, documents, strict=True))
    if unit_length:  # of the whole vector, before the cut
        layers = [(normalize(q, dim=1), normalize(d, dim=1)) for q, d in layers]
    labels = torch.tensor([[1, 0, 0, 0], [0, 0, 1, 0]])
    step = Step(torch.zeros(2, 4), labels, torch.ones(2, 4, dtype=torch.bool), layers=layers)
    objective = Starbucks(Contrastive(temperature), [(1, 2), (2, 3), (3, 4)], kl, temperature)
    same(objective(step), [queries, documents], STARBUCKS[settings])


# Stella and Jasper: NovaSearch-Team/RAG-Retrieval, rag_retrieval/train/embedding/model_distill.py
# (DistillEmbedding.forward), commit 950da5769356760d6a837d2614d0dfa46493cb66. By mrl_dims.
JASPER = {
    (4,): """
    55.135569471 -7.473449261 4.331369394 -0.371418446 4.667935718 3.861860738 -2.584148465 14.75120395 -4.623285145
    3.113247681 5.541913048 6.515254619 -4.357686598 -2.99048345 -11.187613897 27.922011299 -19.668191434
    0.533785659 -0.597978215 -0.154489933 -1.224463929 -4.301835318 1.39290424 2.395793063 -6.001637504
    """,
    (2, 4): """
    72.402354118 -1.914260312 4.595408711 -0.366019457 2.210911674 1.078731464 0.133819449 7.335287645 -2.348781075
    -5.713540694 5.301202607 3.074676096 -2.443202409 -24.695458681 -35.563176318 13.857975851 -10.230364172
    0.381959743 -0.455774866 -0.232124602 -0.58960084 -1.644321285 1.310420184 1.115472692 -2.853957908
    """,
}


def matched() -> tuple[Step, Tensor]:
    """Two queries and four documents, six texts there; no two similarities of the teacher are equal."""
    student, teacher = drawn(8, 6, 4), drawn(9, 6, 4).detach()
    step = Step(
        torch.zeros(2, 4),
        torch.zeros(2, 4),
        torch.ones(2, 4, dtype=torch.bool),
        query_vectors=student[:2],
        document_vectors=student[2:],
        teacher_query_vectors=teacher[:2],
        teacher_document_vectors=teacher[2:],
    )
    return step, student


def test_jasper() -> None:
    step, student = matched()
    same(VectorMatching()(step), [student], JASPER[4,])


def test_jasper_at_several_dimensions() -> None:
    """The cosine at all dimensions, the similarities and their order on average over the prefixes."""
    step, student = matched()
    prefixes = Matryoshka(VectorMatching(cosine=0), [2, 4], {2: 1 / 2, 4: 1 / 2})
    same(VectorMatching(gram=0, order=0)(step) + prefixes(step), [student], JASPER[2, 4])
