"""Tiny random transformer checkpoints, written to disk the way published ones are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "mat", "wing", "flow", "air", "fast", "query", "passage"]
VOCABULARY = [*SPECIAL, *WORDS[:-2], "##s", "##ed", ":", *WORDS[-2:]]


@pytest.fixture
def tokenizer_files() -> Callable[..., None]:
    def write(folder: Path, *more: str) -> None:
        from transformers import BertTokenizerFast

        folder.mkdir(parents=True, exist_ok=True)
        vocabulary = folder / "vocab.txt"
        vocabulary.write_text("\n".join([*VOCABULARY, *more]) + "\n", encoding="utf-8")
        BertTokenizerFast(str(vocabulary)).save_pretrained(folder)

    return write


@pytest.fixture
def bare_bert(tmp_path: Path, tokenizer_files) -> Path:
    """A transformers checkpoint of 16 dimensions and 32 positions, without sentence-transformers' files."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path / "bare"
    tokenizer_files(folder)
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=32, initializer_range=0.5, **sizes)
    BertModel(config).eval().save_pretrained(folder)
    return folder


@pytest.fixture
def bare_mlm(tmp_path: Path, tokenizer_files) -> Path:
    """A masked language model of 40 positions as transformers saves it; its logits are as often negative as not."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path / "mlm"
    tokenizer_files(folder)
    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=40, initializer_range=0.5, **sizes)
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        model.cls.predictions.bias -= 2.0  # zeros in the maximum over a text's tokens too
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path, bare_bert: Path) -> Callable[..., Path]:
    """A sentence-transformers checkpoint with mean pooling; options are those of SentenceTransformer."""

    def write(**options: object) -> Path:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        modules = [Transformer(str(bare_bert)), Pooling(16, pooling_mode="mean")]
        folder = tmp_path / "checkpoint"
        SentenceTransformer(modules=modules, device="cpu", **options).save_pretrained(
            str(folder), create_model_card=False
        )
        return folder

    return write
