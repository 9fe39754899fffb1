"""Faces for torchattacks users: the same interface, also for label maps (n, h, w) with void pixels."""

try:
    import torchattacks  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torchattacks":
        raise
    raise ImportError(
        "torchattacks is not installed; run `pip install --no-deps torchattacks` (without --no-deps "
        "pip would downgrade requests and urllib3)."
    ) from error

from art_segplugin.wrappers.torchattacks import attacks
from art_segplugin.wrappers.torchattacks.attacks import *  # noqa: F403
from art_segplugin.wrappers.torchattacks.mixin import SegAttackMixin
from art_segplugin.wrappers.torchattacks.multi import SegMultiAttack
from art_segplugin.wrappers.torchattacks.saving import SaveScores
from art_segplugin.wrappers.torchattacks.unmodified import (
    for_segmentation,
    to_torchattacks_labels,
)

__all__ = [
    "SaveScores",
    "SegAttackMixin",
    "SegMultiAttack",
    "for_segmentation",
    "to_torchattacks_labels",
]
__all__ += attacks.__all__
__all__.sort()
