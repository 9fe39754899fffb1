"""Adversarial images as 8-bit files: what is written is what is scored."""

import math

import torch

from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import Images


def to_8_bit(x_adv: Images, x: Images, threat_model: ThreatModel) -> Images:
    """The multiple of 1/255 nearest to each value of `x_adv` that stays inside the threat model.

    For Linf rounding goes to the nearest allowed value, for 1 and 2 towards `x`, which can only
    shorten the perturbation. Exact for images `x` that are 8-bit themselves.

    Args:
        x_adv: adversarial images in [0, 1].
        x: unperturbed images, multiples of 1/255.
        threat_model: with one eps for all images.

    Returns:
        Multiples of 1/255 in [0, 1].
    """
    origin = (x * 255).round()
    change = x_adv * 255 - origin
    if threat_model.p == math.inf:
        reach = torch.as_tensor(threat_model.eps * 255 + 1e-4).floor().to(x)
        change = change.round().clamp(-reach, reach)
    else:
        change = change.trunc()
    return (origin + change).clamp(0, 255) / 255
