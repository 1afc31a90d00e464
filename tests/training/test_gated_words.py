"""One gated vector for each word: untrained, trained, and closed by its regulariser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.test_fit import WORDS, fit, stage
from training.test_padded_tokens import learned, step
from training_steps import random_tokens

from ir_bench.errors import InputError
from ir_bench.heads import Head
from ir_bench.modules import load
from ir_bench.training.architectures.gated_words import GatedWords
from ir_bench.training.architectures.late_interaction import LateInteraction
from ir_bench.training.objectives.contrastive import Contrastive
from ir_bench.training.objectives.token_lengths import TokenLengths
from ir_bench.training.objectives.weighted import Weighted

PIECES = {"continuation": "c"}  # of the test's tokenizer, which has no pieces inside words: "cat" goes on


@pytest.fixture
def model(checkpoint: Callable[..., Path]) -> Path:
    return checkpoint()


def test_untrained_it_is_the_mean_of_each_words_vectors(model: Path) -> None:
    built = GatedWords(8, **PIECES).build(str(model), WORDS).eval()
    plain = LateInteraction(8).build(str(model), WORDS)
    texts = ["dog ran", "the dog sat", "dog mat dog", "a dog cat mat dog cat"]
    for method in ("encode_query", "encode_document"):
        mine, theirs = ([np.asarray(v) for v in getattr(m, method)(texts)] for m in (built, plain))
        for one, other in zip(mine[:2], theirs[:2], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
        # special tokens may be words, too
        assert [len(other) - len(one) for one, other in zip(mine, theirs, strict=True)] == [0, 0, 1, 3]
        assert all(np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5) for one in mine)


def trained(folder: Path, model: Path, weight: float) -> Path:
    objective = Weighted({"ranking": Contrastive(temperature=0.5), "gates": TokenLengths()}, {"gates": weight})
    settings = {"steps": 60, "validate_every": 60, "learning_rate": 0.05}  # the last step is kept
    fit(folder, model, GatedWords(8, **PIECES), replace(stage(**settings), objective=objective)).run()
    return folder / "out"


def test_the_regulariser_closes_gates_and_what_is_closed_is_not_encoded(tmp_path: Path, model: Path) -> None:
    from sentence_transformers import MultiVectorEncoder

    texts = [f"the {word} on a {word}" for word in WORDS]
    kept = {}
    for weight in (0.0, 0.1):
        found = load(MultiVectorEncoder, trained(tmp_path / str(weight), model, weight), device="cpu")
        vectors = [np.asarray(v) for v in found.encode_document(texts)]
        assert all((np.linalg.norm(v, axis=1) > 0).all() for v in vectors)
        kept[weight] = sum(map(len, vectors))
        queries = [np.asarray(v) for v in found.encode_query(texts)]
        assert all(np.allclose(np.linalg.norm(v, axis=1), 1, atol=1e-5) for v in queries)
    assert 0 < kept[0.1] < kept[0.0]


def test_the_head_alone_gives_the_models_vectors(tmp_path: Path, model: Path) -> None:
    from sentence_transformers import MultiVectorEncoder

    folder = trained(tmp_path, model, 0.1)
    whole, head = load(MultiVectorEncoder, folder, device="cpu").eval(), Head.load(str(folder))
    texts = ["the cat sat on a mat", "dog dog wing", "fast"]
    given = whole.preprocess(texts)
    with torch.inference_mode():
        expected = whole(dict(given), task="document")
        found = head(dict(whole[0](dict(given))), "document")
    assert torch.equal(found["attention_mask"], expected["attention_mask"])
    open_ones = found["attention_mask"].sum().item()
    assert 0 < open_ones <= whole[3](dict(whole[0](dict(given))))["attention_mask"].sum().item()
    mask = found["attention_mask"].bool()
    torch.testing.assert_close(found["token_embeddings"][mask], expected["token_embeddings"][mask])


def test_a_tokenizer_without_pieces_is_an_error(model: Path) -> None:
    with pytest.raises(InputError, match="no token of the model's vocabulary begins with '@@'"):
        GatedWords(8, continuation="@@").build(str(model), WORDS)


@pytest.mark.parametrize("own_lists", [False, True])
def test_token_lengths_by_hand(own_lists: bool) -> None:
    made = step(learned(random_tokens(own_lists)))
    assert made.tokens is not None
    documents = made.tokens.documents.detach().numpy()
    sums = (np.linalg.norm(documents, axis=-1) * made.tokens.documents_mask.numpy()).sum(-1)
    expected = sums[made.mask.numpy() if own_lists else made.mask.any(0).numpy()].mean()
    value = TokenLengths()(made)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    (gradient,) = torch.autograd.grad(value, [made.tokens.documents])
    assert not gradient[~made.tokens.documents_mask].any()


def test_token_lengths_of_zeros_have_finite_gradients() -> None:
    plain = random_tokens()
    made = step(learned(replace(plain, documents=torch.zeros_like(plain.documents))))
    assert made.tokens is not None
    (gradient,) = torch.autograd.grad(TokenLengths()(made), [made.tokens.documents])
    assert not gradient.any()
    with pytest.raises(InputError, match="the step has none"):
        TokenLengths()(replace(made, tokens=None))
