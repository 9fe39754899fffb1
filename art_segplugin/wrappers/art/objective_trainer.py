"""Adversarial training of ART's estimators by the objectives of `art_segplugin.training`."""

import logging
from dataclasses import replace
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
from art_segplugin.core.modes import in_mode
from art_segplugin.core.types import Images, Labels
from art_segplugin.errors import InputError
from art_segplugin.training.cross_entropy import WeightedCrossEntropy
from art_segplugin.training.objective import Objective, TrainingBatch
from art_segplugin.training.objectives import inner_attack, make_objective, usual_of
from art_segplugin.wrappers.art.arrays import Array, Data, Same, to_images
from art_segplugin.wrappers.art.estimator_view import EstimatorModule, EstimatorView, view_of
from art_segplugin.wrappers.art.hypersphere import HypersphereMixin, check_head_is_trained
from art_segplugin.wrappers.art.preprocessing import float_type, preprocessed_for_training
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin
from art_segplugin.wrappers.art.sizes import check_range, pixel_bounds, whole_number
from art_segplugin.wrappers.art.training_loop import (
    Batches,
    epochs,
    generated,
    optimizer_of,
    shuffled,
)

logger = logging.getLogger(__name__)


class AdversarialTrainerSegmentationPyTorch(Trainer):
    """Adversarial training of segmenters, and of classifiers, by one of the objectives.

    What is minimised is the cross-entropy, with the class weights of the estimator's own
    `CrossEntropyLoss` if it has such, and with the margin of estimators with hypersphere embedding.
    The attack sees neither. It sees the model in evaluation mode; the update is made in training mode,
    by the estimator's optimizer as it is. Preprocessing and defences that work in prediction are part
    of the model in both; those that work in training only change the images first. Random numbers are
    those of torch's global generator.

    Args:
        classifier: A segmenter, such as `PyTorchSegmenter`, or ART's `PyTorchClassifier`, with an
            optimizer.
        objective: "pgd-at", "segpgd-at", "alp", "trades", "free-at" or "fast-at", see
            `art_segplugin.training.objectives`.
        eps: Radius, L-inf, in the unit of the images (of `clip_values`).
        eps_step: Length of the attack's steps; None for twice the radius over their number, at most
            the radius; "fast-at": 1.25 times the radius.
        max_iter: Steps of the attack; None for what is usual.
        half: Attack every other image only: "pgd-at", "segpgd-at".
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
        **kwargs: Any,
    ) -> None:
        """Train the estimator; each module of the model has its own mode back afterwards.

        Args:
            x: Images, raw, in the layout and range of the estimator; in another order each epoch.
            y: Labels in any form that the estimator takes; of classifiers one class an image.
            validation_data: Images and labels whose accuracy is logged after each epoch, without
                attack.
            batch_size: Images per update.
            nb_epochs: How often each image is learnt from. Free adversarial training goes through
                the images as many times less as it replays each batch (rounded up).
            scheduler: Stepped after each epoch, `nb_epochs` times in all.
            **kwargs: What ART's trainers take besides; without effect.

        Raises:
            InputError: There is no optimizer of the model's weights, images or labels cannot be used,
                or the loss is not finite.
        """
        batch_size = whole_number("batch_size", batch_size, least=1)
        self._train(shuffled(x, y, batch_size), nb_epochs, scheduler, validation_data, batch_size)

    def fit_generator(
        self,
        generator: DataGenerator,
        nb_epochs: int = 20,
        scheduler: LRScheduler | None = None,
        **kwargs: Any,
    ) -> None:
        """Train on the batches of a generator, size / batch_size of them an epoch, rounded up.

        Args and errors are those of `fit`.
        """
        self._train(generated(generator), nb_epochs, scheduler)

    def predict(self, x: Same, **kwargs: Any) -> Same:
        """What the estimator predicts; arguments are those of its `predict`."""
        return self._classifier.predict(x, **kwargs)

    def _train(
        self,
        batches: Batches,
        nb_epochs: int,
        scheduler: LRScheduler | None,
        validation_data: tuple[Data, Data] | None = None,
        batch_size: int = 1,
    ) -> None:
        if scheduler is not None and not isinstance(scheduler, LRScheduler):
            raise InputError(
                f"scheduler is a {type(scheduler).__name__}; give one of torch.optim.lr_scheduler."
            )
        objective, view = self._objective(), view_of(self._classifier)
        model = EstimatorModule(view)
        optimizer = optimizer_of(self._classifier, model)
        if isinstance(self._classifier, HypersphereMixin):
            check_head_is_trained(self._classifier.head, optimizer)
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
                batch = self._batch(view, x, y)
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
                shown["accuracy"] = self._accuracy(view, *validation_data, batch_size)
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
        recipe, _, _ = usual_of(self.objective).attack.partition("-")
        attack = None if self.max_iter is None else f"{recipe}-{self.max_iter}"
        named = inner_attack(self.objective, attack, self.eps, self.eps_step)
        bounds = pixel_bounds(self._classifier.clip_values)
        return replace(named, options=named.options | {"bounds": bounds})

    def _batch(self, view: EstimatorView, x: Data, y: Data) -> TrainingBatch:
        estimator = self._classifier
        check_range(x, estimator.clip_values)
        # The others are part of the model, in which the attack sees them, too.
        augmentations = [
            operation
            for operation in estimator.preprocessing_operations
            if not operation.apply_predict
        ]
        x, y = preprocessed_for_training(augmentations, x, y, estimator.device)
        images, labels = self._tensors(view, x, y)
        count = len(images)
        seeds = tuple(torch.randint(2**62, (count,)).tolist())
        return TrainingBatch(images, labels, tuple(range(count)), seeds)

    def _tensors(self, view: EstimatorView, x: Data, y: Data) -> tuple[Images, Labels]:
        estimator = self._classifier
        images = to_images(x, estimator.device, channels_first=estimator.channels_first)
        labels = view.labels(y, images)
        _refuse_mixed(y)
        return images.to(float_type(view.module)), labels

    @torch.no_grad()
    def _accuracy(self, view: EstimatorView, x: Data, y: Data, batch_size: int) -> float:
        """Share of the valid pixels (or of the images) that are classified rightly."""
        right, valid = 0, 0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            images, labels = self._tensors(view, x[rows], y[rows])
            right += int((view.logits(images).argmax(1) == labels).sum())
            valid += int((labels != view.ignore_index).sum())
        return right / max(valid, 1)


def _update(
    model: EstimatorModule,
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


def _refuse_mixed(y: Any) -> None:
    """Refuse probabilities as labels, such as mixing and smoothing defences make."""
    scores: Array | Tensor = y
    if scores.ndim == 2 and scores.shape[1] > 1 and bool(((scores != 0) & (scores != 1)).any()):
        raise InputError(
            "the labels are probabilities; adversarial training needs one class each: leave out "
            "defences that mix or smooth labels."
        )
