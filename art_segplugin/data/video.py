"""Videos frame by frame. FFV1 keeps every value; mp4 and VP9 do not, and erase small attacks."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from art_segplugin.errors import InputError

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # we say ourselves what is wrong
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

VIDEO_SUFFIXES = (".mkv", ".mp4", ".avi", ".mov", ".webm", ".m4v")
CODECS = {".mkv": "FFV1", ".mp4": "mp4v", ".webm": "VP90", ".avi": "MJPG"}
LOSSLESS = ".mkv"

Frame = NDArray[np.uint8]


class Video:
    """A video as a sequence of frames.

    Args:
        path: a file that OpenCV can read.

    Raises:
        InputError: the file is missing or is no video.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        capture = open_capture(path)
        self.count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.fps = float(capture.get(cv2.CAP_PROP_FPS)) or 25.0
        capture.release()

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, RGB uint8 (h, w, 3).

        Raises:
            InputError: the file breaks off before the frames that it announces.
        """
        capture, read = open_capture(self.path), 0
        try:
            while True:
                good, frame = capture.read()
                if not good:
                    break
                read += 1
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        finally:
            capture.release()
        if read < self.count:
            raise InputError(
                f"video {self.path} breaks off after {read} of {self.count} frames; repair it, or "
                f"take only its beginning with --frames {read}."
            )


class VideoWriter:
    """Writes RGB frames to a file; the suffix chooses the codec. Use it in a `with` block.

    Not atomic: wrap the path in `files.replacing`.

    Args:
        path: file that ends in one of CODECS.
        fps: frames a second.

    Raises:
        InputError: another suffix; at the first frame, the encoder refuses or a side is odd; at a
            later one, its size is another; at the end, not all frames can be read back, for
            instance because the disk is full.
    """

    def __init__(self, path: Path, fps: float) -> None:
        check_video_suffix(path.suffix)
        self.path, self.fps, self.written = path, fps, 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: Frame) -> None:
        """Add one frame, uint8 (h, w, 3), of the size of the first."""
        if self._writer is not None and (frame.shape[1], frame.shape[0]) != self._size:
            # OpenCV would leave such a frame out and say nothing.
            raise InputError(
                f"frame {self.written} is {frame.shape[1]} x {frame.shape[0]} and the first was "
                f"{self._size[0]} x {self._size[1]}; give all frames one size."
            )
        if self._writer is None:
            codec = CODECS[self.path.suffix]
            size = self._size = (frame.shape[1], frame.shape[0])
            if size[0] % 2 or size[1] % 2:
                raise InputError(f"frames are {size[0]} x {size[1]}; {codec} needs even sides.")
            fourcc = cv2.VideoWriter.fourcc(*codec)
            self._writer = cv2.VideoWriter(str(self.path), fourcc, self.fps, size)
            if not self._writer.isOpened():
                raise InputError(f"OpenCV here cannot write {codec} to {self.path}.")
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        self.written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if failure is None and (read := _readable_frames(self.path)) < self.written:
            # OpenCV reports no failed write, so the file itself is asked.
            raise InputError(
                f"only {read} of {self.written} frames could be written; is the disk full?"
            )


def open_capture(path: Path) -> cv2.VideoCapture:
    """Open a video for OpenCV's own calls.

    Raises:
        InputError: the file is missing or is no video.
    """
    if not path.is_file():
        raise InputError(f"video {path} does not exist.")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise InputError(f"video {path} cannot be read; it is corrupt or no video.")
    return capture


def check_video_suffix(suffix: str) -> None:
    """Refuse what cannot be written.

    Raises:
        InputError: the suffix is not in CODECS.
    """
    if suffix not in CODECS:
        raise InputError(f"videos are written as {', '.join(CODECS)}, not as {suffix!r}.")


def _readable_frames(path: Path) -> int:
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.grab():
        count += 1
    capture.release()
    return count
