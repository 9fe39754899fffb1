"""Which source a word or a path stands for. Nothing heavy is loaded before it is needed."""

from pathlib import Path
from typing import TYPE_CHECKING

import art_segplugin_gui._cv2  # noqa: F401 - before the library loads OpenCV
from art_segplugin.errors import InputError
from art_segplugin_gui.session.sources.base import FrameSource
from art_segplugin_gui.session.sources.scaling import check_longest_side
from art_segplugin_gui.session.suffixes import CHECKPOINT_SUFFIXES

if TYPE_CHECKING:
    from art_segplugin.data.labels import LabelRule


def open_source(
    spec: str, longest_side: int | None, rule: "LabelRule | None" = None
) -> FrameSource:
    """Open pictures to look at.

    | spec | source |
    |---|---|
    | `scenes:train`, `scenes:val`, `scenes:test` | rendered street scenes |
    | `scenes:random-textures` | the scenes of `scenes:test` under random textures |
    | `drive:SEED` | a drive along one rendered street |
    | `camera:NUMBER`, `/dev/video0` | a camera |
    | a video file, a picture | that |
    | a folder | its pictures, or those of a data set that it is, holds or is part of |

    Args:
        spec: see above.
        longest_side: larger pictures are scaled down to so many pixels; None for never.
        rule: how label maps are read, where somebody said it.

    Raises:
        InputError: there is no such thing, or it holds no pictures.
    """
    check_longest_side(longest_side)
    kind, colon, _ = spec.partition(":")
    if kind in ("scenes", "drive") and (colon or not Path(spec).exists()):
        from art_segplugin_gui.session.sources.scenes import open_drive, open_scenes

        return (open_scenes if kind == "scenes" else open_drive)(spec, longest_side)
    if (kind == "camera" and colon) or spec.startswith("/dev/video"):
        from art_segplugin_gui.session.sources.camera import CameraSource

        return CameraSource(spec, longest_side)
    return _open_path(spec, longest_side, rule)


def _open_path(spec: str, longest_side: int | None, rule: "LabelRule | None") -> FrameSource:
    path = Path(spec)
    if not spec or not path.exists():
        raise InputError(
            f"source {spec!r} does not exist; give a picture, a video, a folder of pictures, "
            "scenes:test, drive:0 or camera:0."
        )
    from art_segplugin.data.video import VIDEO_SUFFIXES

    suffix = path.suffix.lower()
    if path.is_file() and suffix in VIDEO_SUFFIXES:
        from art_segplugin_gui.session.sources.video import VideoSource

        return VideoSource(spec, longest_side)
    if path.is_file() and suffix in CHECKPOINT_SUFFIXES:
        raise InputError(f"{path.name} is a checkpoint, not pictures; open it as a model.")
    from art_segplugin.data.images import IMAGE_SUFFIXES
    from art_segplugin_gui.session.sources.images import open_images

    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        return open_images(spec, longest_side, rule)
    raise InputError(
        f"{path.name} is neither a picture ({', '.join(IMAGE_SUFFIXES)}) nor a video "
        f"({', '.join(VIDEO_SUFFIXES)})."
    )
