"""What an ART estimator must offer to be attacked as a segmentation model."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from art_segplugin.core.types import Images, Logits


class SegmenterMixin(ABC):
    """Interface of a segmentation estimator; mix it in before ART's `PyTorchEstimator`.

    It is no `ClassifierMixin` on purpose: ART's code for classifiers turns labels into one vector per
    image, which a label map is not.
    """

    estimator_params: ClassVar[list[str]] = ["nb_classes", "ignore_index"]

    @property
    @abstractmethod
    def nb_classes(self) -> int:
        """Number of classes."""

    @property
    @abstractmethod
    def ignore_index(self) -> int:
        """Label of void pixels, which count nowhere."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the model is."""

    @abstractmethod
    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits (n, nb_classes, h, w) of raw images (n, ch, h, w) on `device`.

        Preprocessing and defences are part of it; it leaves the mode of the model as it was.

        Args:
            images: channels first, whatever `channels_first` says of the x of other methods.
            training_mode: run in training mode, in which batch norm updates its statistics.
        """
