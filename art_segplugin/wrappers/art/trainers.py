"""Adversarial training of ART's estimators by the objectives of `art_segplugin.training`.

First the trainer of all objectives, then one for each method with its paper's values.
"""

import logging
import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from art.data_generators import DataGenerator
from art.defences.trainer import Trainer
from art.estimators.classification import PyTorchClassifier
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.checks import check_gradients, check_unit
from art_segplugin.core.forward_pass import float_type
from art_segplugin.core.modes import in_mode
from art_segplugin.core.types import Images, Labels
from art_segplugin.errors import InputError
from art_segplugin.training.objective import Objective, TrainingBatch, WeightedCrossEntropy
from art_segplugin.training.objectives import defaults_of, inner_attack, make_objective
from art_segplugin.wrappers.art.arrays import Data, Same, check_array, check_images, to_images
from art_segplugin.wrappers.art.estimator import SegmenterMixin
from art_segplugin.wrappers.art.estimator_view import EstimatorView, view_of
from art_segplugin.wrappers.art.hypersphere import HypersphereMixin, check_head_is_trained
from art_segplugin.wrappers.art.labels import all_void, warn_of_void
from art_segplugin.wrappers.art.preprocessing import preprocessed_for_training
from art_segplugin.wrappers.art.sizes import (
    check_in_clip_values,
    outside_range,
    pixel_bounds,
    whole_number,
)
from art_segplugin.wrappers.art.training_loop import (
    Batches,
    epochs,
    generated,
    optimizer_of,
    shuffled,
)

logger = logging.getLogger(__name__)

_OF_ART = frozenset({"verbose", "training_mode", "drop_last", "batch_size"})
"""Keywords that ART's own code passes to a `fit`; they may be without effect."""


class AdversarialTrainerSegmentationPyTorch(Trainer):
    """Adversarial training of segmenters, and of classifiers, by one of the objectives.

    What is minimised is the cross-entropy, with the class weights of the estimator's own
    `CrossEntropyLoss` if it has such, and with the margin of estimators with hypersphere embedding.
    The attack sees neither. It sees the model in evaluation mode; the update is made in training mode,
    by the estimator's optimizer as it is. Preprocessing and defences that work in prediction are part
    of the model in both; those that work in training only change the images first, and have to keep
    them within `clip_values`. Random numbers are those of torch's global generator.

    Args:
        classifier: A segmenter, such as `PyTorchSegmenter`, or ART's `PyTorchClassifier`, with an
            optimizer.
        objective: "pgd-at", "segpgd-at", "alp", "trades", "free-at" or "fast-at", see
            `art_segplugin.training.objectives`.
        eps: Radius, L-inf, in the unit of the images (of `clip_values`), at most their range.
        eps_step: Length of the attack's steps; None for twice the radius over their number, at most
            the radius; "fast-at": 1.25 times the radius.
        max_iter: Steps of the attack; None for what is usual.
        half: Attack every other image of a batch only: "pgd-at", "segpgd-at".
        weight: Factor of the second term: "alp", "trades"; None for what is usual.
        replays: Updates with each batch: "free-at"; None for 4.
        verbose: Show a progress bar over the epochs.

    Raises:
        TypeError: Another estimator, or no whole number where one is needed.
        InputError: An objective that does not exist or does not have an argument, or a value outside
            its range.
    """

    def __init__(
        self,
        classifier: Any,
        objective: str = "segpgd-at",
        *,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int | None = None,
        half: bool = False,
        weight: float | None = None,
        replays: int | None = None,
        verbose: bool = True,
    ) -> None:
        known = isinstance(classifier, PyTorchClassifier) or (
            isinstance(classifier, SegmenterMixin) and isinstance(classifier, PyTorchEstimator)
        )
        if not known:
            raise TypeError(
                f"{type(self).__name__} is for PyTorchSegmenter and PyTorchClassifier, and "
                f"{type(classifier).__name__} is given."
            )
        super().__init__(classifier)
        self.objective = objective
        self.eps, self.eps_step = eps, eps_step
        self.max_iter = None if max_iter is None else whole_number("max_iter", max_iter, least=1)
        check_half(half)
        self.half, self.weight = half, weight
        self.replays = None if replays is None else whole_number("replays", replays, least=1)
        self.verbose = verbose
        self._objective()  # what cannot be used is said here

    @property
    def segmenter(self) -> Any:
        """The estimator; another name of ART's `classifier`."""
        return self._classifier

    def fit(
        self,
        x: Data,
        y: Data,
        validation_data: tuple[Data, Data] | None = None,
        batch_size: int = 128,
        nb_epochs: int = 20,
        scheduler: LRScheduler | None = None,
        drop_last: bool = False,
        **kwargs: Any,
    ) -> None:
        """Train the estimator; each module of the model has its own mode back afterwards.

        Args:
            x: Images, raw, in the layout and range of the estimator; in another order each epoch.
            y: Labels in any form that the estimator takes; of classifiers one class an image.
            validation_data: Images and labels, a pair, whose accuracy is logged after each epoch,
                without attack.
            batch_size: Images per update.
            nb_epochs: How often each image is learnt from. Free adversarial training goes through
                the images as many times less as it replays each batch (rounded up).
            scheduler: Stepped after each epoch, `nb_epochs` times in all.
            drop_last: Leave out a last batch that is not full.
            **kwargs: verbose and training_mode, which ART's trainers take besides; without effect.

        Raises:
            TypeError: There is no such argument.
            InputError: There is no optimizer of the model's weights, images or labels cannot be used
                or are all void, a batch has no half to be attacked, or the loss is not finite.
        """
        refuse_unknown(kwargs)
        batch_size = whole_number("batch_size", batch_size, least=1)
        check_pair(self._classifier, x, y)
        check_halves(self.half, min(batch_size, len(x)))
        if all_void(y, view_of(self._classifier).ignore_index):
            raise InputError("all labels are void; give some to learn from, or check ignore_index.")
        if isinstance(self._classifier, SegmenterMixin):
            void = self._classifier.ignore_index
            warn_of_void(y, nb_classes=self._classifier.nb_classes, ignore_index=void)
        batches = shuffled(x, y, batch_size, drop_last=drop_last)
        self._train(batches, nb_epochs, scheduler, validation_data, batch_size)

    def fit_generator(
        self,
        generator: DataGenerator,
        nb_epochs: int = 20,
        scheduler: LRScheduler | None = None,
        validation_data: tuple[Data, Data] | None = None,
        **kwargs: Any,
    ) -> None:
        """Train on the batches of a generator, size / batch_size of them an epoch, rounded up.

        Args and errors are those of `fit`.
        """
        refuse_unknown(kwargs)
        batches = generated(generator)
        check_halves(self.half, generator.batch_size)
        self._train(batches, nb_epochs, scheduler, validation_data, generator.batch_size)

    def predict(self, x: Same, **kwargs: Any) -> Same:
        """What the estimator predicts; arguments are those of its `predict`."""
        return self._classifier.predict(x, **kwargs)

    def _train(
        self,
        batches: Batches,
        nb_epochs: int,
        scheduler: LRScheduler | None,
        validation_data: tuple[Data, Data] | None,
        batch_size: int,
    ) -> None:
        if scheduler is not None and not isinstance(scheduler, LRScheduler):
            raise InputError(
                f"scheduler is a {type(scheduler).__name__}; give one of torch.optim.lr_scheduler."
            )
        check_gradients("training")
        objective, model = self._objective(), view_of(self._classifier)
        data = TrainingData(model)
        optimizer = optimizer_of(self._classifier, model)
        if isinstance(self._classifier, HypersphereMixin):
            check_head_is_trained(self._classifier.head, optimizer)
        if validation_data is not None:
            data.check_validation(validation_data, batch_size)
        passes = epochs(
            batches,
            whole_number("nb_epochs", nb_epochs, least=0),
            scheduler,
            replays=objective.repeats,
            verbose=self.verbose,
            description=f"{type(self).__name__} - epochs",
        )
        for epoch in passes:
            losses: list[float] = []
            for x, y in epoch.batches:
                batch = data.batch(x, y)
                for _ in range(objective.repeats):
                    with in_mode(model, training=True):
                        losses.append(_update(model, optimizer, objective, batch))
                    if not np.isfinite(losses[-1]):
                        raise InputError(
                            f"the loss is {losses[-1]} at step {len(losses)} of epoch {epoch.number}: "
                            "lower the optimizer's learning rate, or look for NaN in images and weights."
                        )
            shown = {"loss": float(np.mean(losses))} if losses else {}
            if validation_data is not None:
                shown["accuracy"] = data.accuracy(*validation_data, batch_size)
            logger.info("epoch %d: %s", epoch.number, shown)
            epoch.bar.set_postfix(shown)

    def _objective(self) -> Objective:
        """The objective, with what the estimator says of bounds, void and hyperspheres."""
        estimator, name = self._classifier, self.objective
        own: Any = estimator.loss
        if getattr(own, "label_smoothing", 0.0):
            raise InputError(
                f"the estimator's loss smooths labels by {own.label_smoothing}, which adversarial "
                "training does not: set its label_smoothing to 0."
            )
        hypersphere = isinstance(estimator, HypersphereMixin)
        loss = WeightedCrossEntropy(
            view_of(estimator).ignore_index,
            own.weight if isinstance(own, nn.CrossEntropyLoss) else None,
            estimator.scale if hypersphere else 1.0,
            estimator.margin if hypersphere else 0.0,
        )
        return make_objective(
            name,
            loss,
            self._attack(),
            half=self.half,
            weight=self.weight,
            replays=self.replays,
        )

    def _attack(self) -> NamedAttack:
        recipe, _, _ = defaults_of(self.objective).attack.partition("-")
        attack = None if self.max_iter is None else f"{recipe}-{self.max_iter}"
        eps, step = checked_size("eps", self.eps), self.eps_step
        step = None if step is None else checked_size("eps_step", step)
        bounds = pixel_bounds(self._classifier.clip_values)
        for size_name, size in (("eps", eps), ("eps_step", step)):
            check_unit(size_name, size, bounds, math.inf, "the estimator's clip_values")
        named = inner_attack(self.objective, attack, eps, step)
        return replace(named, options=named.options | {"bounds": bounds})


def _update(
    model: EstimatorView,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    batch: TrainingBatch,
) -> float:
    """Make one step and return the loss before it; none is made if that is not finite."""
    optimizer.zero_grad()
    # The attack knows nothing of the modules around the model.
    loss: Tensor = objective(model, batch)  # type: ignore[arg-type]
    value = loss.item()
    if np.isfinite(value):
        loss.backward()  # type: ignore[no-untyped-call]
        objective.updated()
        optimizer.step()
    return value


class AdversarialTrainerSegPGDPyTorch(AdversarialTrainerSegmentationPyTorch):
    """SegPGD-AT (Gu et al., ECCV 2022, arXiv:2207.12391, algorithm 2).

    Args:
        classifier: As everything that is not told here, see the base class.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a third of eps, as in the paper.
        max_iter: Steps of SegPGD; 3 and 7 in the paper.
        half: Attack every other image only, as in the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 0.03,
        eps_step: float | None = None,
        max_iter: int = 3,
        half: bool = True,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 3)
        super().__init__(
            classifier,
            "segpgd-at",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            half=half,
            verbose=verbose,
        )


class AdversarialTrainerHypersphere(AdversarialTrainerSegmentationPyTorch):
    """What the trainers with hypersphere embedding share (Pang et al., NeurIPS 2020, arXiv:2002.08619).

    Raises:
        TypeError: The estimator has no hypersphere embedding.
    """

    def __init__(self, classifier: Any, objective: str, **options: Any) -> None:
        if not isinstance(classifier, HypersphereMixin):
            raise TypeError(
                f"{type(self).__name__} needs hypersphere embedding and {type(classifier).__name__} "
                "has none; give a PyTorchHypersphereSegmenter or PyTorchHypersphereClassifier."
            )
        super().__init__(classifier, objective, **options)


class AdversarialTrainerHEPGDPyTorch(AdversarialTrainerHypersphere):
    """PGD-AT with hypersphere embedding: arXiv:1706.06083 and arXiv:2002.08619.

    The paper's estimator has scale 15 and margin 0.2.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of PGD.
        half: Attack every other image only.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        half: bool = False,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "pgd-at",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            half=half,
            verbose=verbose,
        )


class AdversarialTrainerHEALPPyTorch(AdversarialTrainerHypersphere):
    """Adversarial logit pairing with hypersphere embedding: arXiv:1803.06373 and arXiv:2002.08619.

    Cosines are paired. The paper's estimator has scale 20 and margin 0.3.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of PGD.
        beta: Factor of the distance between the cosines of clean and attacked images.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        beta: float = 0.5,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "alp",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            weight=beta,
            verbose=verbose,
        )


class AdversarialTrainerHETRADESPyTorch(AdversarialTrainerHypersphere):
    """TRADES with hypersphere embedding: arXiv:1901.08573 and arXiv:2002.08619.

    The divergence is averaged over pixels, so that beta means the same for maps of any size. The
    paper's estimator has scale 15 and margin 0.2.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of the attack on the divergence.
        beta: Factor of the divergence, 1 / lambda of TRADES.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        beta: float = 6.0,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "trades",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            weight=beta,
            verbose=verbose,
        )


class AdversarialTrainerHEFreePyTorch(AdversarialTrainerHypersphere):
    """Free adversarial training with hypersphere embedding: arXiv:1904.12843 and arXiv:2002.08619.

    One backward pass gives the gradients of weights and perturbation, so that the perturbation sees
    the margin, too. The perturbation starts at 0 in each `fit`. `nb_epochs` counts updates: the
    images are gone through nb_epochs / replays times. The paper's estimator has scale 10 and
    margin 0.2 (ImageNet).

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius and step, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        replays: Updates with each batch, m of the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self, classifier: Any, eps: float = 4 / 255, replays: int = 4, verbose: bool = True
    ) -> None:
        super().__init__(classifier, "free-at", eps=eps, replays=replays, verbose=verbose)


class AdversarialTrainerHEFastPyTorch(AdversarialTrainerHypersphere):
    """Fast adversarial training with hypersphere embedding: arXiv:2001.03994 and arXiv:2002.08619.

    One step from a random start. Watch the accuracy under PGD: long trainings can lose it at once
    (catastrophic overfitting).

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of the step; None for 1.25 times eps, as in the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(classifier, "fast-at", eps=eps, eps_step=eps_step, verbose=verbose)


ALL = (
    AdversarialTrainerSegmentationPyTorch,
    AdversarialTrainerSegPGDPyTorch,
    AdversarialTrainerHEPGDPyTorch,
    AdversarialTrainerHEALPPyTorch,
    AdversarialTrainerHETRADESPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerHEFastPyTorch,
)
"""What `register` makes importable from `art.defences.trainer`."""


class TrainingData:
    """Images and labels of ART as adversarial training takes them: checked, defended, as tensors.

    Args:
        view: The estimator as the core sees models.
    """

    def __init__(self, view: EstimatorView) -> None:
        self._view, self._estimator = view, view.estimator

    def batch(self, x: Data, y: Data) -> TrainingBatch:
        """Return a batch for an objective, after the defences that work in training only.

        Raises:
            InputError: Images or labels that cannot be used, or that a defence makes so.
        """
        estimator = self._estimator
        check_pair(estimator, x, y)
        check_in_clip_values(x, estimator.clip_values)
        for operation in estimator.preprocessing_operations:
            if operation.apply_predict:
                continue  # part of the model, in which the attack sees it, too
            x, y = preprocessed_for_training([operation], x, y, estimator.device)
            check_images(x, channels_first=estimator.channels_first)
            outside = outside_range(x, estimator.clip_values)
            if outside:
                raise InputError(
                    f"{type(operation).__name__} makes images that go {outside}; give it clip_values, "
                    "the same, to keep images within them."
                )
        images, labels = self._tensors(x, y)
        count = len(images)
        seeds = tuple(torch.randint(2**62, (count,)).tolist())
        return TrainingBatch(images, labels, tuple(range(count)), seeds)

    def check_validation(self, pair: Any, batch_size: int) -> None:
        """Refuse what is no pair of images and labels, as `batch` does.

        Raises:
            InputError: The sentence begins with validation_data.
        """
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise InputError(
                f"validation_data is a {type(pair).__name__} and no pair; give (images, labels)."
            )
        x, y = pair
        try:
            check_pair(self._estimator, x, y)
            check_in_clip_values(x, self._estimator.clip_values)
            for _ in self._parts(x, y, batch_size):
                pass  # labels are checked as they are made
        except InputError as error:
            raise InputError(f"validation_data: {error}") from error

    @torch.no_grad()
    def accuracy(self, x: Data, y: Data, batch_size: int) -> float:
        """Share of the valid pixels (or of the images) that are classified rightly."""
        right, valid, view = 0, 0, self._view
        for images, labels in self._parts(x, y, batch_size):
            right += int((view.logits(images).argmax(1) == labels).sum())
            valid += int((labels != view.ignore_index).sum())
        return right / max(valid, 1)

    def _parts(self, x: Data, y: Data, batch_size: int) -> Iterator[tuple[Images, Labels]]:
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            yield self._tensors(x[rows], y[rows])

    def _tensors(self, x: Data, y: Data) -> tuple[Images, Labels]:
        images = to_images(x, self._estimator.device, channels_first=self._estimator.channels_first)
        labels = self._view.labels(y, images)
        refuse_mixed(y)
        return images.to(float_type(self._view.network) or torch.float32), labels


def usual_step(eps: Any, eps_step: float | None, parts: float) -> float:
    """Return the length of a step: that given, or the radius over `parts`.

    Raises:
        InputError: The radius is no number.
    """
    return checked_size("eps", eps) / parts if eps_step is None else eps_step


def checked_size(name: str, value: Any) -> float:
    """Return a radius or step size as a float.

    Raises:
        InputError: It is no finite number.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value)):
        raise InputError(
            f"{name} is {value!r}; give one finite number in the unit of the images, such as 8/255 "
            "for images in [0, 1]."
        )
    return float(value)


def check_half(half: Any) -> None:
    """Refuse what is no bool.

    Raises:
        InputError: It is none.
    """
    if not isinstance(half, bool):
        raise InputError(f"half is {half!r}; give True or False.")


def check_halves(half: bool, batch_size: int) -> None:
    """Refuse batches of which no half can be attacked.

    Raises:
        InputError: Half is to be attacked, of one image.
    """
    if half and batch_size < 2:
        raise InputError(
            "half leaves every other image of a batch alone, and there is 1 image a batch, which "
            "would never be attacked; give a batch_size of at least 2, or half=False."
        )


def refuse_unknown(keywords: Collection[str]) -> None:
    """Refuse keywords that neither a trainer nor ART's own code knows.

    Raises:
        TypeError: One of them is of this kind.
    """
    unknown = sorted(set(keywords) - _OF_ART)
    if unknown:
        raise TypeError(f"there is no argument {unknown[0]!r} here; look for a typing error.")


def check_pair(estimator: Any, x: Data, y: Data) -> None:
    """Refuse what are no images of the estimator with one label (or map) each.

    Raises:
        InputError: No arrays, no images, as many labels as there are not images, or images that do
            not fit the estimator's `input_shape`: in their channels, of classifiers in their size.
    """
    check_images(x, channels_first=estimator.channels_first)
    check_array("y", y)
    if len(x) == 0:
        raise InputError("x holds no images; give at least one.")
    if len(x) != len(y):
        raise InputError(
            f"there are labels for {len(y)} images and {len(x)} images; give one each."
        )
    given, wanted = tuple(x.shape[1:]), tuple(estimator.input_shape)
    # Segmenters take all sizes, and the processors of Hugging Face models make them alike.
    if isinstance(estimator, SegmenterMixin) or getattr(estimator, "processor", None) is not None:
        channels = slice(0, 1) if estimator.channels_first else slice(2, 3)
        fits = given[channels] == wanted[channels]
    else:
        fits = given == wanted
    if not fits:
        raise InputError(
            f"each image has shape {given} and the estimator's input_shape is {wanted}; give images "
            "of that shape, or an estimator of another input_shape and channels_first."
        )


def refuse_mixed(y: Any) -> None:
    """Refuse probabilities as labels, such as mixing and smoothing defences make.

    Raises:
        InputError: They are (n, c) and hold others than 0 and 1.
    """
    if y.ndim == 2 and y.shape[1] > 1 and bool(((y != 0) & (y != 1)).any()):
        raise InputError(
            "the labels are probabilities; adversarial training needs one class each: leave out "
            "defences that mix or smooth labels."
        )
