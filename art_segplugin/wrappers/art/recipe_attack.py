"""An ART evasion attack that runs a recipe of `art_segplugin.attacks`: arrays in, arrays out."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from art.estimators.classification import PyTorchClassifier
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.summary_writer import SummaryWriter, SummaryWriterDefault
from tqdm.auto import trange

from art_segplugin.core.iterate import Attack, Iterate
from art_segplugin.core.types import Images, Labels, PerImage, PixelMask
from art_segplugin.errors import InputError
from art_segplugin.models.outputs import check_outputs, no_predictions
from art_segplugin.wrappers.art.arrays import (
    Data,
    Same,
    check_images,
    float_copy,
    from_images,
    to_array,
    to_images,
)
from art_segplugin.wrappers.art.estimator import SegmenterMixin
from art_segplugin.wrappers.art.estimator_view import EstimatorView, view_of
from art_segplugin.wrappers.art.masks import pixel_mask
from art_segplugin.wrappers.art.sizes import (
    Size,
    check_range,
    of_batch,
    per_image_size,
    pixel_bounds,
    shrunk_at_random,
    whole_number,
)

_CHECKED = 32
"""Images of a classifier whose outputs are looked at before the attack; of a segmenter one will do."""


class RecipeAttack(EvasionAttack):
    """What the attacks on segmenters and classifiers share; a subclass says which recipe it is.

    The perturbations of a batch are those of the recipe, bit for bit. What is increased is the
    recipe's own loss, whatever the loss of the estimator.

    Args:
        estimator: a segmenter, such as `PyTorchSegmenter`, or ART's `PyTorchClassifier`, to which one
            label per image is one pixel: pixel accuracy is then 1 while the label is predicted, else 0.
        norm: 1, 2, np.inf or "inf".
        eps: radius, in the unit of the images: a number, or an array with one per image.
        targeted: labels are what the adversary wants.
        num_random_init: 0 to start at the image; k for k random starts, of which the one with the
            lowest pixel accuracy (the highest share of pixels on target, if targeted) wins.
        batch_size: images attacked together.
        random_eps: draw the radius anew in each `generate`, from the normal distribution of standard
            deviation eps/2 cut to [0, eps]; steps shrink alike (arXiv:1611.01236).
        summary_writer: False, True (a folder in runs/), a folder or a `SummaryWriter`: TensorBoard
            curves of the losses and of the norms of the estimator's loss gradient, which cost a
            forward pass and a gradient at each point.
        verbose: show a progress bar over the batches.

    Raises:
        TypeError: a parameter of a wrong type.
        ValueError: a parameter outside its range.
    """

    attack_params: ClassVar[list[str]] = [
        *EvasionAttack.attack_params,
        "norm",
        "eps",
        "targeted",
        "num_random_init",
        "batch_size",
        "random_eps",
        "summary_writer",
        "verbose",
    ]
    _estimator_requirements = (
        BaseEstimator,
        LossGradientsMixin,
        (SegmenterMixin, PyTorchClassifier),
    )

    def __init__(
        self,
        estimator: Any,
        norm: float | str,
        eps: Size,
        targeted: bool,
        num_random_init: int,
        batch_size: int,
        random_eps: bool,
        summary_writer: str | bool | SummaryWriter,
        verbose: bool,
    ) -> None:
        super().__init__(estimator=estimator, summary_writer=summary_writer)
        self.norm = norm
        self.eps = eps
        self.targeted = targeted
        self.num_random_init = num_random_init
        self.batch_size = batch_size
        self.random_eps = random_eps
        self.verbose = verbose

    @abstractmethod
    def recipe(self, eps: float | PerImage, eps_step: float | PerImage) -> Attack:
        """The attack on a batch, given its radius and step size: one number each, or (n,)."""

    @property
    def summary_writer(self) -> SummaryWriter | None:
        """Where the curves go; set a folder, True, False or a writer."""
        return self._summary_writer

    @summary_writer.setter
    def summary_writer(self, value: Any) -> None:
        self._summary_writer_arg = value
        if not isinstance(value, SummaryWriter):
            value = SummaryWriterDefault(value) if value else None
        self._summary_writer = value

    def generate(
        self,
        x: Same,
        y: Data | None = None,
        mask: Data | None = None,
        generator: torch.Generator | None = None,
        **kwargs: Any,
    ) -> Same:
        """Adversarial images: float32 array of the shape of `x`, or a tensor if `x` is one.

        Args:
            x: images, in the layout and range of the estimator.
            y: labels in any form that the estimator takes, the wanted ones if targeted; None for
                what the model predicts on `x`. For a classifier (n,) class indices, or one-hot
                labels (n, nb_classes).
            mask: nonzero where pixels may be changed, see `pixel_mask`; None for everywhere.
            generator: source of the random draws, on the device of the estimator; None for torch's
                own, which `torch.manual_seed` seeds.
            **kwargs: taken for ART's sake, without effect.

        Raises:
            InputError: no labels for a targeted attack, images outside the `clip_values` of the
                estimator, arguments that do not fit together, or a model that returns NaN.
        """
        estimator, layout = self.estimator, {"channels_first": self.estimator.channels_first}
        view = self._view
        check_images(x, **layout)
        if y is None and self.targeted:
            raise InputError("the attack is targeted and y is None; give the wanted labels.")
        if y is not None and len(y) != len(x):
            raise InputError(
                f"there are labels for {len(y)} images and {len(x)} images; give one each."
            )
        check_range(x, estimator.clip_values)
        allowed = None if mask is None else pixel_mask(mask, x, **layout)
        eps, eps_step = (per_image_size(k, getattr(self, k), len(x)) for k in ("eps", "eps_step"))
        if self.random_eps:
            eps, eps_step = shrunk_at_random(eps, eps_step, generator)
        result = float_copy(x)
        starts = range(0, len(x), self.batch_size)
        for batch_id in trange(len(starts), desc=type(self).__name__, disable=not self.verbose):
            rows = slice(starts[batch_id], starts[batch_id] + self.batch_size)
            images = to_images(x[rows], estimator.device, **layout)
            labels = _predicted(view, images) if y is None else view.labels(y[rows], images)
            if batch_id == 0:
                few = _CHECKED if labels.shape[1:] == (1, 1) else 1
                with torch.no_grad():
                    truth = None if y is None or self.targeted else labels[:few]
                    logits = view.logits(images[:few])
                    check_outputs(logits, no_predictions(logits, truth))
            attack = self.recipe(of_batch(eps, rows), of_batch(eps_step, rows))
            pixels = None if allowed is None else allowed[rows].to(estimator.device)
            best = self._run(batch_id, attack, images, labels, pixels, generator)
            result[rows] = from_images(best, x, **layout)
        if self.summary_writer is not None:
            self.summary_writer.reset()
        return result

    def _run(
        self,
        batch_id: int,
        attack: Attack,
        images: Images,
        labels: Labels,
        mask: PixelMask | None,
        generator: torch.Generator | None,
    ) -> Images:
        model = self._view
        if self.summary_writer is None:
            return attack(model, images, labels, mask=mask, generator=generator)
        for iterate in attack.iterates(model, images, labels, mask=mask, generator=generator):
            self._write(self.summary_writer, batch_id, iterate, labels, attack.steps)
            best = iterate.best
        return best

    def _write(
        self, writer: SummaryWriter, batch_id: int, iterate: Iterate, labels: Labels, steps: int
    ) -> None:
        estimator, view = self.estimator, self._view
        x_adv = iterate.x_adv if estimator.channels_first else iterate.x_adv.permute(0, 2, 3, 1)
        x, y = to_array(x_adv), view.for_art(labels)
        with view.undisturbed():
            gradient = estimator.loss_gradient(x, y)
            writer.update(
                batch_id=batch_id,
                global_step=iterate.restart * (steps + 1) + iterate.step,
                grad=-gradient if self.targeted else gradient,
                estimator=estimator,
                x=x,
                y=y,
                targeted=self.targeted,
            )

    @property
    def _view(self) -> EstimatorView:
        return view_of(self.estimator)

    @property
    def _options(self) -> dict[str, Any]:
        """The parameters that all recipes share, by the recipes' names."""
        return {
            "norm": self.norm,
            "random_start": self.num_random_init > 0,
            "restarts": max(self.num_random_init, 1),
            "targeted": self.targeted,
            "ignore_index": self._view.ignore_index,
            "bounds": pixel_bounds(self.estimator.clip_values),
        }

    def _check_params(self) -> None:
        super()._check_params()
        if not isinstance(self.eps, int | float | np.ndarray):
            raise TypeError(f"eps is a {type(self.eps).__name__}; give an int, float or ndarray.")
        if not np.all(np.greater_equal(self.eps, 0) & np.isfinite(self.eps)):
            raise InputError(f"eps is {self.eps}; give a finite number >= 0.")
        if not isinstance(self.targeted, bool):
            raise InputError(f"targeted is {self.targeted!r}; give True or False.")
        self.num_random_init = whole_number("num_random_init", self.num_random_init, least=0)
        self.batch_size = whole_number("batch_size", self.batch_size, least=1)
        if not isinstance(self.verbose, bool):
            raise InputError(f"verbose is {self.verbose!r}; give True or False.")
        self.recipe(0.0, 0.0)  # the core refuses other norms and the recipe's own parameters


@torch.no_grad()
def _predicted(view: EstimatorView, images: Images) -> Labels:
    labels: Labels = view.logits(images).argmax(1)
    return labels
