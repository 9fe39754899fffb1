"""Logit adjustment for the classes that fall first: one constant a class, fitted under attack.

Our own method, in the spirit of arXiv:2105.14240 (whose own remedy we could not read). Like
`robustness_weights` it raises the soft minimum of the class accuracies,
-log(mean_c exp(-strength * a_c)) / strength, here by constants that are added to the logits. The
adversary knows them: each round attacks the model as the last round left it.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.iterate import Attack
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images, Logits
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.batches import SampleCache, ordered_batches

PIXELS = 2000  # of one image that are looked at; neighbours tell little more
SEARCH_STEPS = 300
SHARPNESS = 10.0  # of the softmax that stands in for the arg max while searching


@dataclass(frozen=True)
class AdjustmentRound:
    """What one attack on the adjusted model told.

    Attributes:
        round: 0, 1, ...; round 0 attacks the model as it is.
        offsets: The offsets that were attacked, float32 (c,).
        accuracy: Robust accuracy of each class with them, float64 (c,); NaN for an absent class.
        soft_minimum: What is to be raised.
        best: The offsets with the highest soft minimum so far, this round's included.
    """

    round: int
    offsets: Tensor
    accuracy: Tensor
    soft_minimum: float
    best: Tensor


def fit_offsets(
    model: Segmenter,
    data: Dataset,
    attack: Attack,
    *,
    strength: float = 10.0,
    rounds: int = 3,
    batch_size: int = 8,
    seed: int = 0,
) -> Iterator[AdjustmentRound]:
    """Fit the offsets on held-out data, one yielded state per attack: rounds + 1 of them.

    Args:
        model: Left as it is; `art_segplugin.heads.add_to_logits` applies the answer.
        data: Labelled samples that neither training nor the final judgement uses.
        attack: What the classes are to withstand; it attacks model + offsets. Its ignore_index is to be
            the model's.
        strength: How much the weakest class counts; towards infinity it alone does.
        rounds: Searches for better offsets.
        batch_size: Images attacked together.
        seed: Seed of random starts and of the pixels that are looked at.

    Raises:
        InputError: No data, strength or rounds out of range, an attack with another ignore_index than
            the model, or labels that are void everywhere.
    """
    if not (0 < strength < math.inf and rounds >= 1):
        raise InputError(
            f"strength is {strength} and rounds is {rounds}; expected a number > 0 such as 10 and "
            "at least 1 round."
        )
    if len(data) == 0:
        raise InputError("the data set is empty; offsets are fitted on held-out images.")
    if attack.ignore_index != model.ignore_index:
        raise InputError(
            f"void is {attack.ignore_index} for the attack and {model.ignore_index} for the model: "
            "build the attack with the ignore_index of the model."
        )
    classes = len(data.palette.classes)
    samples = SampleCache(data, 2**31)
    offsets = best = torch.zeros(classes)
    highest = -math.inf
    with ThreadPoolExecutor(1, thread_name_prefix="samples") as maker:
        for number in range(rounds + 1):
            logits, labels = _attacked(model, samples, maker, attack, offsets, batch_size, seed)
            accuracy = _accuracy(logits.argmax(1) == labels, labels, classes)
            reached = float(soft_minimum(accuracy, strength))
            if reached > highest:
                best, highest = offsets, reached
            yield AdjustmentRound(number, offsets, accuracy, reached, best)
            if number < rounds:
                offsets = offsets + _better(logits, labels, classes, strength)


def soft_minimum(accuracy: Tensor, strength: float) -> Tensor:
    """-log(mean_c exp(-strength * a_c)) / strength over the classes that occur (NaN: absent)."""
    known = accuracy[~accuracy.isnan()]
    return (math.log(len(known)) - torch.logsumexp(-strength * known, 0)) / strength


def _attacked(
    model: Segmenter,
    samples: SampleCache,
    maker: ThreadPoolExecutor,
    attack: Attack,
    offsets: Tensor,
    batch_size: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Logits (pixels, c) with the offsets, and labels, of some pixels of all attacked images."""
    device = model.device
    added = offsets.to(device).view(1, -1, 1, 1)
    generator = torch.Generator(device).manual_seed(seed)
    chooser = torch.Generator().manual_seed(seed)

    def adjusted(images: Images) -> Logits:
        logits: Logits = model(images) + added
        return logits

    chosen: list[tuple[Tensor, Tensor]] = []
    for images, labels in ordered_batches(samples, maker, batch_size):
        images, labels = images.to(device), labels.to(device)
        void = labels == model.ignore_index
        with evaluation_mode(model):  # until the last backward pass: checkpointed layers run in it
            x_adv = attack(adjusted, images, labels, generator=generator)
            with torch.no_grad():
                logits = adjusted(x_adv).movedim(1, -1)[~void].cpu()
        few = torch.randperm(len(logits), generator=chooser)[: PIXELS * len(images)]
        chosen.append((logits[few], labels[~void].cpu()[few]))
    logits, labels = (torch.cat(parts) for parts in zip(*chosen, strict=True))
    if not len(labels):
        raise InputError("the data hold void pixels only; offsets need labelled ones.")
    return logits, labels


def _accuracy(right: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Mean of `right` over the pixels of each class (c,); NaN for an absent class."""
    hits = torch.zeros(classes, dtype=torch.float64).index_add(0, labels, right.double())
    return hits / torch.bincount(labels, minlength=classes)


def _better(logits: Tensor, labels: Tensor, classes: int, strength: float) -> Tensor:
    """Changes of the offsets that raise the soft minimum on these logits."""
    spread = logits.std().clamp(min=1e-6)  # logits of networks differ in scale
    there = torch.bincount(labels, minlength=classes) > 0
    raw = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.Adam([raw], lr=0.02)

    def change() -> Tensor:
        """Mean 0, and 0 for absent classes: to sink them would cost nothing here, and all elsewhere."""
        return torch.where(there, raw - raw[there].mean(), 0.0)

    for _ in range(SEARCH_STEPS):
        shifted = F.softmax(SHARPNESS * (logits / spread + change()), 1)
        of_label = shifted.gather(1, labels[:, None]).squeeze(1)
        loss = -soft_minimum(_accuracy(of_label, labels, classes), strength)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return change().detach() * spread
