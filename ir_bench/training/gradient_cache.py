"""Large batches in little memory: the gradient of a whole batch from forward passes over parts of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin, RandContext, _create_minibatch
from sentence_transformers.util import cat_padded_token_embeddings
from torch import Tensor, nn

from ir_bench.errors import InputError
from ir_bench.training.nested import needs_layers
from ir_bench.training.score_loss import Embedded, ScoreLoss, bare, of_tokens


class GradientCached(CachedLossMixin, nn.Module):
    """The same value and gradient as `loss`, with at most `mini_batch_size` texts of a column in a forward pass.

    Every text is embedded twice: without a graph for the scores of the whole batch, then with one, to which the
    gradient of its vector is applied; random numbers are the same both times, though dropout
    draws others than without parts.
    Raises InputError for an objective that reads the vectors of layers.
    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (GradCache), with
    the machinery of sentence-transformers' cached losses.
    """

    loss: ScoreLoss

    def __init__(self, loss: ScoreLoss, mini_batch_size: int) -> None:
        super().__init__()
        if needs_layers(loss.objective):
            raise InputError(
                "a gradient cache keeps one vector a text, but the objective reads those of layers",
                "an objective over scores or vectors",
                "leave mini_batch_size out, and make the batch smaller",
            )
        self.model, self.mini_batch_size = loss.model, mini_batch_size
        self.loss = loss
        self._masks: list[Tensor] = []
        self._parts: dict[str, Tensor] = {}
        self._learned: tuple[Tensor, ...] = ()
        self._features: Sequence[Mapping[str, Any]] = ()

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None) -> Tensor | dict[str, Tensor]:
        """As that of the loss; what it learns of its own gets its gradient, too."""
        features = [{**column} for column in sentence_features]
        if not torch.is_grad_enabled():
            return self.loss(features, labels)
        self._masks, self._features = [], features
        value: Tensor = CachedLossMixin.forward_cached(
            self, features if self.loss.fixed is None else features[:1], labels
        )
        own = list(zip(self.loss.learned.values(), self._learned, strict=True))
        self._features = ()

        def add(scale: Tensor) -> None:
            for parameter, gradient in own:
                moved = gradient * scale
                parameter.grad = moved if parameter.grad is None else parameter.grad + moved

        value.register_hook(add)
        if not hasattr(self.loss.objective, "parts"):
            return value
        # the trainer adds the terms up: the first carries the gradient of all, and the value of its own
        first, *others = self._parts
        return {first: value - sum(self._parts[name] for name in others), **{n: self._parts[n] for n in others}}

    def embed_minibatch(
        self,
        sentence_feature: dict[str, Any],
        begin: int,
        end: int,
        with_grad: bool,
        copy_random_state: bool,
        random_state: RandContext | None = None,
    ) -> tuple[Tensor, RandContext | None]:
        """Vectors, or token vectors, of a part of a column, with the random state that they were made in."""
        part = _create_minibatch(sentence_feature, begin, end)
        with nullcontext() if random_state is None else random_state, torch.set_grad_enabled(with_grad):
            state = RandContext(*part.values()) if copy_random_state else None
            output = self.model(part, **({"task": part["task"]} if "task" in part else {}))
        if not of_tokens(bare(self.model)):
            return output["sentence_embedding"], state
        if not with_grad:
            self._masks.append(output["attention_mask"].bool())
        return output["token_embeddings"], state

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """The sum of the objective's terms over vectors that were made in parts; their gradients stay with them."""
        masks = iter(self._masks)  # of every part, in the order of the columns
        padded = [cat_padded_token_embeddings(parts, [next(masks) for _ in parts]) for parts in reps if self._masks]
        columns = [c for c, _ in padded] if padded else [torch.cat(parts) for parts in reps]
        embedded = Embedded(columns, [mask.bool() for _, mask in padded] if padded else None)
        terms = self.loss.parts(embedded, self._features, labels)
        total = torch.stack(list(terms.values())).sum()
        self._parts = {name: term.detach() for name, term in terms.items()}
        leaves, learned = [rep for parts in reps for rep in parts], list(self.loss.learned.values())
        found = torch.autograd.grad(total, [*leaves, *learned], allow_unused=True, materialize_grads=True)
        for rep, gradient in zip(leaves, found, strict=False):
            rep.grad = gradient
        self._learned = found[len(leaves) :]
        return total.detach()
