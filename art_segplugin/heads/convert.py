"""From an ordinary network to hypersphere embedding (arXiv:2002.08619) and back."""

from typing import Any

import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import (
    DEFAULT_SCALE,
    HypersphereConv2d,
    HypersphereHead,
    HypersphereLinear,
    checked_scale,
    hypersphere_head,
    unit_rows,
)
from art_segplugin.heads.last_layer import LastLayer, find_last_layer


def to_hypersphere(
    model: nn.Module, classes: int, scale: float = DEFAULT_SCALE, layer: str | None = None
) -> nn.Module:
    """Make the last layer give scaled cosines, in place.

    The layer keeps its weight, the very parameter; its bias goes away. All else stays as it is:
    state dict, device, type, mode, hooks. What the network does to the logits afterwards, such as enlarging
    them, it does to the scaled cosines: `check_is_last` finds out whether it does more than that.
    Auxiliary heads keep their ordinary layer.

    Args:
        model: A network, or a Segmenter or Classifier around one. Its predictions change: it is to be
            trained further.
        classes: Number of classes.
        scale: s; the logits are between -s and s.
        layer: Dotted name of the last layer, such as "classifier.4", where `find_last_layer` cannot
            find it.

    Returns:
        ``model``; or the new layer where the model is nothing but a layer.

    Raises:
        InputError: ``scale`` is out of range (`checked_scale`), the model is converted already, or
            `find_last_layer` refuses it.
    """
    scale = checked_scale(scale)
    if hypersphere_head(model) is not None:
        raise InputError(
            "the model is converted to hypersphere embedding already: set hypersphere_head(model)"
            ".scale for another scale, or convert it back by to_plain(model) first."
        )
    name, found = find_last_layer(model, classes, layer)
    _check_ordinary(name, found)
    _draw_missing_directions(found)
    return _swap(model, found, _head(found, scale))


def to_plain(model: nn.Module) -> nn.Module:
    """Make the head of a converted model an ordinary layer again, in place, of weights s W / ||W||.

    It predicts the same class at every feature vector; but its logits grow with the length of the
    features, so that enlarged maps may differ between them.

    Returns:
        ``model``; or the new layer where the model is nothing but a head.

    Raises:
        InputError: The model has no hypersphere head, or is no module.
    """
    head = hypersphere_head(model)
    if head is None:
        raise InputError("the model has no hypersphere head: it is an ordinary network already.")
    layer: LastLayer
    if isinstance(head, HypersphereLinear):
        layer = nn.Linear(head.in_features, head.out_features, bias=False, device="meta")
    else:
        layer = nn.Conv2d(**_geometry(head), bias=False, device="meta")
    layer.weight = head.weight
    with torch.no_grad():
        layer.weight.copy_(head.scale * unit_rows(head.weight))
    return _swap(model, head, layer)


def _head(layer: LastLayer, scale: float) -> HypersphereHead:
    # On no device: neither memory nor random numbers are spent on weights that are replaced.
    head: HypersphereHead
    if isinstance(layer, nn.Linear):
        head = HypersphereLinear(layer.in_features, layer.out_features, scale, device="meta")
    else:
        head = HypersphereConv2d(**_geometry(layer), scale=scale, device="meta")
    head.weight = layer.weight
    return head


def _geometry(layer: nn.Conv2d) -> dict[str, Any]:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    return {name: getattr(layer, name) for name in (*names, "padding_mode")}


def _check_ordinary(name: str, layer: LastLayer) -> None:
    kind = type(layer)
    # timm's own linear layer differs from torch's in how it is compiled only.
    if kind not in (nn.Linear, nn.Conv2d) and kind.__module__ != "timm.layers.linear":
        raise InputError(
            f"{name or 'the model'} is a {kind.__name__}, which may compute something else "
            "than a linear layer or convolution: replace it by one of torch.nn first."
        )
    if not any(parameter is layer.weight for parameter in layer.parameters(recurse=False)):
        raise InputError(
            f"the weights of {name or 'the model'} are computed (weight or spectral "
            "normalisation): remove that first."
        )


def _draw_missing_directions(layer: LastLayer) -> None:
    """Draw anew the weights that are all zero, as some networks start: they have no direction."""
    with torch.no_grad():
        rows = layer.weight.flatten(1)
        drawn = torch.randn_like(rows) if bool((rows == 0).all(1).any()) else None
        if drawn is not None:
            missing = (rows == 0).all(1, keepdim=True)
            layer.weight.copy_(
                torch.where(missing, drawn / rows.shape[1] ** 0.5, rows).view_as(layer.weight)
            )


def _swap(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Put ``new`` wherever ``old`` is registered, with the hooks of that."""
    new.train(old.training)
    # The very dictionaries, for the handles that remove hooks know them.
    kept = [name for name in vars(new).keys() & vars(old).keys() if "hook" in name]
    vars(new).update({name: vars(old)[name] for name in kept})
    if model is old:
        return new
    names = [name for name, module in model.named_modules(remove_duplicate=False) if module is old]
    for name in names:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, new)
    return model
