"""The worst of several attacks, per image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchattacks import MultiAttack
from torchattacks.attack import Attack

from art_segplugin.core.forward_pass import fooled_pixels
from art_segplugin.core.threat_model import per_image
from art_segplugin.core.types import Images, Labels
from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks.mixin import SegAttackMixin

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and std of each channel."""


class SegMultiAttack(SegAttackMixin, MultiAttack):
    """Runs every attack on every image; the answer with the lowest pixel accuracy wins.

    torchattacks' `MultiAttack` stops at the first attack that makes *the* label wrong, of which an
    image has one per pixel here. The clean image competes too, so no answer is better than it.

    Args:
        attacks: at least two, on one model, with one `ignore_index` and normalisation: ours, or
            torchattacks' own brought here by `for_segmentation`.
        verbose: print the share of wrong pixels after each attack.

    Raises:
        InputError: fewer than two attacks, one that cannot work on label maps, or attacks that differ
            in ignore_index or normalisation.
        ValueError: attacks on several models.

    Examples::
        >>> attack = SegMultiAttack([SegPGD(model), for_segmentation(torchattacks.MIFGSM)(model)])
        >>> adv_images = attack(images, labels)
    """

    def __init__(self, attacks: Sequence[Attack], verbose: bool = False) -> None:
        ignore_index, normalisation = _agreed(attacks)
        # torchattacks finds the attacks inside a list, not inside other sequences.
        super().__init__(list(attacks), verbose=verbose, ignore_index=ignore_index)
        self.attack = type(self).__name__
        if normalisation is not None:
            self.set_normalization_used(*normalisation)

    def forward(self, images: Images, labels: Labels) -> Images:
        """Adversarial images (n, ch, h, w).

        Raises:
            InputError: an attack is in the mode "targeted by label": labels are the truth here.
        """
        for i, attack in enumerate(self.attacks):
            if attack.attack_mode == "targeted(label)":
                raise InputError(
                    f"attacks[{i}] aims at the labels, and the answers are compared by how far they "
                    "are from them; call set_mode_default() on it, or a targeted mode that chooses "
                    "another class than that of the labels."
                )
        worst, most = images, self._wrong_pixels(images, labels)
        for attack in self.attacks:
            attack._doubts_said = True  # by the line before
        shares = []
        for attack in self.attacks:
            adv_images = attack(images, labels)
            wrong = self._wrong_pixels(adv_images, labels)
            worst = torch.where(per_image(wrong > most, images), adv_images, worst)
            most = torch.maximum(wrong, most)
            if self.verbose:
                valid = (labels != self.ignore_index).sum().clamp(min=1)
                shares.append(f"{100 * float(most.sum() / valid):.2f} %")
        if self.verbose:
            print("Wrong pixels:", " | ".join(shares))  # noqa: T201
        return worst

    @torch.no_grad()
    def _wrong_pixels(self, images: Images, labels: Labels) -> Tensor:
        valid = labels != self.ignore_index
        logits = self.get_logits(images)
        wrong = fooled_pixels(logits, labels.masked_fill(~valid, 0), valid)
        return wrong.flatten(1).sum(1)


def _agreed(attacks: Sequence[Attack]) -> tuple[int, Normalisation | None]:
    """The ignore_index and the normalisation that all attacks have.

    Raises:
        InputError: see `SegMultiAttack`.
    """
    for i, attack in enumerate(attacks):
        if not isinstance(attack, SegAttackMixin):
            name = type(attack).__name__
            raise InputError(
                f"attacks[{i}] is a {name}, which is not made for label maps; use an attack of "
                f"this package or for_segmentation(torchattacks.{name})."
            )
    if len(attacks) < 2:
        raise InputError(f"{len(attacks)} attacks were given; give at least two.")
    voids = sorted({attack.ignore_index for attack in attacks})
    if len(voids) > 1:
        raise InputError(f"the attacks have the ignore_index {voids}; give all the same one.")
    normalisations = {_normalisation(attack) for attack in attacks}
    if len(normalisations) > 1:
        raise InputError(
            "the attacks expect images that are normalised differently; call "
            "set_normalization_used with the same values on all, or on none."
        )
    return voids[0], normalisations.pop()


def _normalisation(attack: Attack) -> Normalisation | None:
    used = attack.normalization_used
    if used is None:
        return None
    return tuple(used["mean"].flatten().tolist()), tuple(used["std"].flatten().tolist())
