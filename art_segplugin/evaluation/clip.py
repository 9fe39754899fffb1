"""Attack the pictures of a clip one after the other, exactly and as the 8 bits that are written."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from art_segplugin.core.types import Images, Logits
from art_segplugin.data.resampling import even
from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import AttackPlan, Mask
from art_segplugin.evaluation.exact_files import Pixels
from art_segplugin.evaluation.model_refs import validate
from art_segplugin.evaluation.picture import CleanPicture, clean_picture, finite_logits, image_batch
from art_segplugin.evaluation.quantise import to_8_bit
from art_segplugin.evaluation.scores import Scores, scores_of
from art_segplugin.evaluation.summary import to_uint8
from art_segplugin.models import Segmenter

KINDS = ("clean", "exact", "8-bit")
"""What is scored of each model: the picture, the attack's answer, and the answer as it is written."""


@dataclass(frozen=True, eq=False)
class AttackedSide:
    """What one model says about one picture of a clip.

    Attributes:
        clean: the picture, and the prediction for it.
        x_adv: exact adversarial image (1, 3, h, w).
        logits: the model's for it.
        x_8_bit: the same as multiples of 1/255, inside the threat model.
        logits_8_bit: the model's for that.
        numbers: figures by the names in KINDS.
    """

    clean: CleanPicture
    x_adv: Images
    logits: Logits
    x_8_bit: Images
    logits_8_bit: Logits
    numbers: dict[str, Scores]

    @property
    def written(self) -> Pixels:
        """The adversarial image as it is written, RGB uint8 (h, w, 3)."""
        return to_uint8(self.x_8_bit[0])


@dataclass(frozen=True, eq=False)
class AttackedPicture:
    """One picture of a clip after the attack.

    Attributes:
        index: position in the source.
        a: the first model.
        b: the second; None where there is none.
        seconds: time taken.
    """

    index: int
    a: AttackedSide
    b: AttackedSide | None
    seconds: float

    @property
    def sides(self) -> dict[str, AttackedSide]:
        """The models by the names "A" and "B"."""
        return {"A": self.a} if self.b is None else {"A": self.a, "B": self.b}

    @property
    def numbers(self) -> dict[str, Scores]:
        """All figures, by names such as "A clean" and "B 8-bit"."""
        return {
            f"{name} {kind}": side.numbers[kind]
            for name, side in self.sides.items()
            for kind in KINDS
        }


class ClipAttack:
    """Attacks pictures in order; each may begin with the perturbation of the one before.

    That perturbation is the one of 8 bits that was written, so that a run that goes on from files
    gives what one without a break gives.

    Args:
        a: the first model, as `open_model` gives it.
        b: the second; None for none.
        transfer: B is shown the images that were made against A, instead of its own attack's.
        plan: the attack; the random start of a picture depends on its position too. A picture
            without a pixel of the class that is to be mistaken, or whose pixels may change, is left
            as it is.
        mask: pixels that may change, bool (h, w), where the plan's region is "painted".
        warm_start: begin with the perturbation of the picture before.
    """

    def __init__(
        self,
        a: Segmenter,
        b: Segmenter | None,
        plan: AttackPlan,
        *,
        transfer: bool = True,
        mask: Mask | None = None,
        warm_start: bool = False,
    ) -> None:
        self._models = {"A": a} if b is None else {"A": a, "B": b}
        self._plan, self._transfer, self._warm = plan, transfer, warm_start
        self._mask = None if mask is None else even(mask)
        self._size: tuple[int, ...] | None = None
        self._before: dict[str, tuple[Pixels, Pixels]] = {}

    def attack(
        self, index: int, image: Pixels, labels: Pixels | None, name: str = "the picture"
    ) -> AttackedPicture:
        """Attack the next picture.

        Args:
            index: position in the source.
            image: RGB, uint8 (h, w, 3), see `even`.
            labels: true classes, uint8 (h, w), 255 for void; None where there are none.
            name: of the picture, for messages.

        Raises:
            InputError: a model does not take the picture, the attack does not fit it, or it has
                another size than the one before.
        """
        started = time.perf_counter()
        self._check_size(image, name)
        clean = {
            key: self._clean(model, image, labels, name) for key, model in self._models.items()
        }
        sides: dict[str, AttackedSide] = {}
        for key, picture in clean.items():
            shared = sides.get("A") if self._transfer else None
            sides[key] = self._side(key, picture, image, index, shared)
        for key, side in sides.items():
            self._before[key] = image, side.written
        seconds = time.perf_counter() - started
        return AttackedPicture(index, sides["A"], sides.get("B"), seconds)

    def go_on_after(self, image: Pixels, written: dict[str, Pixels]) -> None:
        """Take a picture as the one before, without attacking it once more.

        Args:
            image: the picture, RGB uint8 (h, w, 3).
            written: its adversarial image against each model ("A", "B"), as 8 bits.
        """
        self._check_size(image, "the picture before")
        self._before = {key: (image, pixels) for key, pixels in written.items()}

    def _check_size(self, image: Pixels, name: str) -> None:
        size = image.shape[:2]
        if self._size is None:
            self._size = size
        if size != self._size:
            raise InputError(
                f"{name} is {size[1]} x {size[0]} but those before are {self._size[1]} x "
                f"{self._size[0]}; a clip has pictures of one size, so choose another range."
            )

    def _clean(
        self, model: Segmenter, image: Pixels, labels: Pixels | None, name: str
    ) -> CleanPicture:
        if not self._before:  # costs a forward, so not for every picture
            validate(model, image_batch(image, next(iter(model.buffers())).device))
        return clean_picture(model, image, labels, name)

    def _side(
        self,
        key: str,
        clean: CleanPicture,
        image: Pixels,
        index: int,
        shared: AttackedSide | None,
    ) -> AttackedSide:
        threat_model = self._plan.build(clean).threat_model
        if shared is None:
            x_adv, logits = self._answer(key, clean, image, index)
            x_8_bit = to_8_bit(x_adv, clean.x, threat_model)
        else:
            x_adv, x_8_bit = shared.x_adv, shared.x_8_bit
            logits = finite_logits(clean.model, x_adv)
        logits_8_bit = finite_logits(clean.model, x_8_bit)
        figures = (
            scores_of(clean, clean.logits),
            scores_of(clean, logits, x_adv, threat_model.p),
            scores_of(clean, logits_8_bit, x_8_bit, threat_model.p),
        )
        numbers = dict(zip(KINDS, figures, strict=True))
        return AttackedSide(clean, x_adv, logits, x_8_bit, logits_8_bit, numbers)

    def _answer(
        self, key: str, clean: CleanPicture, image: Pixels, index: int
    ) -> tuple[Images, Logits]:
        self._plan.check(clean.model.classes or 0)
        if not self._plan.applies(clean.reference):
            return clean.x, clean.logits
        start = self._start(key, clean, image)
        x_adv = self._plan.answer(clean, self._mask, index, start)
        return x_adv, finite_logits(clean.model, x_adv)

    def _start(self, key: str, clean: CleanPicture, image: Pixels) -> Tensor | None:
        before = self._before.get(key)
        if not self._warm or before is None:
            return None
        change = before[1].astype(np.int16) - before[0].astype(np.int16)
        moved = np.clip(image + change, 0, 255).astype(np.uint8)
        return image_batch(moved, clean.x.device)


def predicted(logits: Logits) -> Pixels:
    """The predicted classes of one picture, uint8 (h, w)."""
    classes: Pixels = logits.argmax(1)[0].to(torch.uint8).cpu().numpy()
    return classes
