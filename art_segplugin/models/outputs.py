"""From whatever a model returns to its logits, and what is doubtful about them before an attack."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError, warn

_MASK2FORMER_SIZE = (384, 384)
"""Of the masks of all Mask2Former models in the post-processing of transformers."""
_LABELS_NEEDED = 4
_MOVES = (
    "Alias",
    "Cat",
    "Upsample",
    "Slice",
    "Index",
    "ToCopy",
    "View",
    "Squeeze",
    "Unsqueeze",
    "Select",
)
"""Beginnings of the names under which autograd knows what changes no value on the way to logits."""
_PREDICTED = 0.005
"""Share of the pixels in which labels and a prediction may differ and still be one."""
_MODESTY = 0.25
"""By how much a model of unscaled cosines is more often right than it believes."""


def pixel_logits(
    output: Any, size: tuple[int, int], classes: int | None = None, *, quiet: bool = False
) -> Logits:
    """Find the logits in a model's output and enlarge them to the image.

    Recognised, in this order: a tensor; an object with ``class_queries_logits`` and
    ``masks_queries_logits`` (Mask2Former and its kin); a mapping or object with ``out`` (torchvision)
    or ``logits`` (transformers); the only tensor (n, c, h, w) in a tuple or list. Of several, as with
    deep supervision, the only one with as many channels as there are classes; which one that is, is
    said in a warning.

    Args:
        output: What the model returned.
        size: Height and width of the images in pixels.
        classes: Number of classes, if it is known.
        quiet: Do not warn of a choice, which was said before.

    Returns:
        Logits of shape (n, c, h, w), differentiable, at least float32; of a model with one output
        channel those of its two classes, see `binary_logits`. For mask-and-class queries these are
        logarithms of the semantic scores, normalised over the classes, so that their argmax is the
        usual class map and their softmax the scores.

    Raises:
        InputError: No logits of shape (n, c, h, w) can be found, or several that may be meant.
    """
    if all(
        isinstance(getattr(output, name, None), Tensor)
        for name in ("class_queries_logits", "masks_queries_logits")
    ):
        return _from_queries(output, size)
    logits = _of_this_size(_with_class_axis(_find(output, classes, quiet=quiet)), size)
    return binary_logits(_resize(_wide(logits), size))


def binary_logits(logits: Tensor) -> Tensor:
    """Give a model with one output channel z the logits [0, z] of its two classes.

    Their softmax is (1 - sigmoid(z), sigmoid(z)), and their cross-entropy is the binary one of z:
    class 1, the foreground, wins where z > 0. Other logits are returned as they are.

    Args:
        logits: (n, c, ...).
    """
    if logits.shape[1] != 1:
        return logits
    return torch.cat((torch.zeros_like(logits), logits), 1)


def are_binary(logits: Tensor) -> bool:
    """Whether logits are those that `binary_logits` makes of one channel; reads values back."""
    return logits.shape[1] == 2 and not bool(logits[:, 0].any())


def class_logits(output: Any, n: int) -> Tensor:
    """Find the logits (n, c) in the output of a classifier; the graph is kept.

    Args:
        output: A tensor (n, c) or (n, c, 1, 1), a mapping that has one under ``logits`` or ``out``, or
            an object with such ``.logits`` (transformers). One logit per image, (n, 1) or (n,),
            gives those of two classes, see `binary_logits`.
        n: Number of images.

    Raises:
        InputError: Anything else; what a segmentation model returns, for instance.
    """
    logits = getattr(output, "logits", output)
    if isinstance(output, Mapping):
        logits = output.get("logits", output.get("out", output))
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
    fits = shape[:1] == (n,) and math.prod(shape[1:2]) >= 1 and math.prod(shape[2:]) == 1
    if fits and logits.is_floating_point():
        logits = _wide(logits)
        return binary_logits(logits.flatten(1) if len(shape) > 1 else logits.unsqueeze(1))
    if not isinstance(logits, Tensor):
        remedy = "wrap it in art_segplugin.models.Classifier, with output=... to say where they are"
    elif math.prod(shape[2:]) > 1:
        remedy = "give label maps of the size of the images to a segmentation model"
    elif shape and not logits.is_floating_point():
        remedy = "let it return the logits before the argmax"
    else:
        remedy = "let it return one logit per class"
    given = f"tensor {shape}" if isinstance(logits, Tensor) else type(logits).__name__
    raise InputError(
        f"the model returned a {given} for one label per image; expected logits ({n}, classes): "
        f"{remedy}."
    )


def check_outputs(logits: Logits, labels: Tensor | None = None) -> None:
    """Make the checks of a model's outputs that read values back; call it once per run.

    Warns when the outputs are probabilities, over all classes
    or one per class, on which losses made for logits are weak, or look like cosines, whose softmax is
    almost even: attacks on those overstate the robustness of models with normalised features and
    weights.

    Args:
        logits: Outputs of the model on images of the run, (n, c, h, w).
        labels: True labels (n, h, w) or (n,) if there are any, not the model's own predictions, see
            `no_predictions`; without them cosines are not recognised.

    Raises:
        InputError: They hold NaN or infinite values, or are those of a single channel of probabilities.
    """
    finite = logits.isfinite().flatten(1).all(1)
    if not finite.all():
        broken = [index for index, fine in enumerate(finite.tolist()) if not fine]
        which = (
            "these images" if len(broken) == len(finite) else f"images {_listed(broken)} of these"
        )
        raise InputError(
            f"the model's output holds NaN or infinite values on {which}: "
            "its weights or its normalisation are broken."
        )
    if not logits.numel():
        return
    low, high = (value.item() for value in logits.aminmax())
    in_unit = 0 <= low < high <= 1
    sure = _is_after_sigmoid(logits) or (low < 0.01 and high > 0.99)
    if in_unit and are_binary(logits):
        message = (
            "the model has one output channel, and it is in [0, 1] on these images, as a probability "
            "after a sigmoid is; as a logit it calls every pixel foreground: return the logit before "
            "the sigmoid, or pass output=torch.logit to Segmenter; if it is a logit, pass "
            "output=lambda z: torch.cat((-z, z), 1) / 2."
        )
        if sure:
            raise InputError(message)
        warn(message)
    elif logits.shape[1] > 1 and _are_probabilities(logits):
        warn(
            "the model's output looks like probabilities (it sums to 1 over the classes); "
            "attacks are stronger on the logits before the softmax.",
        )
    elif logits.shape[1] > 1 and in_unit and sure:
        warn(
            "the model's output looks like one probability per class (all values are in [0, 1] and "
            "do not sum to 1, as after a sigmoid); attacks are stronger on the logits before the "
            "sigmoid.",
        )
    elif labels is not None and labels.shape == logits.shape[:1] + logits.shape[2:]:
        if are_binary(logits) or not _are_cosines(logits, labels):
            return
        per_class = ""
        if in_unit:
            per_class = (
                "; if it is one probability per class, after a sigmoid, give the logits before"
            )
        warn(
            "the model's output looks like cosines (all values are in [-1, 1], and it is right far "
            "more often than its softmax says): if features and weights are normalised, multiply it "
            "by the scale of the training, or attacks will seem weaker than they are"
            f"{per_class}.",
        )


def no_predictions(logits: Logits, labels: Tensor | None) -> Tensor | None:
    """Return labels that somebody gave, or None where they may be what the model itself predicts.

    A prediction may differ in a few pixels where it was made in another precision or from a file.
    """
    if labels is None or labels.shape != logits.shape[:1] + logits.shape[2:]:
        return None
    labels = labels.long()  # unsigned integers of 16 bits cannot be compared
    valid = (labels >= 0) & (labels < logits.shape[1])
    differ = int((logits.argmax(1)[valid] != labels[valid]).sum())
    return None if differ <= _PREDICTED * int(valid.sum()) else labels


def _find(output: Any, classes: int | None, *, quiet: bool) -> Tensor:
    """The tensor that holds the logits, whatever its shape."""
    value, place = _named(output)
    if isinstance(value, Tensor):
        return value
    # Of values with names nobody knows, even a single one may be something else.
    unknown = value is output and not isinstance(output, tuple | list)
    parts = list({id(part): (where, part) for where, part in _parts(value, place)}.values())
    if len(parts) == 1 and not unknown:
        return parts[0][1]
    fitting = [(where, part) for where, part in parts if _has(part, classes)]
    if len(fitting) == 1:
        where, part = fitting[0]
        if not quiet:
            warn(
                f"the model returned a {type(output).__name__}, of which {where} was taken for the "
                f"logits: nothing else in it has {classes} classes. To say so, pass output=lambda r: "
                f"{where} to Segmenter."
            )
        return part
    raise InputError(_not_found(output, parts, classes))


def _named(output: Any) -> tuple[Any, str]:
    """What stands under a name of logits, and how to take it from the output r; else the output."""
    if isinstance(output, Tensor):
        return output, "r"
    for name in ("out", "logits"):
        if isinstance(output, Mapping):
            value, place = output.get(name), f"r[{name!r}]"
        else:
            value, place = getattr(output, name, None), f"r.{name}"
        if isinstance(value, Tensor | Mapping | tuple | list):
            return value, place
    return output, "r"


def _parts(value: Any, place: str) -> Iterator[tuple[str, Tensor]]:
    """All tensors that may be logits, however deep, and how to take them from the output r."""
    if isinstance(value, Tensor):
        if value.ndim == 4 and value.is_floating_point():
            yield place, value
        return
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        inside = [(f"[{key!r}]", part) for key, part in value.items()]
    elif is_dataclass(value):
        inside = [(f".{one.name}", getattr(value, one.name, None)) for one in fields(value)]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        inside = [(f".{name}", getattr(value, name)) for name in value._fields]
    elif isinstance(value, tuple | list):
        inside = [(f"[{index}]", part) for index, part in enumerate(value)]
    for step, part in inside:
        yield from _parts(part, place + step)


def _has(part: Tensor, classes: int | None) -> bool:
    return part.shape[1] == classes or (part.shape[1] == 1 and classes == 2)


def _not_found(output: Any, parts: list[tuple[str, Tensor]], classes: int | None) -> str:
    kind = type(output).__name__
    if len(parts) > 1:
        shown = ", ".join(f"{where} {tuple(part.shape)}" for where, part in parts[:8])
        return (
            f"the model returned a {kind} with {len(parts)} tensors that may be the logits"
            f"{f' of {classes} classes' if classes else ''}: {shown}; say which they are, as with "
            f"output=lambda r: {parts[1][0]}, to Segmenter."
        )
    if isinstance(output, Mapping):
        keys = ", ".join(repr(key) for key in output)
        place = parts[0][0] if parts else "r['...']"
        return (
            f"the model returned a mapping with {keys}; expected 'out' or 'logits': "
            f"pass output=lambda r: {place} to Segmenter."
        )
    if isinstance(output, tuple | list):
        return (
            f"the model returned a {kind} without a tensor of shape "
            "(n, classes, h, w): pass output=... to Segmenter to say where the logits are."
        )
    if parts:
        return (
            f"the model returned a {kind}, in which no logits were recognised: pass "
            f"output=lambda r: {parts[0][0]} to Segmenter if it is those."
        )
    return (
        f"the model returned a {kind}, in which no logits were recognised: "
        "pass output=... to Segmenter, a function from it to a tensor (n, classes, h, w)."
    )


def _with_class_axis(logits: Tensor) -> Tensor:
    if logits.ndim == 4 and logits.is_floating_point():
        return logits
    if logits.is_complex():
        hint = "return their real part or magnitude"
    elif not logits.is_floating_point():
        hint = "a class map has no gradient: return the logits before the argmax"
    elif logits.ndim == 3:
        hint = (
            "a class map has no gradient: return the logits before the argmax; if it is the one logit "
            "per pixel of a binary model, pass output=lambda r: r.unsqueeze(1) to Segmenter, and "
            "r.unsqueeze(0) if the axis of the images is missing"
        )
    else:
        hint = "is this a segmentation model?"
    raise InputError(
        f"the model returned a tensor of shape {tuple(logits.shape)} of {logits.dtype}; "
        f"expected floating-point logits (n, classes, h, w); {hint}"
    )


def _of_this_size(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Refuse maps whose axes are in another order, which would be enlarged to nonsense."""
    shape = tuple(logits.shape)
    if shape[2:] == size:
        return logits
    if shape[1:3] == size:
        remedy = "the classes come last: pass output=lambda r: r.permute(0, 3, 1, 2) to Segmenter"
    elif shape[:1:-1] == size:
        remedy = "height and width are exchanged: pass output=lambda r: r.mT to Segmenter"
    else:
        return logits
    raise InputError(f"the model returned {shape} for images of {size[0]} x {size[1]}; {remedy}.")


def _wide(values: Tensor) -> Tensor:
    """At least float32: half precision is too coarse for losses and for enlarging."""
    return values.float() if values.dtype.itemsize < 4 else values


def _from_queries(output: Any, size: tuple[int, int]) -> Logits:
    # The models' own post-processing: the last class of the queries is "no object", Mask2Former's masks
    # are brought to 384 x 384, and scores are enlarged before the logarithm is taken. The logarithm is of
    # each class's share, so that the softmax leaves the scores as they are.
    masks = _wide(output.masks_queries_logits)
    if type(output).__name__.startswith("Mask2Former"):
        masks = _resize(masks, _MASK2FORMER_SIZE)
    classes = _wide(output.class_queries_logits).softmax(-1)[..., :-1]
    scores = _resize(torch.einsum("nqc,nqhw->nchw", classes, masks.sigmoid()), size)
    if scores.shape[1] == 1:  # one class is told from none
        scores = torch.cat((1 - scores, scores), 1)
    return scores.clamp_min(torch.finfo(scores.dtype).tiny).log().log_softmax(1)


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _are_probabilities(outputs: Tensor) -> bool:
    total = outputs.sum(1)
    return bool((outputs >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3)


def _is_after_sigmoid(logits: Tensor) -> bool:
    """Whether the graph, if there is one, says that they come out of a sigmoid, moved or enlarged."""
    nodes = [logits.grad_fn]
    for _ in range(8):
        if any(type(node).__name__.startswith("Sigmoid") for node in nodes):
            return True
        nodes = [
            before
            for node in nodes
            if node is not None and type(node).__name__.startswith(_MOVES)
            for before, _ in node.next_functions
        ]
    return False


def _are_cosines(outputs: Tensor, labels: Tensor) -> bool:
    valid = (labels >= 0) & (labels < outputs.shape[1])
    if int(valid.sum()) < _LABELS_NEEDED or outputs.abs().amax().item() > 1.001:
        return False
    confidence, prediction = outputs.float().softmax(1).max(1)
    right = (prediction == labels)[valid].float().mean()
    return bool(right - confidence[valid].mean() > _MODESTY)
