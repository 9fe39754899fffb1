from types import SimpleNamespace

import numpy as np
import pytest

from art_segplugin.errors import InputError
from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.session.sources import camera
from art_segplugin_gui.session.sources.base import SourceLostError
from art_segplugin_gui.session.sources.opening import open_source


class FakeCapture:
    """Opens number 2 only; gives `pictures` pictures, with a gap of two after the first."""

    pictures = 3
    released = 0

    def __init__(self, device):
        self.device, self.answers = device, [True, False, False, True, *[True] * 20]
        self.left = self.pictures

    def isOpened(self):  # noqa: N802
        return self.device == 2

    def get(self, name):
        return 0.0

    def set(self, name, value):
        return True

    def read(self):
        if self.left == 0 or not self.answers.pop(0):
            return False, None
        self.left -= 1
        return True, np.full((31, 40, 3), (self.left, 0, 200), np.uint8)  # blue first

    def release(self):
        type(self).released += 1


@pytest.fixture
def fake(monkeypatch, tmp_path):
    for name in ("video0", "video2", "video-codec"):
        (tmp_path / name).touch()
    monkeypatch.setattr(camera, "DEVICES", tmp_path)
    monkeypatch.setattr(camera, "sys", SimpleNamespace(platform="linux"))
    replaced = SimpleNamespace(
        VideoCapture=FakeCapture,
        cvtColor=cv2.cvtColor,
        COLOR_BGR2RGB=cv2.COLOR_BGR2RGB,
        CAP_PROP_BUFFERSIZE=cv2.CAP_PROP_BUFFERSIZE,
        CAP_PROP_FPS=cv2.CAP_PROP_FPS,
    )
    monkeypatch.setattr(camera, "cv2", replaced)
    monkeypatch.setattr(FakeCapture, "released", 0)
    return FakeCapture


def test_pictures_until_the_camera_is_lost(fake):
    source = open_source("camera:2", 640)
    assert (source.count, source.fps, source.moving, source.name) == (None, 25.0, True, "camera 2")
    frames = [source.read(0) for _ in range(3)]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (30, 40, 3)
    assert [tuple(frame.image[0, 0]) for frame in frames] == [(200, 0, 2), (200, 0, 1), (200, 0, 0)]
    assert frames[1].name == "camera-2-000001"
    with pytest.raises(SourceLostError, match="camera lost: camera 2 sends no more pictures"):
        source.read(3)
    source.close()
    assert fake.released == 1


def test_a_camera_that_is_not_there(fake):
    with pytest.raises(InputError, match="camera 1 is not there; plug it in"):
        open_source("camera:1", 640)
    with pytest.raises(InputError, match="camera 0 cannot be opened; plug it in, or close"):
        open_source("camera:0", 640)
    assert fake.released == 1


def test_cameras_are_listed_and_then_tried(fake):
    assert camera.cameras() == [2]
    assert fake.released == 2


def test_no_camera_here_is_no_crash(monkeypatch, tmp_path):
    monkeypatch.setattr(camera, "DEVICES", tmp_path)
    monkeypatch.setattr(camera, "sys", SimpleNamespace(platform="linux"))
    assert camera.cameras() == []
    with pytest.raises(InputError, match="camera 0 is not there"):
        open_source("camera:0", 640)
