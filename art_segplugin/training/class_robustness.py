"""Class weights for adversarial training from measured robustness: classes that fall get more weight.

Our own method, in the spirit of arXiv:2105.14240 (whose own remedy we could not read): where all classes
are equally frequent, the weights are the gradient of the soft minimum of the class accuracies.
"""

import torch
from torch import Tensor

from art_segplugin.errors import InputError


def robustness_weights(accuracy: Tensor, strength: float = 1.0) -> Tensor:
    """Weigh classes by how much of them an attack leaves.

    Args:
        accuracy: Robust accuracy of each class in 0..1, shape (c,), measured on held-out data; NaN for
            a class that did not occur, which then weighs 1.
        strength: The weight is proportional to exp(-strength * accuracy); 0 weighs all alike.

    Returns:
        Weights (c,) float32 with mean 1 over the classes that occur.

    Raises:
        InputError: An accuracy is outside 0..1, all are NaN, or the strength is negative.
    """
    known = ~accuracy.isnan()
    if not known.any() or not ((accuracy[known] >= 0) & (accuracy[known] <= 1)).all():
        raise InputError(
            f"the class accuracies are {accuracy.tolist()}; expected shares from 0 to 1, "
            "at least one of them known."
        )
    if not 0 <= strength < float("inf"):
        raise InputError(f"strength is {strength}; expected a finite number >= 0, such as 1.")
    # Measured from the weakest class: what is largest cannot underflow.
    raw = torch.exp(-strength * (accuracy.double() - accuracy[known].min()))
    return torch.where(known, raw / raw[known].mean(), 1.0).float()
