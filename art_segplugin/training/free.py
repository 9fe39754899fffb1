"""FreeAT: Shafahi et al., NeurIPS 2019, arXiv:1904.12843, algorithm 1."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import (
    Objective,
    TrainingBatch,
    WeightedCrossEntropy,
    logits_of,
)


class FreeAdversarialTraining(Objective):
    """One backward pass gives the gradients of the weights and of the perturbation.

    Each batch is kept for some steps; the perturbation takes a step of length eps after each and
    is carried on to the next batch, place by place: a shorter batch leaves the other places'
    perturbations as they are. It sees class weights and margin, for there is one loss only.

    Args:
        attack: Its radius is that of the perturbation; the norm must be inf.
        loss: Cross-entropy of the update.
        replays: Steps for which a batch is kept, m of the paper.

    Raises:
        InputError: Another norm, or replays below 1.
    """

    title = "free adversarial training"

    def __init__(
        self, attack: NamedAttack, loss: WeightedCrossEntropy, *, replays: int = 4
    ) -> None:
        super().__init__(loss)
        inner = InnerAttack(attack, loss.ignore_index)
        norm = inner.build().threat_model.p
        if norm != float("inf"):
            raise InputError(f"the norm is {norm}; free adversarial training needs inf.")
        if replays < 1:
            raise InputError(f"replays is {replays}; expected at least 1, usually 4.")
        self.bounds = inner.build().threat_model.bounds
        self.eps = inner.eps
        self.repeats = replays
        self._carried: dict[int, Tensor] = {}
        self._own: set[int] = set()  # a restored state also holds the places of other processes
        self._used: list[tuple[TrainingBatch, Tensor]] = []

    def described(self) -> dict[str, Any]:
        """Radius, replays and weights."""
        return {"eps": self.eps, "replays": self.repeats, **self.loss.described()}

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy on the perturbed images, (1,)."""
        zero = torch.zeros_like(batch.images[0])
        if any(row.shape != zero.shape for row in self._carried.values()):
            raise InputError(
                "images of different sizes in turn; free adversarial training needs one size."
            )
        rows = [self._carried.get(place, zero).to(zero) for place in batch.places]
        delta = torch.stack(rows).requires_grad_()
        self._used.append((batch, delta))
        x_adv = (batch.images + delta).clamp(*self.bounds)
        return self.loss(logits_of(model, x_adv), batch.labels)[None]

    def updated(self) -> None:
        """Let the perturbation take its step."""
        for batch, delta in self._used:
            assert delta.grad is not None
            radius = batch.strength * self.eps
            stepped = delta.detach() + radius * delta.grad.nan_to_num(0.0).sign()
            kept = stepped.clamp(-radius, radius).unbind()
            self._carried.update(zip(batch.places, kept, strict=True))
            self._own.update(batch.places)
        self._used.clear()

    def state(self) -> Mapping[str, Tensor]:
        """Return the perturbation and whose it is: of the places that this process has seen."""
        if not self._carried:
            return {}
        places = sorted(self._own or self._carried)
        perturbation = torch.stack([self._carried[place] for place in places])
        return {"places": torch.tensor(places), "perturbation": perturbation}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on with a perturbation."""
        if state:
            places, rows = state["places"].tolist(), state["perturbation"].unbind()
            self._carried, self._own = dict(zip(places, rows, strict=True)), set()
