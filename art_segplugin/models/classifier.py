"""Image classifiers as segmenters of one pixel, so that everything made for label maps serves them."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

from art_segplugin.core.types import NO_VOID, Logits
from art_segplugin.models.outputs import class_logits
from art_segplugin.models.segmenter import Segmenter


class Classifier(Segmenter):
    """Images in [0, 1] in, logits (n, c, 1, 1) out; the labels of n images are (n, 1, 1).

    Wraps any module or callable that returns logits (n, c), alone, in an object's ``.logits``, or in a
    mapping under ``logits`` or ``out``. The arguments are those of Segmenter; ``ignore_index`` is -100
    unless given, because no image is void and 255 may be a class.
    """

    task: ClassVar[str] = "classification"

    def __init__(
        self, model: Callable[[Tensor], Any], *, ignore_index: int = NO_VOID, **options: Any
    ) -> None:
        super().__init__(model, ignore_index=ignore_index, **options)

    def label_size(self, images: Tensor) -> tuple[int, int]:
        """One label an image."""
        return 1, 1

    def _logits(self, result: Any, prepared: Tensor) -> Logits:
        """Take the logits (n, c) out of the result and give them two axes of length 1."""
        return class_logits(result, len(prepared))[:, :, None, None]
