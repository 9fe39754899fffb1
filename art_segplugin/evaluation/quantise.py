"""Adversarial images as 8-bit files: what is written is what is scored."""

import torch
from torch import Tensor

from art_segplugin.core.threat_model import ThreatModel, per_image
from art_segplugin.core.types import Images

BISECTIONS = 20


def to_8_bit(x_adv: Images, x: Images, threat_model: ThreatModel) -> Images:
    """Multiples of 1/255 near `x_adv`, inside the threat model around `x`.

    Values go to the nearest multiple; where an image would leave the threat model by that, those
    closest to the middle between two multiples go to the one nearer `x` instead, as many as needed.
    Exact for images `x` that are 8-bit themselves.

    Args:
        x_adv: adversarial images in [0, 1].
        x: unperturbed images, multiples of 1/255.
        threat_model: what `x_adv` obeys.

    Returns:
        Multiples of 1/255 in [0, 1].
    """
    origin = (x * 255).round()
    change = x_adv * 255 - origin
    size, rest = change.abs().floor(), change.abs().frac()

    def rounded(threshold: Tensor) -> Images:
        """Away from `x` where the fraction is at least the threshold (n,), else towards it."""
        away = (rest >= per_image(threshold, rest)).to(x)
        return (origin + change.sign() * (size + away)).clamp(0, 255) / 255

    eps = torch.as_tensor(threat_model.eps).to(x) * (1 + 1e-5)
    low, high = x.new_full((len(x),), 0.5), x.new_full((len(x),), 1.0)  # at 1 none goes away from x
    inside = threat_model.distance(rounded(low), x) <= eps
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        fits = threat_model.distance(rounded(middle), x) <= eps
        low, high = torch.where(fits, low, middle), torch.where(fits, middle, high)
    return rounded(torch.where(inside, x.new_full((), 0.5), high))
