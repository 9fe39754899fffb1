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
from art_segplugin.errors import InputError
from art_segplugin.training.objective import Objective, TrainingBatch, WeightedCrossEntropy
from art_segplugin.training.objectives import inner_attack, make_objective, usual_of
from art_segplugin.wrappers.art.arrays import Data, Same
from art_segplugin.wrappers.art.estimator_view import EstimatorModule, view_of
from art_segplugin.wrappers.art.hypersphere import HypersphereMixin, check_head_is_trained
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin
from art_segplugin.wrappers.art.sizes import pixel_bounds, whole_number
from art_segplugin.wrappers.art.training_checks import (
    all_void,
    check_half,
    check_halves,
    check_pair,
    check_radius,
    checked_size,
    refuse_unknown,
)
from art_segplugin.wrappers.art.training_data import TrainingData
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
        objective, data = self._objective(), TrainingData(self._classifier)
        model = EstimatorModule(data.view)
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
        recipe, _, _ = usual_of(self.objective).attack.partition("-")
        attack = None if self.max_iter is None else f"{recipe}-{self.max_iter}"
        eps, step = checked_size("eps", self.eps), self.eps_step
        check_radius(eps, self._classifier.clip_values)
        step = None if step is None else checked_size("eps_step", step)
        named = inner_attack(self.objective, attack, eps, step)
        bounds = pixel_bounds(self._classifier.clip_values)
        return replace(named, options=named.options | {"bounds": bounds})


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
