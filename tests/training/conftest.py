"""Tiny checkpoints to train."""

from encoders.conftest import bare_bert, checkpoint, tokenizer_files

__all__ = ["bare_bert", "checkpoint", "tokenizer_files"]
