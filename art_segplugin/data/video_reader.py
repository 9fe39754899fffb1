"""Any frame of a video, exactly the one that reading from the start would give."""

import os
from bisect import bisect_left, bisect_right
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from art_segplugin.data.matroska_cut import MatroskaCuts
from art_segplugin.data.video import Frame, open_capture
from art_segplugin.errors import InputError

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # we say ourselves what is wrong
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

NEAR = 16
"""Frames ahead that are passed over one by one: OpenCV's seek decodes as many before its goal."""
STEPS_BACK = (0, 16, 128)
"""How much earlier a seek starts when the one before landed behind its goal."""
ATTEMPTS = 32
"""Frames in a row that may be damaged: at the end of a file, no more of them can be read either."""
INDEX_LIMIT = 2**30
"""Bytes; of larger files the container's own figures are believed, for reading them takes seconds."""


class VideoReader:
    """A video by frame numbers. One thread at a time.

    OpenCV seeks by time and believes the frame rate, so with a variable one it lands on another
    frame than the one that is the i-th to be read. Therefore the time of every packet is read once
    (nothing is decoded), and where a seek landed is looked up there.

    Args:
        path: a file that OpenCV can read, with at least one frame.

    Attributes:
        path: the file.
        count: number of frames; becomes smaller when the file turns out to break off, but not for a
            frame that is damaged while later ones are not.
        fps: frames a second, on average.
        size: height and width in pixels.

    Raises:
        InputError: the file is missing, is no video or breaks off before its first frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._capture = open_capture(self.path)
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or 25.0
        self._times, self._keys = _packets(self.path)
        self.count = len(self._times) or int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._next = 0  # frame after the one that was grabbed last
        self._last: tuple[int, Frame] | None = None
        if not self._capture.grab():
            self.close()
            raise InputError(f"video {self.path} holds no frame that can be read; it is corrupt.")
        self._skip_hidden()
        self._next = 1
        self.count = max(self.count, 1)
        fourcc = int(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little")
        cuttable = self._keys and fourcc.upper() == b"FFV1" and self.path.suffix.lower() == ".mkv"
        self._cuts = MatroskaCuts(self.path) if cuttable else None
        self.size: tuple[int, int] = (0, 0)
        first = self._retrieve(0)
        self.size = (first.shape[0], first.shape[1])

    def read(self, index: int) -> Frame:
        """Read one frame; the one after the last is the fastest.

        Args:
            index: 0 to `count` - 1.

        Returns:
            RGB, uint8 of shape (h, w, 3), new or the same array as the last time; do not write
            into it.

        Raises:
            InputError: there is no such frame, or it cannot be read.
        """
        if not 0 <= index < self.count:
            raise InputError(
                f"video {self.path} has {self.count} frames; give 0 to {self.count - 1}, "
                f"not {index}."
            )
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        following = self._last is not None and self._last[0] + 1 == index
        self._last = None
        if not following and (cut := self._cut(index)) is not None:
            return cut
        self._go_to(index)
        return self._retrieve(index)

    def close(self) -> None:
        """Let go of the file; nothing can be read any more."""
        self._capture.release()
        self._last = None

    def _skip_hidden(self) -> None:
        """Forget packets before the first frame that is shown: mp4 files can cut their beginning."""
        first = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        hidden = bisect_left(self._times, first - 0.5)
        if self._times and hidden < len(self._times):
            self._times = self._times[hidden:]
            self._keys = [key - hidden for key in self._keys]
            self.count -= hidden
        elif self._times:  # times of another kind than those of the frames
            self._times, self._keys = [], []

    def _cut(self, index: int) -> Frame | None:
        """A frame that is reached faster than by a seek; where the capture stands, it stays."""
        if self._cuts is None or self._is_ahead(index):
            return None
        key = self._keys[max(bisect_right(self._keys, index) - 1, 0)]
        key_ms, ms = (self._times[number] - self._times[0] for number in (key, index))
        bgr = self._cuts.frame(key_ms, ms, index - key)
        return None if bgr is None else self._finished(index, bgr)

    def _retrieve(self, index: int) -> Frame:
        good, bgr = self._capture.retrieve()
        if not good or bgr is None:
            raise self._damaged(index)
        return self._finished(index, bgr)

    def _finished(self, index: int, bgr: Any) -> Frame:
        frame: Frame = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        if frame.shape[:2] != self.size and self.size != (0, 0):
            raise InputError(
                f"frame {index} of video {self.path} is {frame.shape[1]} x {frame.shape[0]} but "
                f"the first is {self.size[1]} x {self.size[0]}; cut the video there."
            )
        self._last = (index, frame)
        return frame

    def _go_to(self, index: int) -> None:
        """Grab a frame, so that it can be retrieved."""
        if not self._is_ahead(index):
            self._seek(index)
        if self._grab_until(index):
            return
        self._restart()  # only from the start is it certain that nothing is left
        if not self._grab_until(index):
            if self._goes_on():
                self._next = self.count + 1  # which frame came is not known: the next one is sought
                raise self._damaged(index)
            self.count = max(self._next, 1)
            raise InputError(
                f"video {self.path} breaks off after {self.count} frames; frame {index} cannot be "
                "read."
            )

    def _is_ahead(self, index: int) -> bool:
        """Whether to go on from here, rather than to seek."""
        if self._next > index:
            return False
        if index - self._next <= NEAR or not self._keys:
            return index - self._next <= NEAR
        return self._keys[max(bisect_right(self._keys, index) - 1, 0)] <= self._next

    def _grab_until(self, index: int) -> bool:
        while self._next <= index:
            if not self._grab():
                return False
        if self._next != index + 1:
            raise self._damaged(index)
        return True

    def _damaged(self, index: int) -> InputError:
        return InputError(
            f"frame {index} of video {self.path} cannot be read: it is damaged; choose another."
        )

    def _goes_on(self) -> bool:
        """Whether more can be read behind a frame that cannot."""
        return any(self._capture.grab() for _ in range(ATTEMPTS))

    def _grab(self) -> bool:
        # Where times tell which frame it is, those that cannot be decoded are passed over.
        if not (self._goes_on() if self._times else self._capture.grab()):
            return False
        if self._times:
            time = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            self._next = max(bisect_right(self._times, time + 0.5), 1)
        else:
            self._next += 1
        return True

    def _seek(self, index: int) -> None:
        """Go to a frame or some frames before it."""
        goal = index
        if self._times:  # OpenCV numbers frames by their time
            goal = round((self._times[index] - self._times[0]) * self.fps / 1000)
        for back in STEPS_BACK:
            start = max(goal - back, 0)
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, start)
            self._next = start
            if not self._times:
                return
            if self._grab() and self._next <= index + 1:
                return
        self._restart()

    def _restart(self) -> None:
        self._capture.release()
        self._capture = open_capture(self.path)
        self._next = 0


def _packets(path: Path) -> tuple[list[float], list[int]]:
    """Times of all frames in ms, ascending, and which are key frames; empty if there are none."""
    if path.stat().st_size > INDEX_LIMIT:
        return [], []
    raw = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
    found: list[tuple[float, bool]] = []
    while raw.grab():
        key = raw.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
        found.append((float(raw.get(cv2.CAP_PROP_POS_MSEC)), key))
    raw.release()
    found.sort()
    times = [time for time, _ in found]
    if any(later - earlier < 0.5 for earlier, later in pairwise(times)):
        return [], []
    return times, [number for number, (_, key) in enumerate(found) if key]
