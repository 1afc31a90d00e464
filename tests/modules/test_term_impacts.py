"""uniCOIL's and DeepImpact's head against Pyserini's own term weights and a float64 loop."""

from __future__ import annotations

import ast
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_bench.modules.term_impacts import TermImpacts

VOCABULARY, DIMS = 9, 4


def features(terms: list[list[int]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Texts of term numbers, padded with term 0 whose vectors are far larger than all others."""
    width = max(map(len, terms))
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(len(terms), width, DIMS, generator=generator)
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in terms])
    vectors[mask == 0] = 1e6
    ids = torch.tensor([t + [0] * (width - len(t)) for t in terms])
    return {"input_ids": ids, "attention_mask": mask, "token_embeddings": vectors}


def head(seed: int = 0, **settings) -> TermImpacts:
    torch.manual_seed(seed)
    return TermImpacts(DIMS, VOCABULARY, **settings)


def reference(module: TermImpacts, given: dict[str, torch.Tensor], pooling: str, without: set[int]) -> np.ndarray:
    """Token by token, in float64."""
    layers = [(m.weight.detach().double().numpy(), m.bias.detach().double().numpy()) for m in module.weigh[::2]]
    result = np.zeros((len(given["input_ids"]), VOCABULARY))
    for text in range(len(result)):
        weights = defaultdict(list)
        for term, used, vector in zip(*(given[n][text] for n in given), strict=True):
            if used and int(term) not in without:
                value = vector.double().numpy()
                for matrix, bias in layers:
                    value = np.maximum(matrix @ value + bias, 0)
                weights[int(term)].append(float(value[0]))
        for term, values in weights.items():
            result[text, term] = {"max": max, "sum": sum, "first": lambda v: v[0]}[pooling](values)
    return result


texts = st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=8), min_size=1, max_size=4)


@settings(max_examples=25)
@given(texts, st.sampled_from(["max", "sum", "first"]), st.sampled_from([None, 3]), st.integers(0, 99))
def test_equals_a_float64_loop(terms, pooling, hidden, seed):
    module = head(seed, pooling=pooling, query_pooling="max", hidden=hidden, without=[0, 1])
    made = features(terms, seed)
    found = module(dict(made))["sentence_embedding"].detach().numpy()
    np.testing.assert_allclose(found, reference(module, made, pooling, {0, 1}), atol=1e-5)


def pyserinis(kind: str):
    """`_output_to_weight_dicts` of a class of pyserini.encode._unicoil: its source, since importing it starts Java."""
    source = Path(find_spec("pyserini").origin).parent / "encode" / "_unicoil.py"
    (cls,) = (node for node in ast.parse(source.read_text()).body if getattr(node, "name", "") == kind)
    (method,) = (node for node in cls.body if getattr(node, "name", "") == "_output_to_weight_dicts")
    space: dict = {}
    exec(compile(ast.Module([method], []), str(source), "exec"), space)
    return space[method.name]


@pytest.mark.parametrize(("task", "kind"), [("document", "UniCoilDocumentEncoder"), ("query", "UniCoilQueryEncoder")])
def test_equals_pyserinis_weights_of_documents_and_queries(task, kind):
    """Of pyserini 1.6: the largest weights of a document's terms, the sums of a query's."""
    names = ["[PAD]", "[CLS]", "[SEP]", *"abcdef"]
    tokenizer = SimpleNamespace(convert_ids_to_tokens=lambda ids: [names[i] for i in ids])
    module, made = (
        head(pooling="max", query_pooling="sum", without=[0, 1]),
        features([[1, 3, 4, 3, 5, 2], [1, 8, 8, 2]]),
    )
    weights = module.weigh(made["token_embeddings"]).relu().detach().numpy()
    bags = pyserinis(kind)(SimpleNamespace(tokenizer=tokenizer), made["input_ids"].numpy(), weights)
    found = module(dict(made), task=task)["sentence_embedding"].detach().numpy()
    for row, bag in zip(found, bags, strict=True):
        expected = {name: weight for name, weight in bag.items() if weight > 0}
        assert {names[i]: float(row[i]) for i in np.flatnonzero(row)} == pytest.approx(expected, abs=1e-5)


def test_masked_tokens_and_special_ones_have_no_gradient():
    module, made = head(without=[1]), features([[1, 2], [1, 2, 3, 4]])
    made["token_embeddings"].requires_grad_()
    module(made)["sentence_embedding"].sum().backward()
    gradient = made["token_embeddings"].grad
    assert (gradient[made["attention_mask"] == 0] == 0).all()
    assert (gradient[:, 0] == 0).all()


def test_the_task_of_the_features_counts_too():
    module, made = head(without=[]), features([[3] * 8])
    as_query = module({**made, "task": "query"})["sentence_embedding"]
    assert torch.equal(as_query, module(dict(made), task="query")["sentence_embedding"])
    assert not torch.equal(as_query, module(dict(made), task="document")["sentence_embedding"])


def test_an_unknown_pooling_is_an_error():
    with pytest.raises(ValueError, match="pooling 'mean'"):
        head(pooling="mean")
