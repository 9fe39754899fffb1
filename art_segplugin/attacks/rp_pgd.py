"""RP-PGD: Zhang et al., AAAI 2025, https://ojs.aaai.org/index.php/AAAI/article/view/33122, both parts.

What was read is a summary of the paper's equations and the authors' training program, which differ.
This follows the paper; the program (2025-08) takes the regions of the random start for those of the
clean image, divides each region's loss by its own size, numbers the steps from 0, and cuts the graph
before the prototypes, so that they move nothing. From it are the choice of the features, the output
of the backbone's last stage interpolated to the size of the label map, and the sign: prototypes are
drawn together. Own readings: prototypes are those of each image alone, void pixels are in no region,
and HW is the number of valid pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass, fooled_pixels
from art_segplugin.core.losses import LayerLoss, PixelLoss
from art_segplugin.core.types import Labels, Logits, PerImage, PixelMap, PixelMask
from art_segplugin.core.weightings import PixelWeighting
from art_segplugin.errors import InputError

REGIONS, PROTOTYPES = 0.75, 0.25
"""Shares of the two parts in the loss."""


@dataclass(frozen=True)
class RegionWeights:
    """A weight for each of three regions, which one run remembers.

    F are the pixels that are misclassified in the image itself, T those that were right at every
    point so far, B those that were right in the image and wrong since, be it once. In step i of N
    they weigh (2N - i) / 2N in T, (i - 1) / 2N in B, 1 / 2N in F. Targeted, "right" is "not on
    target".

    Args:
        layer: name of a layer of the model whose features give prototypes; empty for regions alone.
    """

    layer: str = ""

    def start(self) -> PixelWeighting:
        """The memory of one run."""
        return _Run(self.layer)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """The weights of a first point that is taken for the image itself."""
        return self.start()(forward)


class _Run:
    """The regions, as booleans on the device, and the loss that prototypes are added to."""

    def __init__(self, layer: str) -> None:
        self.layer, self.step = layer, 0
        self.right: PixelMask | None = None  # T
        self.wrong: PixelMask | None = None  # F; all others are B

    def start(self) -> PixelWeighting:
        """A run without a memory."""
        return _Run(self.layer)

    def begin(self, clean: ForwardPass, loss: PixelLoss | LayerLoss) -> PixelLoss | LayerLoss:
        """Regions of the image itself."""
        self.right, self.wrong = clean.valid & ~clean.fooled, clean.fooled
        if not self.layer:
            return loss
        if isinstance(loss, LayerLoss):
            raise InputError("prototypes are added to a loss of logits; give one without layers.")
        return _WithPrototypes(self, self.layer, loss, clean)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1)."""
        if self.right is None or self.wrong is None:
            self.right, self.wrong = forward.valid & ~forward.fooled, forward.fooled
        self.right, self.step = self.right & ~forward.fooled, forward.step
        like, whole = forward.pixel_loss, 2 * forward.steps
        in_t, in_b, in_f = (
            like.new_full((), share / whole) for share in (whole - self.step - 1, self.step, 1)
        )
        self.step += 1
        return torch.where(self.right, in_t, torch.where(self.wrong, in_f, in_b))


class _WithPrototypes:
    """Reports the pixel loss; its gradient, weighed by the regions, is that of both parts.

    The loop differentiates the sum of weight times pixel loss. All pixels of T have one weight, so
    what is spread over them evenly comes out with the factor that it was given.
    """

    def __init__(self, run: _Run, layer: str, loss: PixelLoss, clean: ForwardPass) -> None:
        self.run, self.loss, self.steps = run, loss, clean.steps
        self.layers = (layer,)
        self.pixels = clean.valid.flatten(1).sum(1)

    def __call__(
        self, logits: Logits, labels: Labels, activations: Mapping[str, Tensor]
    ) -> PixelMap:
        """The pixel loss in value."""
        pixel_loss, right = self.loss(logits, labels), self.run.right
        assert right is not None
        right = right & ~fooled_pixels(logits.detach(), labels, right)
        together = prototype_similarity(self._features(activations), right, labels, logits.shape[1])
        step = min(self.run.step + 1, self.steps)  # beyond: a last look, which no step follows
        of_right = (2 * self.steps - step) / (2 * self.steps)
        spread = self.pixels.to(together) / (of_right * right.flatten(1).sum(1).clamp(min=1))
        share = PROTOTYPES / REGIONS * spread * (together - together.detach())
        return pixel_loss + right * share.view(-1, 1, 1)

    def _features(self, activations: Mapping[str, Tensor]) -> Tensor:
        found = activations.get(self.layers[0])
        if not isinstance(found, Tensor) or found.ndim != 4:
            given = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise InputError(
                f"layer {self.layers[0]!r} gives {given}; choose one of images (n, d, h, w), such as "
                "the last stage of the backbone."
            )
        return found if found.dtype == torch.float64 else found.float()


def prototype_similarity(
    features: Tensor, right: PixelMask, labels: Labels, classes: int
) -> PerImage:
    """Mean cosine of two prototypes, over all pairs of different classes that have one; else 0.

    The prototype of a class is the mean feature of the pixels of that label where `right` is True.
    Features of another size than the labels are interpolated bilinearly (align_corners=False).

    Args:
        features: (n, d, h', w'), differentiable.
        right: pixels that count.
        labels: class indices, which there are the predictions too.
        classes: their number.
    """
    at = F.one_hot(labels, classes).movedim(3, 1).to(features.dtype) * right.unsqueeze(1)
    count = at.flatten(2).sum(2)
    # The sum of interpolated features is that of the features, by the transpose of interpolation:
    # d channels, often thousands, are never held at the size of the labels.
    with torch.enable_grad():
        small = at.new_zeros(*at.shape[:2], *features.shape[2:], requires_grad=True)
        large = F.interpolate(small, at.shape[2:], mode="bilinear", align_corners=False)
        (shares,) = torch.autograd.grad(large, small, at)
    sums = shares.flatten(2) @ features.flatten(2).transpose(1, 2)
    prototypes = F.normalize(sums / count.clamp(min=1).unsqueeze(2), dim=2)
    present = (count > 0).sum(1)
    pairs = prototypes.sum(1).square().sum(1) - prototypes.square().sum((1, 2))
    return pairs / (present * (present - 1)).clamp(min=1)


@takes(SizedIterations)
def rp_pgd(common: SizedIterations, layer: str = "") -> GradientAttack:
    """PGD that remembers which pixels were once fooled, and draws the classes' features together.

    The loss is 0.75 L_R + 0.25 L_P: L_R the cross-entropy weighed by region (see `RegionWeights`),
    L_P the mean cosine of the classes' prototypes (see `prototype_similarity`). It costs one forward
    pass more than PGD, for the regions of the image itself. With the paper's preset, eps 0.03 and
    steps of 0.01.

    Args:
        targeted: labels are what the adversary wants; pixels already there count as fooled. Not
            together with `layer`.
        layer: where features are taken, a name of the model's `named_modules()`: the last stage of
            the backbone, as the authors do. If it is empty L_P is left out, which is the paper's
            ablation "region part alone", and not its full attack.

    Raises:
        InputError: a value outside its range, or targeted prototypes.
    """
    if layer and common.targeted:
        raise InputError(
            f"layer is {layer!r} and targeted is True; prototypes are defined without targets, so "
            "leave one of them out."
        )
    return common.attack(weighting=RegionWeights(layer))


SPECS = (AttackSpec("RP-PGD", rp_pgd, class_name="RPPGD"),)
