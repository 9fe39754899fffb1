"""Arrays outside, tensors inside: ART hands over NumPy arrays, the core works on tensors."""

from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.core.types import Images
from art_segplugin.errors import InputError

Array = NDArray[Any]
Data = Array | Tensor
"""An array, as everywhere in ART, or a tensor."""

Same = TypeVar("Same", Array, Tensor)


def to_tensor(data: Data, device: torch.device) -> Tensor:
    """The values as a tensor on `device`, sharing memory where that is possible.

    A tensor made in inference mode, which no gradient can go through, is copied.

    Raises:
        InputError: None, text or other objects.
    """
    if isinstance(data, Tensor):
        return data.to(device, copy=data.is_inference())
    # Torch accepts neither read-only arrays nor negative strides.
    array = np.require(data, requirements=["C", "W"])
    if array.dtype.kind not in "fciub":
        raise InputError(
            f"a {type(data).__name__} was given; give an array or a tensor of numbers."
        )
    return torch.from_numpy(array).to(device)


def to_array(data: Data) -> Array:
    """The values as an array, sharing memory where that is possible; NumPy has no bfloat16."""
    if not isinstance(data, Tensor):
        return data
    return (data.float() if data.dtype == torch.bfloat16 else data).detach().cpu().numpy()


def float_copy(data: Same) -> Same:
    """A copy in float32 of an array, as ART has it; tensors that are floats keep their type."""
    if isinstance(data, Tensor):
        return data.detach().clone() if data.is_floating_point() else data.float()
    return data.astype(np.float32)


def as_like(values: Tensor, like: Same) -> Same:
    """`values` without graph: an array where `like` is one, else a tensor on the device of `like`."""
    if isinstance(like, Tensor):
        return values.detach().to(like.device)
    return np.ascontiguousarray(to_array(values))


def check_array(name: str, data: Any) -> None:
    """Refuse what is neither an array nor a tensor, such as a list.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(data, np.ndarray | Tensor):
        raise InputError(f"{name} is a {type(data).__name__}; give an array or a tensor.")


def check_images(x: Data, *, channels_first: bool) -> None:
    """Refuse what is no batch of images.

    Raises:
        InputError: `x` is no array of real numbers or does not have four dimensions.
    """
    check_array("x", x)
    real = not x.is_complex() if isinstance(x, Tensor) else x.dtype.kind in "fiub"
    if not real:
        raise InputError(f"x holds {x.dtype}; give real numbers.")
    if x.ndim != 4:
        layout = "(n, ch, h, w)" if channels_first else "(n, h, w, ch)"
        raise InputError(f"x has shape {tuple(x.shape)}; give a batch of images {layout}.")


def check_channels(x: Data, input_shape: tuple[int, ...], *, channels_first: bool) -> None:
    """Refuse images with another number of channels than an estimator's; any size will do.

    Raises:
        InputError: the channels differ, as when they are on another axis.
    """
    axis = 0 if channels_first else 2
    if x.shape[1 + axis] != input_shape[axis]:
        layout = "(n, ch, h, w)" if channels_first else "(n, h, w, ch)"
        raise InputError(
            f"x has shape {tuple(x.shape)} and the estimator's input_shape is {tuple(input_shape)}; "
            f"give images {layout} with {input_shape[axis]} channels, or an estimator with another "
            "input_shape or channels_first."
        )


def to_images(x: Data, device: torch.device, *, channels_first: bool) -> Images:
    """Images (n, ch, h, w) on `device`: float32 from arrays, as ART has it; tensors keep their float.

    They share no memory with `x`, because nothing keeps a defence from working in place. `x` is what
    `check_images` lets pass, or a part of it.
    """
    if isinstance(x, Tensor):
        images = x.to(device, x.dtype if x.is_floating_point() else torch.float32, copy=True)
    else:
        images = torch.from_numpy(x.astype(np.float32, order="C")).to(device)
    return images if channels_first else images.permute(0, 3, 1, 2).contiguous()


def from_images(images: Images, like: Same, *, channels_first: bool) -> Same:
    """The inverse of `to_images`: type, layout and device of `like`."""
    return as_like(images if channels_first else images.permute(0, 2, 3, 1), like)
