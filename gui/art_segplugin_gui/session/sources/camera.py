"""What a camera sees."""

import sys
from pathlib import Path

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import SourceLostError
from art_segplugin_gui.session.sources.scaling import even_sides, scaled_down

PREFIX = "camera:"
DEVICES = Path("/dev")
PROBED = 4
"""Cameras that are tried where the system does not list them."""
ATTEMPTS = 3
"""Pictures in a row that may fail: some cameras skip one when the light changes."""


class CameraSource:
    """A live source: it has no end, and `read` gives the newest picture.

    Args:
        spec: `camera:NUMBER`, or the path of a device such as `/dev/video0`.
        longest_side: larger pictures are scaled down.

    Raises:
        InputError: there is no such camera, or another program uses it.
    """

    count = None
    moving = True
    exact_labels = False

    def __init__(self, spec: str, longest_side: int | None) -> None:
        self.spec = spec
        device = spec.removeprefix(PREFIX)
        self.name = f"camera {device}"
        self.longest_side = longest_side
        if device.isdecimal() and not _may_exist(int(device)):
            raise InputError(f"{self.name} is not there; plug it in, or choose another source.")
        if not device.isdecimal() and not Path(device).exists():
            raise InputError(f"{self.name} is not there; give camera:0 or the path of a device.")
        self._capture = cv2.VideoCapture(int(device) if device.isdecimal() else device)
        if not self._capture.isOpened():
            self._capture.release()
            raise InputError(
                f"{self.name} cannot be opened; plug it in, or close the program that uses it."
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not the oldest kept
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or 25.0
        self._taken = 0

    def read(self, index: int) -> SourceFrame:
        """Take a picture, whatever the index; its own index counts the pictures taken.

        Raises:
            SourceLostError: the camera gives no more.
        """
        for _ in range(ATTEMPTS):
            good, bgr = self._capture.read()
            if good and bgr is not None:
                break
        else:
            raise SourceLostError(
                f"camera lost: {self.name} sends no more pictures; plug it in again."
            )
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        image = even_sides(scaled_down(rgb, self.longest_side))
        number, self._taken = self._taken, self._taken + 1
        origin = {"spec": self.spec, "index": number, "longest_side": self.longest_side}
        return SourceFrame(
            f"{self.name.replace(' ', '-')}-{number:06d}", number, image, None, origin
        )

    def close(self) -> None:
        """Switch the camera off."""
        self._capture.release()


def cameras() -> list[int]:
    """Numbers of the cameras that can be opened now; slow, so not for the thread of a window."""
    return [number for number in _listed() if _opens(number)]


def _listed() -> list[int]:
    if not sys.platform.startswith("linux"):
        return list(range(PROBED))
    names = (path.name.removeprefix("video") for path in DEVICES.glob("video*"))
    return sorted(int(name) for name in names if name.isdecimal())


def _may_exist(number: int) -> bool:
    return not sys.platform.startswith("linux") or number in _listed()


def _opens(number: int) -> bool:
    capture = cv2.VideoCapture(number)
    opened = bool(capture.isOpened())
    capture.release()
    return opened
