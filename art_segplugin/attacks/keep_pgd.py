"""Keep-PGD, not from a paper: CosPGD's weights (arXiv:2302.02213), momentum (arXiv:1710.06081, eq. 6), two parts.

Made for targets that hold the prediction itself wherever nothing shall change.
"""

from dataclasses import dataclass
from numbers import Real

import torch

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.cospgd import CosineWeights
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.selectors import MostReachedAndKept, first_unfooled
from art_segplugin.core.types import PixelMap, PixelMask
from art_segplugin.core.weightings import UNIFORM, PixelWeighting
from art_segplugin.errors import InputError


@dataclass
class TwoPartWeights:
    """Weights of which the source and the rest get a share each, however many pixels they have.

    The source are the pixels that are not yet what the adversary wants at the first point of the
    run, the rest those that are. A weight of `inner` is multiplied by share * n / m for n valid pixels
    in the image and m in the pixel's part, so with uniform ones the mean over the image is 1.

    Args:
        inner: how pixels of one part weigh among themselves.
        source_share: of the source, 0 to 1; the rest has what remains.

    Raises:
        InputError: another share.
    """

    inner: PixelWeighting = UNIFORM
    source_share: float = 0.5

    def __post_init__(self) -> None:
        share: object = self.source_share
        if not (isinstance(share, Real) and 0 <= float(share) <= 1):
            raise InputError(f"source_share is {share!r}; give a number from 0 to 1, such as 0.7.")
        self._source: PixelMask | None = None

    def start(self) -> "TwoPartWeights":
        """One that has seen nothing yet."""
        return TwoPartWeights(self.inner.start(), self.source_share)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights >= 0."""
        weights = self.inner(forward)
        if self._source is None:
            self._source = first_unfooled(forward)
        source, rest = self._source, forward.valid & ~self._source
        total = forward.valid.flatten(1).sum(1).to(weights.dtype)
        for_source, for_rest = (
            (share * total / part.flatten(1).sum(1).clamp(min=1))[:, None, None]
            for share, part in ((self.source_share, source), (1 - self.source_share, rest))
        )
        scaled: PixelMap = weights * torch.where(source, for_source, for_rest)
        return scaled


@takes(SizedIterations, random_start=False, decay=0.9, step_schedule="cosine")
def keep_pgd(common: SizedIterations, source_share: float = 0.7) -> GradientAttack:
    """CosPGD for class to class with the rest kept: the weight of a part is no matter of its size.

    A small source would else be outvoted by the rest around it. The answer is the point with the
    largest share of the source on target less the share of the rest off it.

    Args:
        targeted: labels are what the adversary wants: the target on the source, the clean prediction
            elsewhere. Untargeted, the source are the pixels that are right at first.
        random_start: begin at a uniform draw from the ball, else at the image; what the model
            predicts there is taken for what it predicts for the image.
        restarts: independent runs, which differ by their random start only.
        source_share: of the weight, what the source gets; more reaches more and harms more.
    """
    return common.attack(
        weighting=TwoPartWeights(CosineWeights(common.targeted), source_share),
        select=MostReachedAndKept(),
        compare=None,
    )


SPECS = (AttackSpec("Keep-PGD", keep_pgd),)
