"""What sentence-transformers trains a kind of model with."""

from __future__ import annotations

from typing import Any

from ir_bench.training.lists import ListValidation
from ir_bench.training.validation import MEASURE, Validation


def trainer_classes(model: Any) -> tuple[type, type]:
    """The trainer of a model's kind, and the class of its arguments."""
    import sentence_transformers as library

    kinds = {
        "SentenceTransformer": ("SentenceTransformerTrainer", "SentenceTransformerTrainingArguments"),
        "SparseEncoder": ("SparseEncoderTrainer", "SparseEncoderTrainingArguments"),
        "MultiVectorEncoder": ("MultiVectorEncoderTrainer", "MultiVectorEncoderTrainingArguments"),
        "CrossEncoder": ("CrossEncoderTrainer", "CrossEncoderTrainingArguments"),
    }
    trainer, arguments = kinds[type(model).__name__]
    return getattr(library, trainer), getattr(library, arguments)


def evaluator(validation: Validation | ListValidation) -> Any:
    """A validation as the object that a trainer takes."""
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Evaluator(BaseEvaluator):
        """The trainers take no other kind of object."""

        primary_metric = MEASURE
        greater_is_better = True

        def __call__(self, *args: Any, **settings: Any) -> dict[str, float]:
            return validation(*args, **settings)

    return Evaluator()
