"""Pictures, videos, sessions and models that a user drops or opens."""

import numpy as np
import pytest
from gui_parts import FakeSource, Sources, small_state
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from session_parts import segmenter
from window_parts import LEFT, NONE, K, noise, settled

from art_segplugin.data.video import VideoWriter
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.session import with_view


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window, event)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "folder").mkdir()
    for number in range(3):
        Image.fromarray(noise(number)).save(tmp_path / "folder" / f"p{number}.png")
    Image.fromarray(noise(9)).save(tmp_path / "street.png")
    labels = np.random.default_rng(1).integers(0, 4, (32, 40), dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / "street_label.png")
    with VideoWriter(tmp_path / "clip.mkv", 20) as writer:
        for number in range(5):
            writer.write(noise(number))
    return tmp_path


def test_an_image_with_labels_beside_it(qtbot, made, files):
    settled(qtbot, made, lambda: drop(made.window, files / "street.png"))
    assert made.shown.frame.name == "street"
    assert made.shown.clean.labelled
    assert "vs clean" not in made.parts.grid.panes[0].caption.figures
    assert made.parts.source.name.said == "street.png"


def test_an_image_without_labels_is_compared_with_its_clean_prediction(qtbot, made, files):
    settled(qtbot, made, lambda: drop(made.window, files / "folder" / "p1.png"))
    assert made.shown.clean.a.scores.mis_ratio == 0
    assert "vs clean prediction" in made.parts.grid.panes[0].caption.figures


def test_a_folder_by_drop_and_by_dialog(qtbot, made, files, monkeypatch):
    settled(qtbot, made, lambda: drop(made.window, files / "folder"))
    assert made.controller.count == 3
    settled(qtbot, made, lambda: made.key("D"))
    assert made.shown.frame.name == "p1"
    made.session.undo()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(files / "folder"))
    made.session.undo()
    qtbot.waitUntil(lambda: made.answered and made.shown.frame.name == "fake-0")
    made.window.actions_table.action("open-folder").trigger()
    qtbot.waitUntil(lambda: made.answered and made.shown.frame.name == "p0")


def test_a_video_is_sought_and_played(qtbot, made, files):
    settled(qtbot, made, lambda: drop(made.window, files / "clip.mkv"))
    assert made.controller.count == 5
    settled(qtbot, made, lambda: made.parts.timeline.frame_chosen.emit(3))
    assert made.shown.frame.index == 3
    np.testing.assert_array_equal(made.shown.frame.image, noise(3))  # FFV1 is exact
    seen = set()
    made.controller.shown_changed.connect(lambda shown: seen.add(shown.frame.index))
    made.key(K.Key_Space)
    qtbot.waitUntil(lambda: seen == {0, 1, 2, 3, 4})
    made.key(K.Key_Space)
    qtbot.waitUntil(lambda: made.answered and made.shown.step.total == 3)
    assert np.isfinite(made.window.view.adversarial_rates).sum() >= 1


def test_a_rendered_scene(qtbot, made):
    made.parts.source.size_combo.setCurrentIndex(0)
    settled(qtbot, made, lambda: made.window.files.open_dropped("source", "scenes:val"))
    assert made.shown.clean.labelled or made.banners  # of other classes than the tiny model's
    assert made.controller.count == 50


def test_sessions_are_saved_and_opened(qtbot, made, tmp_path, monkeypatch):
    path = tmp_path / "talk.segstudio.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    made.change(with_view, layer="healed")
    settled(qtbot, made, lambda: made.key("D"))
    wanted = made.session.state
    made.key("S", Qt.KeyboardModifier.ControlModifier)
    assert path.exists()
    made.session.undo()
    made.session.undo()
    drop(made.window, path)
    assert made.session.state == wanted
    qtbot.waitUntil(lambda: made.answered and made.shown.frame.index == 1)


def test_a_dropped_checkpoint_is_attacked(qtbot, made, tmp_path):
    path = tmp_path / "net.safetensors"
    made.engine.models._load = lambda spec: segmenter(7)
    path.write_bytes(b"x")
    settled(qtbot, made, lambda: drop(made.window, path))
    assert made.session.state.models.a == str(path)
    assert made.controller.request.models.a == str(path)


def test_recent_files_are_offered(qtbot, open_window, files, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    made = open_window(settings=settings)
    settled(qtbot, made, lambda: drop(made.window, files / "street.png"))
    settled(qtbot, made, lambda: drop(made.window, files / "folder"))
    names = [action.text() for action in made.parts.source.recent.actions()]
    assert [name.split()[0] for name in names[:2]] == ["folder", "street.png"]
    settled(qtbot, made, lambda: made.parts.source.recent.actions()[1].trigger())
    assert made.shown.frame.name == "street"


def test_a_source_without_an_end(qtbot, open_window):
    camera = FakeSource("camera:0", count=None, shape=(36, 48))
    made = open_window(
        state=small_state("camera:0"), sources=Sources(**{"camera:0": camera}), cameras=[0]
    )
    assert made.parts.source.count.text() == ""
    assert made.parts.source.play.isEnabled()
    qtbot.waitUntil(lambda: made.parts.source.camera.isEnabled())
    made.key(K.Key_Space)
    qtbot.waitUntil(lambda: made.shown.frame.index > 2)
