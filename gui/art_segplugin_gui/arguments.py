"""What the app is started with: `art-segplugin gui --help`. Loads neither Qt nor torch."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from art_segplugin import __version__
from art_segplugin.errors import InputError
from art_segplugin_gui.session.state import LAYERS

if TYPE_CHECKING:  # needs NumPy, which takes a moment
    from art_segplugin.data.labels import LabelRule

THEMES = ("system", "dark", "light")
USUAL_SIZE = (1440, 900)
SMALLEST, LARGEST = (640, 480), (7680, 4320)

_DRAWN = re.compile(r"(scenes|drive|camera):\w+")
_EXAMPLES = """
examples:
  art-segplugin gui                              a rendered street scene, under attack
  art-segplugin gui street.png                   labels beside it (street_label.png) are found
  art-segplugin gui photos/ --model my.safetensors --eps 4/255
  art-segplugin gui drive.mp4 --model small-scenes --model-b small-scenes-segpgd
  art-segplugin gui --demo --theme dark          for an audience: the panes only, in large type
  art-segplugin gui --screenshot window.png      attack the first scene, save the window, end
"""


@dataclass(frozen=True)
class Arguments:
    """What the app is started with.

    Attributes:
        sources: images, videos, folders and checkpoints, as paths that exist, or what
            `Source.spec` calls a drawn source (`scenes:test`, `drive:3`, `camera:0`).
        model: the model under attack; None for the usual one.
        model_b: the model beside it.
        attack: name of an attack, not looked up yet.
        eps: radius in the L-inf norm, in (0, 1].
        screenshot: attack, save the window there as PNG, and end.
        size: width and height of the window in logical pixels; None for those it had when it was
            closed, and `USUAL_SIZE` the first time.
        theme: one of `THEMES`; None for what the settings say.
        layer: one of `LAYERS`.
        threads: of torch; None for the app's own choice.
        label_rule: how label maps beside images are read; None for what they hold.
        demo: begin with the panes only (F11).
        safe_mode: begin with the defaults; settings are neither read nor written.
        reset_settings: forget the settings, then begin.
    """

    sources: tuple[str, ...] = ()
    model: str | None = None
    model_b: str | None = None
    attack: str | None = None
    eps: float | None = None
    screenshot: Path | None = None
    size: tuple[int, int] | None = None
    theme: str | None = None
    layer: str | None = None
    threads: int | None = None
    label_rule: "LabelRule | None" = None
    demo: bool = False
    safe_mode: bool = False
    reset_settings: bool = False


def parse(arguments: Sequence[str]) -> Arguments:
    """Read the arguments, which do not begin with the name of the program.

    Raises:
        InputError: one of them cannot be used.
        SystemExit: after --help and --version, with code 0.
    """
    found = vars(_parser().parse_args(list(arguments)))
    labels = [found.pop(name) for name in ("label_map", "void", "reduce_zero_label", "labels_as")]
    rule = _label_rule(*labels) if any(value is not None for value in labels) else None
    return Arguments(sources=tuple(found.pop("sources")), label_rule=rule, **found)


def _label_rule(*values: Any) -> "LabelRule | None":
    from art_segplugin.cli.options import label_rule

    return label_rule(*values)[0]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        what, is_value, rest = message.partition("argument ")
        if is_value and not what:
            raise InputError(f"{rest.rstrip('.?')}.")
        raise InputError(f"{message}; see art-segplugin gui --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="art-segplugin gui",
        description="The desktop app: watch a segmentation model fall, live.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "sources", nargs="*", metavar="PATH", type=_source,
        help="images, videos, folders or checkpoints; or scenes:test, drive:3, camera:0",
    )  # fmt: skip
    add("--model", help="the model under attack: shipped name, checkpoint, torchvision:NAME, ...")
    add("--model-b", metavar="MODEL", help="a second model beside it")
    add("--attack", metavar="NAME", help="name or name-steps; see `art-segplugin attacks`")
    add("--eps", type=_eps, help="radius, images in [0, 1]: 8/255 (default) or 0.03")
    add("--layer", type=_layer, help=f"what to show first: {', '.join(LAYERS)}, or its number")
    add(
        "--size", type=_size, metavar="WIDTHxHEIGHT",
        help="of the window; default: as it was closed, the first time 1440x900",
    )  # fmt: skip
    add("--theme", choices=THEMES, help="system (default), dark or light")
    add("--threads", type=_threads, metavar="N", help="threads of torch; default: cores less one")
    add(
        "--label-map", metavar="VALUE=CLASS,...", help="what values of label maps are: 255=1,7=void"
    )
    add("--void", type=int, action="append", help="value of label maps that does not count")
    add(
        "--reduce-zero-label", action=argparse.BooleanOptionalAction,
        help="in label maps 0 is void and class k is stored as k + 1; default: as the model says",
    )  # fmt: skip
    add("--labels-as", help="what counts in label maps with a colour table: indices or colours")
    add("--demo", action="store_true", help="begin in demo mode (F11): the panes only")
    add(
        "--screenshot", type=_png, metavar="FILE.png",
        help="attack the first picture to the end, save the window, end",
    )  # fmt: skip
    add("--safe-mode", action="store_true", help="neither read nor write the settings")
    add("--reset-settings", action="store_true", help="forget the settings, then begin")
    add("--version", action="version", version=f"art-segplugin {__version__}")
    return parser


def _source(text: str) -> str:
    if not (_DRAWN.fullmatch(text) or Path(text).exists()):
        raise argparse.ArgumentTypeError(
            f"{text!r} does not exist; name a file or folder that does"
        )
    return text


def _eps(text: str) -> float:
    from art_segplugin.cli.options import threat_model

    try:
        radius = float(threat_model("inf", text, None)["eps"])
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not radius > 0:
        raise argparse.ArgumentTypeError(f"{text} is no radius; write one above 0, such as 8/255")
    return radius


def _layer(text: str) -> str:
    name = text.replace("-", " ")
    if text.isdecimal() and 1 <= int(text) <= len(LAYERS):
        return LAYERS[int(text) - 1]
    if name not in LAYERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no layer; take one of {', '.join(LAYERS)}")
    return name


def _size(text: str) -> tuple[int, int]:
    parts = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if parts is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; write width x height, such as 1440x900"
        )
    width, height = int(parts[1]), int(parts[2])
    if not (SMALLEST[0] <= width <= LARGEST[0] and SMALLEST[1] <= height <= LARGEST[1]):
        raise argparse.ArgumentTypeError(f"{text} is not between 640x480 and 7680x4320")
    return width, height


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads; write 1 or more")
    return int(text)


def _png(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(
            f"{text!r} is no PNG file; write a name such as window.png"
        )
    return path
