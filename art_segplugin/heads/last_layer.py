"""The layer that turns features into logits: where it is, its weights by class, its bias."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import HypersphereConv2d, HypersphereLinear, hypersphere_head
from art_segplugin.interpret.hooks import on_output

LastLayer = nn.Linear | nn.Conv2d
AnyLayer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d

_MASK_CLASSIFICATION = ("ForUniversalSegmentation", "ForInstanceSegmentation")
"""Ends of the names of transformers' classes that classify masks, not pixels."""


def find_last_layer(
    model: nn.Module, classes: int, name: str | None = None
) -> tuple[str, LastLayer]:
    """Find the linear layer or convolution whose outputs are the logits.

    Without a name it is the last one of that many outputs, in the order in which modules were
    registered, which is that of most networks' forward pass. Layers of auxiliary heads do not count:
    those in a module called "aux...", and the image classifier beside a "segmentation_head". What the
    network computes is not seen here: `check_is_last` runs it.

    Args:
        model: A network, or a Segmenter or Classifier around one.
        classes: Number of outputs of the layer.
        name: Dotted name of the layer in the network (not in the wrapper), such as "classifier.4".

    Returns:
        Its name in the network, and the layer itself; a hypersphere head is one, too.

    Raises:
        InputError: There is no such layer; or its outputs are not the logits, because other layers'
            outputs are added to them or an activation follows; or it has groups or is transposed; or
            the model classifies masks instead of pixels, or is no module; or ``classes`` is no
            integer.
    """
    network = network_of(model)
    _check_classes(classes)
    for module in network.modules():
        if type(module).__name__.endswith(_MASK_CLASSIFICATION):
            raise InputError(
                f"{type(module).__name__} classifies masks, not pixels: it has no last layer whose "
                "outputs are the logits of a pixel; choose another architecture."
            )
    layers = {
        found: module
        for found, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    }
    candidates = [
        found
        for found, module in layers.items()
        if _outputs(module) == classes and not _auxiliary(found, network)
    ]
    if name is None:
        if not candidates and classes == 2 and any(_outputs(one) == 1 for one in layers.values()):
            raise InputError(
                "no linear layer or convolution of the model gives 2 outputs; a model with one output "
                "channel, the logit of the foreground, has no weights for each class to normalise: "
                "give it a last layer of 2 outputs."
            )
        if not candidates:
            raise InputError(
                f"no linear layer or convolution of the model gives {classes} outputs: check the "
                "number of classes, or name the layer."
            )
        name = candidates[-1]
        _refuse_siblings(name, candidates, layers, network)
    layer = _named(network, layers, name, classes, candidates)
    _refuse_what_follows(name, network)
    return name, layer


def class_weight_norms(model: nn.Module, classes: int) -> Tensor | None:
    """Euclidean norm of each class's weights in the last layer, float64 (c,), or None without one.

    Those of a hypersphere head are the lengths of its weights as they are kept; they do not influence
    its predictions, in which every class's weights are divided by their length.
    """
    try:
        _, layer = find_last_layer(model, classes)
    except InputError:
        return None
    norms: Tensor = torch.linalg.vector_norm(layer.weight.detach().cpu().double().flatten(1), dim=1)
    return norms


def add_to_logits(model: nn.Module, offsets: Tensor) -> None:
    """Add a constant to the logits of each class, for good: it goes into the last layer's bias.

    Up-sampling that averages, such as bilinear, keeps it as it is.

    Args:
        model: Changed in place.
        offsets: (c,), one number a class.

    Raises:
        InputError: `find_last_layer` finds none of that many classes, or it is a hypersphere head,
            which has no bias.
    """
    name, layer = find_last_layer(model, len(offsets))
    if isinstance(layer, HypersphereLinear | HypersphereConv2d):
        raise InputError(
            f"{name or 'the model'} is a hypersphere head, whose logits are scaled cosines without a "
            "bias by definition: add the offsets to the logits yourself, or adjust a plain network."
        )
    offsets = offsets.to(layer.weight)
    if layer.bias is None:
        layer.bias = nn.Parameter(offsets)
        return
    with torch.no_grad():
        layer.bias += offsets


def network_of(model: nn.Module) -> nn.Module:
    """Return the network in a Segmenter or Classifier; any other module as it is.

    Raises:
        InputError: The model is no module or a wrapper around none, or the wrapper takes only some
            channels for classes.
    """
    # The wrappers are known by what they have: this package is below theirs.
    wrapped = all(hasattr(model, name) for name in ("model", "channels", "ignore_index"))
    network: Any = model.model if wrapped else model
    channels: Any = model.channels if wrapped else None
    if not isinstance(network, nn.Module):
        raise InputError(
            f"a {type(network).__name__} has no layers to look for; expected a module."
        )
    if channels is not None:
        raise InputError(
            f"only the channels {channels} of the model's logits are classes: give the network "
            "itself (segmenter.model) and the number of all its outputs."
        )
    return network


def _check_classes(classes: Any) -> None:
    if isinstance(classes, bool) or not isinstance(classes, Integral):
        raise InputError(f"classes is {classes!r}; expected a whole number, such as 10.")


def _outputs(layer: AnyLayer) -> int:
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def _auxiliary(name: str, network: nn.Module) -> bool:
    parts = name.lower().split(".")
    beside = parts[0] == "classification_head" and hasattr(network, "segmentation_head")
    return beside or any(part.startswith("aux") for part in parts)


def _refuse_siblings(
    name: str, candidates: list[str], layers: dict[str, AnyLayer], network: nn.Module
) -> None:
    """Refuse a layer beside others of as many outputs, unless they are applied one after another.

    Beside it are those whose names differ in one part: score3 and score4, head.fc and head_dist.fc.
    """
    layer = layers[name]
    beside = [
        other
        for other in candidates
        if type(layers[other]) is type(layer) and _parallel(name, other, network)
    ]
    if beside and _inputs(layer) != _outputs(layer):
        raise InputError(
            f"{' and '.join([*beside, name])} give as many outputs each: if they are added up, none "
            "gives the logits, and the network cannot be used here; if one does, name that layer."
        )


def _parallel(name: str, other: str, network: nn.Module) -> bool:
    parts, others = name.split("."), other.split(".")
    if len(parts) != len(others):
        return False
    unlike = [i for i, pair in enumerate(zip(parts, others, strict=True)) if pair[0] != pair[1]]
    if len(unlike) != 1:
        return False
    parent = network.get_submodule(".".join(parts[: unlike[0]]))
    return not isinstance(parent, nn.Sequential)


def _inputs(layer: AnyLayer) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


def _named(
    network: nn.Module,
    layers: dict[str, AnyLayer],
    name: str,
    classes: int,
    candidates: list[str],
) -> LastLayer:
    try:
        layer = network.get_submodule(name)
    except AttributeError:
        known = ", ".join((candidates or list(layers))[-3:]) or "no linear layer or convolution"
        raise InputError(
            f"the network has no layer {name!r}; expected one of {classes} outputs, such as {known}."
        ) from None
    shown = name or "the model"
    kind = type(layer).__name__
    if isinstance(layer, nn.ConvTranspose2d):
        raise InputError(f"{shown} is a transposed convolution; expected an ordinary one.")
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        raise InputError(f"{shown} is a {kind}; expected a linear layer or convolution.")
    if _outputs(layer) != classes:
        raise InputError(
            f"{shown} gives {_outputs(layer)} outputs; expected {classes}, one a class."
        )
    if isinstance(layer, nn.Conv2d) and layer.groups > 1:
        raise InputError(f"{shown} is a convolution of {layer.groups} groups; expected 1 group.")
    return layer


def _refuse_what_follows(name: str, network: nn.Module) -> None:
    """Refuse torchvision's LR-ASPP, and an activation behind the layer in its Sequential."""
    parent_name, _, child = name.rpartition(".")
    parent = network.get_submodule(parent_name)
    if hasattr(parent, "low_classifier") and hasattr(parent, "high_classifier"):
        raise InputError(
            f"{name} is one of two layers whose outputs LR-ASPP adds up to the logits: there is no "
            "last layer; choose another architecture."
        )
    if not isinstance(parent, nn.Sequential) or not child:
        return
    names = list(dict(parent.named_children()))
    for later in names[names.index(child) + 1 :]:
        for module in parent.get_submodule(later).modules():
            if type(module).__module__ == "torch.nn.modules.activation":
                raise InputError(
                    f"{name} is followed by {type(module).__name__}: its outputs are not the logits."
                )


_LARGEST = 10.0
_TOLERANCE = 0.01  # relative to that; half precision rounds, and enlarging rounds again


def check_is_last(model: nn.Module, images: Tensor, layer: nn.Module | None = None) -> None:
    """Refuse a network that does more with the outputs of its last layer than resize and reshape them.

    In one forward pass, without gradient and in evaluation mode, the outputs of the layer are replaced
    by one number for each class, the same everywhere. Resizing, cropping and squeezing keep such
    constants, whatever the interpolation; an activation, a temperature, a bias, a refinement or a
    second head that is averaged in does not. What adds nothing yet, such as a refinement that starts
    at zero, cannot be seen.

    Args:
        model: A network, or a Segmenter or Classifier around one; left as it is.
        images: What it takes, (n, ch, h, w), on its device; one image is enough.
        layer: The layer; None is the hypersphere head.

    Raises:
        InputError: The logits are not the outputs of the layer, or there is no such layer, or only
            some channels of the logits are classes.
    """
    network = network_of(model)
    layer = hypersphere_head(network) if layer is None else layer
    if layer is None:
        raise InputError("the model has no hypersphere head: convert it, or give the layer.")
    axis = -3 if isinstance(layer, nn.Conv2d) else -1
    shown = next((name for name, module in network.named_modules() if module is layer), "")
    constants: list[Tensor] = []

    def replace(outputs: Tensor) -> Tensor:
        # Neither their sum nor that of their exponentials is one that a network might remove.
        values = _LARGEST * torch.linspace(-0.4, 1.0, outputs.shape[axis], device=outputs.device)
        constants.append(values.to(outputs.dtype))
        return torch.movedim(constants[-1].expand_as(outputs.movedim(axis, -1)), -1, axis).clone()

    # The hooks of others belong to what happens to the outputs.
    with on_output(layer, replace, before_others=True), evaluation_mode(model), torch.no_grad():
        logits = _logits(model(images))
    if not constants:
        raise InputError(
            f"{shown or 'the layer'} is not run by the model: it is not its last layer."
        )
    if not _equal(logits, constants[-1]):
        raise InputError(
            f"the model's logits are not the outputs of {shown or 'its layer'}: something follows "
            "that changes them, or adds others to them; take that out, or name another layer."
        )


def _equal(logits: Any, values: Tensor) -> bool:
    if not isinstance(logits, Tensor) or logits.ndim < 2 or logits.shape[1] != len(values):
        return False
    wanted = values.to(logits).view(1, -1, *[1] * (logits.ndim - 2))
    return bool(((logits - wanted).abs() <= _LARGEST * _TOLERANCE).all())


def _logits(output: Any) -> Any:
    """Take the logits out of what networks without a wrapper around them return."""
    if isinstance(output, Mapping):
        return output.get("out", output.get("logits"))
    return getattr(output, "logits", output)
