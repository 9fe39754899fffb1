"""What is known about a model: how to build it, what it predicts, where it comes from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import checked_scale

Colour = tuple[int, int, int]

BACKGROUND_COLOUR: Colour = (64, 64, 64)

_KINDS: Mapping[str, type] = {
    "architecture": str,
    "classes": list,
    "colours": list,
    "mean": list,
    "std": list,
    "options": dict,
    "ignore_index": int,
    "in_channels": int,
    "bgr": bool,
    "reduce_labels": bool,
    "stride": int,
    "data": str,
    "training": dict,
    "scores": dict,
    "command": str,
    "version": str,
    "task": str,
    "hypersphere_layer": str,
}
"""What JSON holds for the fields."""

_RANGES: Mapping[str, tuple[int, int]] = {
    "ignore_index": (-(2**31), 2**31 - 1),
    "stride": (1, 4096),
}


@dataclass(frozen=True)
class CheckpointInfo:
    """The description that travels with the weights.

    Attributes:
        architecture: Name of the architecture; see `art_segplugin.models.checkpoint.ARCHITECTURES`.
        classes: Class names; the position is the class index.
        colours: One RGB colour in 0..255 per class, for pictures.
        options: Keyword arguments of the architecture.
        ignore_index: Label of pixels that belong to no class.
        mean: Per-channel mean subtracted from images in [0, 1].
        std: Per-channel standard deviation they are divided by.
        in_channels: Channels of the images.
        bgr: The network wants the channels in the order blue, green, red.
        channels: Start, stop and step of the logits that are classes; None for all.
        stride: Height and width of the images are padded to a multiple of it.
        reduce_labels: It was trained on label files in which 0 is void and class k is stored as
            k + 1 (``do_reduce_labels`` of ADE20K models).
        data: What it was trained on.
        training: Options of the training.
        scores: Figures measured on the validation data, such as ``miou`` in 0..1.
        command: The command that made it.
        version: Version of this package that made it.
        task: ``segmentation`` or ``classification``.
        hypersphere: Scale s of its hypersphere head (`art_segplugin.heads`); None where the last layer
            is an ordinary one.
        hypersphere_layer: Name of that head in the network.
    """

    architecture: str
    classes: tuple[str, ...]
    colours: tuple[Colour, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    ignore_index: int = 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    in_channels: int = 3
    bgr: bool = False
    channels: tuple[int | None, int | None, int | None] | None = None
    stride: int = 1
    reduce_labels: bool = False
    data: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    command: str = ""
    version: str = ""
    task: str = "segmentation"
    hypersphere: float | None = None
    hypersphere_layer: str = ""

    def with_background(self) -> "CheckpointInfo":
        """The same, with a background before a single class: a model with one output channel."""
        if len(self.classes) != 1:
            return self
        colours = self.colours and (BACKGROUND_COLOUR, *self.colours)
        if self.colours == default_colours(1):  # made up, which stays visible
            colours = default_colours(2)
        return replace(self, classes=("background", *self.classes), colours=colours)

    def to_json(self) -> str:
        """Return the description as JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "CheckpointInfo":
        """Read what `to_json` wrote.

        Raises:
            InputError: It is not such a description.
        """
        try:
            fields = json.loads(text)
            for name, kind in _KINDS.items():
                if not isinstance(fields.get(name, kind()), kind):
                    raise TypeError(f"{name} is {fields[name]!r}")
            for name, (least, most) in _RANGES.items():
                if not least <= fields.get(name, least) <= most:
                    raise ValueError(f"{name} is {fields[name]}; expected {least} to {most}")
            if fields.get("task", "segmentation") not in ("segmentation", "classification"):
                raise ValueError(f"task is {fields['task']!r}")
            return cls(
                **{
                    "in_channels": len(fields["mean"]),  # of files that do not know it yet
                    **fields,
                    "classes": tuple(str(name) for name in fields["classes"]),
                    "colours": tuple(_colour(colour) for colour in fields["colours"]),
                    "mean": tuple(float(value) for value in fields["mean"]),
                    "std": tuple(float(value) for value in fields["std"]),
                    "channels": _channels(fields.get("channels")),
                    "scores": {name: float(one) for name, one in fields.get("scores", {}).items()},
                    "hypersphere": _scale_or_none(fields.get("hypersphere")),
                }
            )
        except (
            AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
        ) as error:  # fmt: skip
            raise InputError(f"the description of the model cannot be read ({error}).") from error


def default_colours(count: int) -> tuple[Colour, ...]:
    """Return ``count`` <= 255 different colours, none black: the colour map of PASCAL VOC from 1 on.

    Bit k of the class index goes to one of the three channels, low bits to high values.
    """
    return tuple(_voc_colour(index) for index in range(1, count + 1))


def _voc_colour(index: int) -> Colour:
    red, green, blue = (
        sum((index >> (3 * place + channel) & 1) << (7 - place) for place in range(3))
        for channel in range(3)
    )
    return red, green, blue


def _colour(values: list[Any]) -> Colour:
    red, green, blue = (int(value) for value in values)
    if not 0 <= min(red, green, blue) <= max(red, green, blue) <= 255:
        raise ValueError(f"a colour is {values}; expected 0 to 255")
    return red, green, blue


def _channels(values: list[int | None] | None) -> tuple[int | None, int | None, int | None] | None:
    if values is None:
        return None
    start, stop, step = values
    slice(start, stop, step).indices(1)  # refuses what is no number
    return start, stop, step


def _scale_or_none(value: Any) -> float | None:
    return None if value is None else checked_scale(value)
