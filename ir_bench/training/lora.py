"""Low-rank updates of a transformer's linear maps, learned in the place of its weights."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from ir_bench.errors import InputError


def add_lora(model: Any, rank: int) -> None:
    """Give every linear map of the transformer an update of this rank, which alone learns of it.

    Source: Hu et al. 2022, LoRA: Low-Rank Adaptation of Large Language Models.
    Raises InputError without the package peft.
    """
    if find_spec("peft") is None:
        raise InputError("learns=lora needs the package peft", "peft", "pip install 'ir-bench[train]'")
    from peft import LoraConfig

    transformer = next(iter(model.children()))
    transformer.model.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def merge_lora(model: Any) -> None:
    """Put the updates into the weights, so that the model is an ordinary one again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    transformer = next(iter(model.children())).model
    for name, module in list(transformer.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(transformer.get_submodule(parent), last, module.get_base_layer())
    transformer._hf_peft_config_loaded = False
    transformer.peft_config = {}
