"""MCE-PGD and MCE-Bal-PGD: Croce et al., ECCV 2024, arXiv:2306.12941, section 3.1, L_MCE and L_MCE-Bal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real

import torch
from torch import Tensor

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.attacks.segpgd import SegWeights
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.types import Labels, PixelMap
from art_segplugin.errors import InputError

MASKED = SegWeights("only-correct")
"""1 on pixels still to be fooled, else 0: the gradient of L_MCE is this times that of the cross-entropy."""


@dataclass(eq=False)
class BalancedWeights:
    """1 / N_y on pixels still to be fooled, else 0; over the largest weight in the image.

    Classes then count alike however many pixels they have, as they do in the mean accuracy of the
    classes, an upper limit of the mIoU. The paper's N_y is the number of pixels of class y in the
    training set, which an attack does not know: give it as `class_pixels`. Without it, N_y is
    counted among the valid pixels of each image by itself, which is our own choice; an image's
    weights then do not depend on the others in its batch. No step depends on the factor of the
    image by which the weights are divided.

    Args:
        class_pixels: N_y of each class, in the order of the logits, or its share of all pixels;
            empty to count in each image.

    Raises:
        InputError: a count that is not a finite number > 0.
    """

    class_pixels: Sequence[float] | Tensor = ()
    _counted: tuple[Labels, PixelMap] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        given = self.class_pixels
        values = tuple(given.tolist() if hasattr(given, "tolist") else given)
        if not all(isinstance(n, Real) and 0 < float(n) < math.inf for n in values):
            raise InputError(
                f"class_pixels are {given!r:.80}; give a number above 0 for each class, 1 for a "
                "class that the training set does not have."
            )
        self.class_pixels = values

    def start(self) -> "BalancedWeights":
        """A copy that has counted nothing yet; one run counts once."""
        return replace(self)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1], at least in float32.

        Raises:
            InputError: `class_pixels` are not as many as the classes of the model.
        """
        if self._counted is None or self._counted[0] is not forward.labels:
            self._counted = forward.labels, self._rarity(forward)
        weights = self._counted[1].masked_fill(forward.fooled | ~forward.valid, 0.0)
        largest = weights.flatten(1).amax(1).view(-1, 1, 1)
        return weights / torch.where(largest > 0, largest, 1.0)

    def _rarity(self, forward: ForwardPass) -> PixelMap:
        """1 / N_y of each pixel."""
        if forward.logits is None:
            raise RuntimeError("The logits of a past iterate are freed; weigh before going on.")
        classes, labels = forward.logits.shape[1], forward.labels.flatten(1)
        if not self.class_pixels:
            counts = labels.new_zeros(len(labels), classes)
            counts = counts.scatter_add(1, labels, forward.valid.flatten(1).long())
        elif len(self.class_pixels) == classes:
            given = torch.tensor(self.class_pixels, device=labels.device, dtype=forward.loss.dtype)
            counts = given.expand(len(labels), classes)
        else:
            raise InputError(
                f"class_pixels are {len(self.class_pixels)} numbers and the model has {classes} "
                "classes; give one for each class."
            )
        rarity: PixelMap = 1 / counts.gather(1, labels).to(forward.loss.dtype)
        return rarity.view_as(forward.pixel_loss)


@takes(SizedIterations)
def mce_pgd(common: SizedIterations) -> GradientAttack:
    """PGD on the masked cross-entropy: only pixels still to be fooled count.

    Unlike SegPGD, it lets go of a pixel as soon as it is fooled, and takes it up again if it is
    fooled no longer. The mask is in the gradient alone; the loss that is reported is that of all
    pixels.

    Args:
        targeted: labels are what the adversary wants; pixels already there do not count.
    """
    return common.attack(weighting=MASKED)


@takes(SizedIterations)
def mce_bal_pgd(
    common: SizedIterations, class_pixels: Sequence[float] | Tensor = ()
) -> GradientAttack:
    """PGD on the class-balanced masked cross-entropy: each class counts by its pixels still to be fooled.

    Args:
        targeted: labels are what the adversary wants; pixels already there do not count.
        class_pixels: pixels of each class in the training set, or their shares, by which its
            pixels' weights are divided, as in the paper; empty to count in each image by itself.
    """
    return common.attack(weighting=BalancedWeights(class_pixels))


SPECS = (
    AttackSpec("MCE-PGD", mce_pgd),
    AttackSpec("MCE-Bal-PGD", mce_bal_pgd),
)
