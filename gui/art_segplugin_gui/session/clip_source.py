"""The pictures of a clip: which of a source's, where they come from, and cut to even sides."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from art_segplugin.data.resampling import even
from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip_reproduction import PictureRecord
from art_segplugin.evaluation.exact_files import pixel_sha256
from art_segplugin.files import file_sha256
from art_segplugin_gui.session.clip_request import ClipRequest
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import FrameSource

OpenSource = Callable[[str, int | None], FrameSource]
"""Opens a source by its spec, with the longest side that its pictures may have."""


def read_even(source: FrameSource, index: int) -> SourceFrame:
    """A picture of even sides, with its labels: video codecs cannot write others.

    Raises:
        InputError: it cannot be read, or nothing would be left.
    """
    frame = source.read(index)
    if min(frame.image.shape[:2]) < 2:
        raise InputError(f"{frame.name} is too small for a video; take pictures of 2 x 2 and more.")
    labels = None if frame.labels is None else even(frame.labels)
    return replace(frame, image=even(frame.image), labels=labels)


def check_same(frame: SourceFrame, record: PictureRecord) -> None:
    """Refuse a picture, or labels, that changed since the picture was attacked.

    Raises:
        InputError: they did.
    """
    labels = None if frame.labels is None else pixel_sha256(frame.labels)
    if pixel_sha256(frame.image) != record.image:
        what = f"picture {record.index} is another one than was attacked"
    elif labels != record.labels:
        what = f"the labels of picture {record.index} are others than when it was attacked"
    else:
        return
    raise InputError(f"{what} ({record.name}); begin anew, or choose another folder.")


def span_of(request: ClipRequest, source: FrameSource) -> range:
    """Numbers of the pictures that are asked for.

    Raises:
        InputError: the source never ends, or has no such pictures.
    """
    if source.count is None:
        raise InputError(f"{request.spec} never ends; choose a video, a folder, scenes or a drive.")
    last = source.count - 1 if request.last is None else request.last
    if not 0 <= request.first <= last < source.count:
        raise InputError(
            f"pictures {request.first} to {last} are asked for and {request.spec} has 0 to "
            f"{source.count - 1}; choose a range within."
        )
    return range(request.first, last + 1)


def origin_of(request: ClipRequest, span: range, fps: float) -> dict[str, Any]:
    """Where the pictures come from, as JSON can hold it; of a file its sha256 too.

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(request.spec)
    origin: dict[str, Any] = {
        "spec": request.spec,
        "first": span[0],
        "last": span[-1],
        "longest_side": request.longest_side,
        "fps": fps,
    }
    if path.exists():
        origin["path"] = str(path.resolve())
    if path.is_file():
        origin["sha256"] = file_sha256(path)
    return origin
