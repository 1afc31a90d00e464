"""The tiny checkpoints of the encoders' tests."""

from encoders.conftest import bare_bert, tokenizer_files

__all__ = ["bare_bert", "tokenizer_files"]
