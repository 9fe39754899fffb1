"""Last layers of networks: hypersphere embedding, its margin, and how it gets into a network."""

from art_segplugin.heads.convert import to_hypersphere, to_plain
from art_segplugin.heads.hypersphere import (
    HypersphereConv2d,
    HypersphereLinear,
    hypersphere_head,
    margin_cross_entropy,
    with_margin,
)
from art_segplugin.heads.last_layer import (
    add_to_logits,
    check_is_last,
    class_weight_norms,
    find_last_layer,
)

__all__ = [
    "HypersphereConv2d",
    "HypersphereLinear",
    "add_to_logits",
    "check_is_last",
    "class_weight_norms",
    "find_last_layer",
    "hypersphere_head",
    "margin_cross_entropy",
    "to_hypersphere",
    "to_plain",
    "with_margin",
]
