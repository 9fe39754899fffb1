"""The attacks as ART users import them: parameters of ART's PGD, recipes of `art_segplugin.attacks`."""

from typing import Any, ClassVar

import numpy as np
from art.summary_writer import SummaryWriter

from art_segplugin.attacks import pgd, segfgsm, segpgd
from art_segplugin.core.iterate import Attack
from art_segplugin.core.types import PerImage
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.recipe_attack import RecipeAttack
from art_segplugin.wrappers.art.sizes import Size, whole_number
from art_segplugin.wrappers.temperatures import Temperature, at_temperature


class SegmentationPGD(RecipeAttack):
    """PGD on the cross-entropy of all valid pixels (arXiv:1706.06083), with restarts.

    Args:
        estimator: as all parameters that are not listed here, see `RecipeAttack`.
        eps_step: length of a step in the norm; a number or an array, as eps.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        max_iter: steps of one restart.
    """

    attack_params: ClassVar[list[str]] = [
        *RecipeAttack.attack_params,
        "eps_step",
        "decay",
        "max_iter",
    ]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Size = 8 / 255,
        eps_step: Size = 2 / 255,
        decay: float | None = None,
        max_iter: int = 20,
        targeted: bool = False,
        num_random_init: int = 1,
        batch_size: int = 32,
        random_eps: bool = False,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
    ) -> None:
        super().__init__(
            estimator,
            norm,
            eps,
            targeted,
            num_random_init,
            batch_size,
            random_eps,
            summary_writer,
            verbose,
        )
        self.eps_step = eps_step
        self.decay = decay
        self.max_iter = max_iter
        self._check_params()

    def recipe(self, eps: float | PerImage, eps_step: float | PerImage) -> Attack:
        """PGD."""
        return pgd(eps, eps_step, self.max_iter, decay=self.decay, **self._options)

    def _check_params(self) -> None:
        arrays = [isinstance(size, np.ndarray) for size in (self.eps, self.eps_step)]
        if not (all(arrays) or (isinstance(self.eps_step, int | float) and not any(arrays))):
            raise TypeError(
                f"eps is a {type(self.eps).__name__} and eps_step a {type(self.eps_step).__name__}; "
                "give two numbers (int or float) or two arrays."
            )
        if np.shape(self.eps) != np.shape(self.eps_step):
            raise InputError(
                f"eps has shape {np.shape(self.eps)} and eps_step {np.shape(self.eps_step)}; "
                "give the same number of values."
            )
        if not np.all(np.greater(self.eps_step, 0) & np.isfinite(self.eps_step)):
            raise InputError(f"eps_step is {self.eps_step}; give a finite number > 0.")
        self.max_iter = whole_number("max_iter", self.max_iter, least=1)
        super()._check_params()


class SegPGD(SegmentationPGD):
    """SegPGD (arXiv:2207.12391): first the pixels still to be fooled count, then all more and more.

    Args:
        estimator: as all parameters that are not listed here, see `SegmentationPGD`.
        schedule: how the weight of fooled pixels grows: "linear" as in the paper, "log", "exp",
            "only-correct", or a constant from 0 to 1.
    """

    attack_params: ClassVar[list[str]] = [*SegmentationPGD.attack_params, "schedule"]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Size = 8 / 255,
        eps_step: Size = 2 / 255,
        decay: float | None = None,
        max_iter: int = 20,
        targeted: bool = False,
        num_random_init: int = 1,
        batch_size: int = 32,
        random_eps: bool = False,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
        schedule: str | float = "linear",
    ) -> None:
        self.schedule = schedule  # checked with the rest
        super().__init__(
            estimator,
            norm,
            eps,
            eps_step,
            decay,
            max_iter,
            targeted,
            num_random_init,
            batch_size,
            random_eps,
            summary_writer,
            verbose,
        )

    def recipe(self, eps: float | PerImage, eps_step: float | PerImage) -> Attack:
        """SegPGD."""
        return segpgd(
            eps,
            eps_step,
            self.max_iter,
            decay=self.decay,
            schedule=self.schedule,
            **self._options,
        )


class TemperaturePGD(SegmentationPGD):
    """PGD with a temperature in its softmax (after arXiv:2105.14240).

    Other than PGD it does not stop where the softmax is saturated and gradients round to 0.

    Args:
        estimator: as all parameters that are not listed here, see `SegmentationPGD`.
        temperature: T of softmax(scale * z / T), above 0; 1 is PGD. Several make one attack of each
            and keep the best answer of each image.
        scale: what the model's outputs are multiplied by first, see
            `art_segplugin.attacks.temperature_pgd`.
        schedule: weigh the pixels as `SegPGD` does, besides; None for PGD's way.
    """

    attack_params: ClassVar[list[str]] = [
        *SegmentationPGD.attack_params,
        "temperature",
        "scale",
        "schedule",
    ]

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Size = 8 / 255,
        eps_step: Size = 2 / 255,
        decay: float | None = None,
        max_iter: int = 20,
        targeted: bool = False,
        num_random_init: int = 1,
        batch_size: int = 32,
        random_eps: bool = False,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
        temperature: Temperature = 0.2,
        scale: float = 1.0,
        schedule: str | float | None = None,
    ) -> None:
        self.temperature, self.scale = temperature, scale  # checked with the rest
        self.schedule = schedule
        super().__init__(
            estimator,
            norm,
            eps,
            eps_step,
            decay,
            max_iter,
            targeted,
            num_random_init,
            batch_size,
            random_eps,
            summary_writer,
            verbose,
        )

    def recipe(self, eps: float | PerImage, eps_step: float | PerImage) -> Attack:
        """Temperature-PGD, or the sweep."""
        return at_temperature(
            self.temperature,
            eps=eps,
            step_size=eps_step,
            steps=self.max_iter,
            decay=self.decay,
            scale=self.scale,
            schedule=self.schedule,
            **self._options,
        )


class SegFGSM(RecipeAttack):
    """SegPGD of one step of length eps (arXiv:2207.12391); all parameters as in `RecipeAttack`."""

    @property
    def eps_step(self) -> Size:
        """The one step is as long as the radius."""
        return self.eps

    def __init__(
        self,
        estimator: Any,
        norm: float | str = np.inf,
        eps: Size = 8 / 255,
        targeted: bool = False,
        num_random_init: int = 0,
        batch_size: int = 32,
        random_eps: bool = False,
        summary_writer: str | bool | SummaryWriter = False,
        verbose: bool = True,
    ) -> None:
        super().__init__(
            estimator,
            norm,
            eps,
            targeted,
            num_random_init,
            batch_size,
            random_eps,
            summary_writer,
            verbose,
        )
        self._check_params()

    def recipe(self, eps: float | PerImage, eps_step: float | PerImage) -> Attack:
        """SegFGSM."""
        return segfgsm(eps, **self._options)
