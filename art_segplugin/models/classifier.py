"""Image classifiers as segmenters of one pixel, so that everything made for label maps serves them."""

from typing import Any, ClassVar

from torch import Tensor

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter


class Classifier(Segmenter):
    """Images in [0, 1] in, logits (n, c, 1, 1) out; the labels of n images are (n, 1, 1).

    Wraps any module or callable that returns logits (n, c), alone, in an object's ``.logits``, or in a
    mapping under ``logits`` or ``out``. The arguments are those of Segmenter.
    """

    task: ClassVar[str] = "classification"

    def label_size(self, images: Tensor) -> tuple[int, int]:
        """One label an image."""
        return 1, 1

    def _logits(self, result: Any, prepared: Tensor) -> Logits:
        """Take logits (n, c) or (n, c, 1, 1) out of the result and give them two axes of length 1."""
        found = result
        if isinstance(result, dict):
            found = result.get("logits", result.get("out"))
        elif not isinstance(result, Tensor):
            found = getattr(result, "logits", result)
        if not isinstance(found, Tensor) or found.ndim < 2 or found[0, 0].numel() != 1:
            shape = f" of {tuple(found.shape)}" if isinstance(found, Tensor) else ""
            raise InputError(
                f"the model returned a {type(found).__name__}{shape}; expected logits (n, classes): "
                "pass output=lambda result: ... to Classifier, or use Segmenter for label maps."
            )
        return found.reshape(*found.shape[:2], 1, 1)
