"""One frame out of a Matroska file, decoded from the key frame before it and not from earlier.

OpenCV's own seek decodes at least 16 frames before its goal. With FFV1, whose key frames are a dozen
frames apart and whose frames are slow to decode, that is most of the time. So the file's head and
the part from the key frame on are copied to a small file, which is read from its start.
"""

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # we say ourselves what is wrong
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

CLUSTER = b"\x1f\x43\xb6\x75"
CHECKSUM, TIMESTAMP = 0xBF, 0xE7
LARGEST = 2**25
"""Bytes that are copied at most."""
PIECE = 2**20


class MatroskaCuts:
    """Where the clusters of a file begin. Whatever it does not understand, it gives no frames of.

    Args:
        path: a Matroska file of a codec that never reorders frames, such as FFV1.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._clusters: list[tuple[int, int]] = []
        with (
            suppress(IndexError, ValueError),
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            self._clusters = _clusters(data)

    def frame(self, key_ms: float, ms: float, steps: int) -> Any | None:
        """Decode a frame.

        Args:
            key_ms: time of the key frame before it, from the first frame on.
            ms: time of the frame itself.
            steps: how many frames it comes after the key frame.

        Returns:
            BGR, uint8 of shape (h, w, 3); None where the clusters do not begin with key frames, or
            anything else is not as expected.
        """
        if not self._clusters:
            return None
        zero = self._clusters[0][0]
        starts = [at for time, at in self._clusters if abs(time - zero - key_ms) < 0.5]
        if len(starts) != 1:
            return None
        after = [at for time, at in self._clusters if time - zero > ms]
        end = min(after, default=self._size)
        if not 0 < end - starts[0] <= LARGEST:
            return None
        with suppress(OSError):
            return self._decode(starts[0], end, ms - key_ms, steps)
        return None

    def _decode(self, start: int, end: int, ms: float, steps: int) -> Any | None:
        number, name = tempfile.mkstemp(suffix=".mkv")
        capture = None
        try:
            with self._path.open("rb") as file, open(number, "wb") as copy:
                _copy(file, copy, 0, self._clusters[0][1])
                _copy(file, copy, start, end)
            capture = cv2.VideoCapture(name)
            for _ in range(steps + 1):
                if not capture.grab():
                    return None
            if abs(float(capture.get(cv2.CAP_PROP_POS_MSEC)) - ms) > 1:
                return None
            good, frame = capture.retrieve()
            return frame if good else None
        finally:
            if capture is not None:
                capture.release()
            Path(name).unlink(missing_ok=True)


def _copy(file: BinaryIO, copy: BinaryIO, start: int, end: int) -> None:
    """Copy a part by pieces: joining all of it would hold Python's lock for tens of milliseconds."""
    file.seek(start)
    for at in range(start, end, PIECE):
        copy.write(file.read(min(PIECE, end - at)))


def _clusters(data: mmap.mmap) -> list[tuple[int, int]]:
    """Timestamp and place of every cluster, up to the first that is not as expected."""
    found: list[tuple[int, int]] = []
    at = data.find(CLUSTER)
    while 0 <= at < len(data) - 16:
        cluster = data[at : at + 4] == CLUSTER
        _, body = _number(data, at)
        size, body = _number(data, body)
        if cluster:
            child = body + 6 if data[body] == CHECKSUM else body
            if data[child] != TIMESTAMP:
                break
            length, value = _number(data, child + 1)
            found.append((int.from_bytes(data[value : value + length], "big"), at))
        at = body + size
    return found


def _number(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A number whose length is coded in its first byte, and the place after it."""
    length = 9 - data[at].bit_length()
    if length > 8:
        raise ValueError("no number of Matroska begins with a zero byte")
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return value, at + length
