"""Saving and loading that all modules with weights share."""

from __future__ import annotations

from typing import Any, Self

from sentence_transformers.base.modules.module import Module


class Weighted(Module):
    """A module kept as its settings (`config_keys`) and its weights, in safetensors."""

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> Self:
        where = {
            name: options.get(name) for name in ("token", "cache_folder", "revision", "local_files_only")
        }  # what the library's own loading of a file takes
        module = cls(**cls.load_config(model_name_or_path, subfolder=subfolder, **where))
        return cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=module, **where)
