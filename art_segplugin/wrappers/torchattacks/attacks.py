"""The recipes under torchattacks' parameter names."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from art_segplugin import attacks
from art_segplugin.core.iterate import Attack
from art_segplugin.core.types import NO_VOID, Images, Labels, PerImage, PixelMask
from art_segplugin.wrappers.temperatures import Temperature, at_temperature
from art_segplugin.wrappers.torchattacks.mixin import SegAttackMixin


class RecipeAttack(SegAttackMixin, ABC):
    """Runs a recipe of `art_segplugin.attacks` and computes nothing itself."""

    takes_image_labels = True

    def __init__(self, model: Any, ignore_index: int) -> None:
        super().__init__(type(self).__name__, model, ignore_index=ignore_index)
        self.supported_mode = ["default", "targeted"]

    @abstractmethod
    def recipe(self) -> Attack:
        """The attack that the present attributes describe."""

    def forward(self, images: Images, labels: Labels, *, mask: PixelMask | None = None) -> Images:
        """Adversarial images for images in [0, 1].

        Args:
            images: (n, ch, h, w).
            labels: (n, h, w), or (n,) for a classifier.
            mask: (n, h, w) True where pixels may be changed; None for everywhere.

        Raises:
            InputError: a value outside its range, or a mask of another shape.
        """
        if self.targeted:
            labels = self.get_target_label(images, labels)
        mask = None if mask is None else mask.to(images.device)
        attack = self.recipe()
        if labels.ndim == 1:
            return attack(self._one_pixel, images, labels[:, None, None], mask=mask)
        return attack(self.get_logits, images, labels, mask=mask)

    def _one_pixel(self, images: Images) -> Tensor:
        """Logits (n, c, 1, 1) of a classifier: to the core, a label map of one pixel."""
        return self.get_logits(images)[..., None, None]

    @property
    def _void_label(self) -> int:
        return NO_VOID if self._image_labels else self.ignore_index


def _size(value: Any) -> Any:
    """One number as it is; several, also in an array or a list, as a tensor."""
    several = isinstance(value, list | tuple) or getattr(value, "ndim", False)
    return torch.as_tensor(value) if several else value


class SegPGD(RecipeAttack):
    """SegPGD (Gu et al., ECCV 2022, arXiv:2207.12391, algorithm 1) in torchattacks' manner.

    Equal to `art_segplugin.attacks.segpgd`, which explains the parameters, bit for bit.

    Args:
        model: images -> logits, in any form that `art_segplugin.models.Segmenter` understands.
        eps: radius in units of [0, 1]; a tensor or array (n,) for one per image.
        alpha: length of a step.
        steps: gradient steps of one restart.
        random_start: begin at a uniform draw from the ball, else at the image.
        norm: 1, 2 or inf (also "L1", "L2", "Linf").
        restarts: independent runs; per image the lowest pixel accuracy wins.
        decay: momentum; None for none.
        schedule: how the share of the fooled pixels grows: "linear", "log", "exp", "only-correct" or
            a constant.
        ignore_index: label of void pixels in label maps.

    Shape:
        - images: (n, ch, h, w), in [0, 1] unless `set_normalization_used` was called.
        - labels: (n, h, w) class indices; or (n,) if the model is a classifier.
        - output: as images.

    Raises:
        InputError: a value outside its range.

    Examples::
        >>> attack = SegPGD(model, eps=8 / 255, alpha=2 / 255, steps=20)
        >>> adv_images = attack(images, labels)
    """

    def __init__(
        self,
        model: Any,
        eps: float | PerImage = 8 / 255,
        alpha: float | PerImage = 2 / 255,
        steps: int = 20,
        random_start: bool = True,
        *,
        norm: float | str = "Linf",
        restarts: int = 1,
        decay: float | None = None,
        schedule: str | float = "linear",
        ignore_index: int = 255,
    ) -> None:
        super().__init__(model, ignore_index)
        self.eps = eps
        self.alpha = alpha
        self.steps = steps
        self.random_start = random_start
        self.norm = norm
        self.restarts = restarts
        self.decay = decay
        self.schedule = schedule
        self.recipe()  # a bad value is said here rather than at the first batch

    def recipe(self) -> Attack:
        """The attack that the present attributes describe."""
        return attacks.segpgd(
            _size(self.eps),
            step_size=_size(self.alpha),
            steps=self.steps,
            norm=self.norm,
            random_start=self.random_start,
            restarts=self.restarts,
            targeted=self.targeted,
            ignore_index=self._void_label,
            decay=self.decay,
            schedule=self.schedule,
        )


class TemperaturePGD(RecipeAttack):
    """PGD with a temperature in its softmax (after Tian et al., KDD 2021, arXiv:2105.14240).

    Equal to `art_segplugin.attacks.temperature_pgd`, which explains the parameters, bit for bit; with
    several temperatures to `temperature_sweep`.

    Args:
        model: images -> logits: (n, c) of a classifier, or of a segmentation model in any form that
            `art_segplugin.models.Segmenter` understands.
        eps: radius in units of [0, 1]; a tensor or array (n,) for one per image.
        alpha: length of a step.
        steps: gradient steps of one restart.
        random_start: begin at a uniform draw from the ball, else at the image.
        temperature: T of softmax(scale * z / T), above 0; 1 is PGD. Several make one attack of each
            and keep the best answer of each image.
        scale: what the model's outputs are multiplied by first.
        schedule: weigh the pixels as `SegPGD` does, besides; None for PGD's way.
        norm: 1, 2 or inf (also "L1", "L2", "Linf").
        restarts: independent runs; per image the lowest pixel accuracy wins.
        decay: momentum; None for none.
        ignore_index: label of void pixels in label maps.

    Shape:
        - images: (n, ch, h, w), in [0, 1] unless `set_normalization_used` was called.
        - labels: (n,) class indices; or (n, h, w) if the model is a segmentation model.
        - output: as images.

    Raises:
        InputError: a value outside its range.

    Examples::
        >>> attack = TemperaturePGD(model, eps=8 / 255, alpha=2 / 255, steps=20, temperature=0.2)
        >>> adv_images = attack(images, labels)
    """

    def __init__(
        self,
        model: Any,
        eps: float | PerImage = 8 / 255,
        alpha: float | PerImage = 2 / 255,
        steps: int = 20,
        random_start: bool = True,
        *,
        temperature: Temperature = 0.2,
        scale: float = 1.0,
        schedule: str | float | None = None,
        norm: float | str = "Linf",
        restarts: int = 1,
        decay: float | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(model, ignore_index)
        self.eps = eps
        self.alpha = alpha
        self.steps = steps
        self.random_start = random_start
        self.temperature = temperature
        self.scale = scale
        self.schedule = schedule
        self.norm = norm
        self.restarts = restarts
        self.decay = decay
        self.recipe()  # a bad value is said here rather than at the first batch

    def recipe(self) -> Attack:
        """The attack that the present attributes describe."""
        return at_temperature(
            self.temperature,
            eps=_size(self.eps),
            step_size=_size(self.alpha),
            steps=self.steps,
            norm=self.norm,
            random_start=self.random_start,
            restarts=self.restarts,
            targeted=self.targeted,
            ignore_index=self._void_label,
            decay=self.decay,
            scale=self.scale,
            schedule=self.schedule,
        )


class SegFGSM(RecipeAttack):
    """SegFGSM, SegPGD of one step (Gu et al., arXiv:2207.12391, equation 4), in torchattacks' manner.

    Equal to `art_segplugin.attacks.segfgsm`, which explains the parameters, bit for bit.

    Args:
        model: images -> logits, in any form that `art_segplugin.models.Segmenter` understands.
        eps: radius in units of [0, 1]; a tensor or array (n,) for one per image.
        norm: 1, 2 or inf (also "L1", "L2", "Linf").
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs, which differ by their random start only.
        ignore_index: label of void pixels in label maps.

    Shape:
        - images: (n, ch, h, w), in [0, 1] unless `set_normalization_used` was called.
        - labels: (n, h, w) class indices; or (n,) if the model is a classifier.
        - output: as images.

    Raises:
        InputError: a value outside its range.

    Examples::
        >>> attack = SegFGSM(model, eps=8 / 255)
        >>> adv_images = attack(images, labels)
    """

    def __init__(
        self,
        model: Any,
        eps: float | PerImage = 8 / 255,
        *,
        norm: float | str = "Linf",
        random_start: bool = False,
        restarts: int = 1,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(model, ignore_index)
        self.eps = eps
        self.norm = norm
        self.random_start = random_start
        self.restarts = restarts
        self.recipe()  # a bad value is said here rather than at the first batch

    def recipe(self) -> Attack:
        """The attack that the present attributes describe."""
        return attacks.segfgsm(
            _size(self.eps),
            norm=self.norm,
            random_start=self.random_start,
            restarts=self.restarts,
            targeted=self.targeted,
            ignore_index=self._void_label,
        )
