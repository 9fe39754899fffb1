"""CosPGD: Agnihotri et al., ICML 2024, arXiv:2302.02213, section 3, with the softmax of the paper."""

from dataclasses import dataclass

import torch

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.strips import pixelwise
from art_segplugin.core.types import Labels, Logits, PixelMap
from art_segplugin.core.weightings import Stateless


@dataclass(frozen=True)
class CosineWeights(Stateless):
    """The cosine between softmax(z) and the one-hot label of each pixel: p_y / ||p||_2.

    It is near 1 where the label is sure to be predicted and falls towards 0 as it is fooled, so
    pixels count less the further they are. Public re-implementations take the sigmoid of the logits
    instead, which is not the paper's and much weaker.

    Args:
        targeted: labels are what the adversary wants: 1 - cosine.
    """

    targeted: bool = False

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1], at least in float32.

        Raises:
            RuntimeError: the attack has gone on since, and the logits are freed.
        """
        if forward.logits is None:
            raise RuntimeError("The logits of a past iterate are freed; weigh before going on.")
        cosine = pixelwise(_cosine, forward.logits, forward.labels)
        return 1 - cosine if self.targeted else cosine


def _cosine(logits: Logits, labels: Labels) -> PixelMap:
    probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(1)
    of_label = probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)
    cosine: PixelMap = of_label / probabilities.norm(dim=1)
    return cosine


@takes(SizedIterations)
def cospgd(common: SizedIterations) -> GradientAttack:
    """PGD that counts each pixel by how much of its softmax still points at the label.

    Args:
        targeted: labels are what the adversary wants; pixels count the more the further from it.
    """
    return common.attack(weighting=CosineWeights(common.targeted))


SPECS = (AttackSpec("CosPGD", cospgd),)
