"""The window as a user meets it: keys, mouse and drops, with tiny models."""

import numpy as np
import pytest
from gui_parts import FakeSource, Sources, small_state
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QPalette, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QStyle, QStyleOptionSlider, QWidget
from session_parts import segmenter

from art_segplugin.data.video import VideoWriter
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.session import with_attack, with_view

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
K = Qt.Key


@pytest.fixture
def made(open_window):
    return open_window()


def settled(qtbot, made, act, **state):
    """Do something, and wait until it was answered with that picture, attack or model."""
    before = made.shown.step
    act()
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()]


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(window, event)


def noise(seed=0, shape=(32, 40)):
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8)


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


def test_it_opens_with_a_picture_under_attack(made):
    assert made.shown.step.answer
    assert made.shown.step.a.scores.mis_ratio > made.shown.clean.a.scores.mis_ratio
    assert made.banners == []
    clean, attacked = made.parts.grid.panes[:2]
    assert clean.isVisible()
    assert not np.array_equal(pixels(clean), pixels(attacked))
    assert made.parts.status.pace.text().startswith("CPU, 1 thread")
    assert not made.parts.attack.buttons.stop_button.isEnabled()


def test_no_other_window_flashes_up(qtbot, qapp, open_window):
    """A widget that is shown before it has a parent is a window, and takes the keys away."""

    class Watch(QObject):
        def eventFilter(self, watched, event):  # noqa: N802
            if (
                event.type() == QEvent.Type.Show
                and isinstance(watched, QWidget)
                and watched.isWindow()
            ):
                shown.append(watched)
            return False

    shown, watch = [], Watch()
    qapp.installEventFilter(watch)
    try:
        made = open_window()
        made.key("C")
        made.window.say("error", "It broke.", action="Retry", name="x")
        for place in range(made.parts.attack.method.count()):
            made.parts.attack.method.setCurrentIndex(place)
            made.parts.attack.method.activated.emit(place)
        qtbot.wait(20)
    finally:
        qapp.removeEventFilter(watch)
    assert shown == [made.window]
    assert made.window.isActiveWindow()


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
    assert made.director.count == 3
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
    assert made.director.count == 5
    settled(qtbot, made, lambda: made.parts.timeline.frame_chosen.emit(3))
    assert made.shown.frame.index == 3
    np.testing.assert_array_equal(made.shown.frame.image, noise(3))  # FFV1 is exact
    seen = set()
    made.director.shown_changed.connect(lambda shown: seen.add(shown.frame.index))
    made.key(K.Key_Space)
    qtbot.waitUntil(lambda: seen == {0, 1, 2, 3, 4})
    made.key(K.Key_Space)
    qtbot.waitUntil(lambda: made.answered and made.shown.step.total == 3)
    assert np.isfinite(made.window.presenter.adversarial_rates).sum() >= 1


def test_a_rendered_scene(qtbot, made):
    made.parts.source.size_combo.setCurrentIndex(0)
    settled(qtbot, made, lambda: made.window.files.open_dropped("source", "scenes:val"))
    assert made.shown.clean.labelled or made.banners  # of other classes than the tiny model's
    assert made.director.count == 50


def test_run_step_run_to_and_stop_by_mouse(qtbot, made):
    buttons = made.parts.attack.buttons

    def click(button):
        qtbot.mouseClick(button, LEFT)

    click(buttons.step_button)
    qtbot.waitUntil(lambda: made.director.runner.waits)
    assert made.shown.step.number == 1
    click(buttons.step_button)
    qtbot.waitUntil(lambda: made.director.runner.waits and made.shown.step.number == 2)
    assert buttons.progress.value() == 2
    click(buttons.run_button)
    qtbot.waitUntil(lambda: made.answered)
    assert "3/3" in buttons.progress_label.said
    assert made.parts.grid.panes[1].caption.title == "A adversarial  step 3/3"


def test_dragging_eps_runs_at_once_and_fully_at_the_end(qtbot, made):
    slider = made.parts.attack.form.editors["eps"].slider
    quick = []
    made.director.runner.restarted.connect(lambda request: quick.append(request.quick))
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    style = QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    handle = slider.style().subControlRect(*style).center()
    qtbot.mousePress(slider, LEFT, pos=handle)
    for part in (3, 5, 7):
        qtbot.mouseMove(slider, QPoint(part * slider.width() // 8, slider.height() // 2))
    assert made.director.dragging
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(7 * slider.width() // 8, slider.height() // 2))
    qtbot.waitUntil(lambda: made.answered and not made.director.runner.request.quick)
    assert quick[0] is True
    assert quick[-1] is False
    eps = made.session.state.attack.options["eps"]
    assert eps > 8 / 255
    assert made.shown.step.a.distance == pytest.approx(eps, rel=1e-3)
    made.session.undo()
    assert "eps" not in made.session.state.attack.options  # one drag, one change


def test_fading_moves_picture_and_labels(qtbot, made):
    fade = made.parts.attack.buttons.fade
    fade.setFocus()
    base = made.parts.grid.panes[1].composition.base.copy()
    for _ in range(10):
        qtbot.keyClick(fade, K.Key_PageDown)
    assert fade.value() == 0
    qtbot.waitUntil(lambda: made.shown.faded is not None and made.at_rest)
    np.testing.assert_array_equal(made.parts.grid.panes[1].composition.base, made.shown.frame.image)
    assert not np.array_equal(base, made.shown.frame.image)
    np.testing.assert_array_equal(made.shown.faded.a.prediction, made.shown.clean.a.prediction)
    clean, attacked = (pane.caption.figures for pane in made.parts.grid.panes[:2])
    assert clean == attacked


def test_two_models_side_by_side_swapped_and_transferred(qtbot, made):
    settled(qtbot, made, lambda: made.key("C"))
    assert [pane.isVisible() for pane in made.parts.grid.panes] == [True] * 4
    step = made.shown.step
    np.testing.assert_array_equal(step.a.image, step.b.image)  # B sees the attack on A
    settled(qtbot, made, lambda: qtbot.mouseClick(made.parts.models.transfer, LEFT))
    step = made.shown.step
    assert not np.array_equal(step.a.image, step.b.image)
    settled(qtbot, made, lambda: qtbot.mouseClick(made.parts.models.swap, LEFT))
    swapped = made.shown.step
    np.testing.assert_array_equal(swapped.a.prediction, step.b.prediction)
    settled(qtbot, made, lambda: made.key("C"))
    assert not made.parts.grid.panes[2].isVisible()


def test_layers_flip_and_peek_change_the_panes(qtbot, made):
    attacked = made.parts.grid.panes[1]
    seen = []
    for number in range(1, 9):
        made.key(str(number))
        seen.append(pixels(attacked).tobytes())
    assert len(set(seen)) >= 6  # healed and newly wrong may be empty
    made.key("2")
    before = pixels(attacked)
    QTest.keyPress(made.window, K.Key_X)
    assert not np.array_equal(pixels(attacked), before)
    QTest.keyRelease(made.window, K.Key_X)
    np.testing.assert_array_equal(pixels(attacked), before)
    QTest.keyPress(made.window, K.Key_O)
    assert not np.array_equal(pixels(attacked), before)
    QTest.keyRelease(made.window, K.Key_O)
    np.testing.assert_array_equal(pixels(attacked), before)


def test_a_click_on_a_bar_isolates_its_class(qtbot, made):
    area = made.parts.bars.area
    index = area.rows()[0]
    box = area.row_rect(index)
    spot = QPoint(box.left() + box.width() // 3, box.center().y())
    qtbot.mouseClick(area.viewport(), LEFT, pos=spot)
    assert made.session.state.view.isolated == index
    qtbot.mouseClick(area.viewport(), LEFT, pos=spot)
    assert made.session.state.view.isolated is None
    qtbot.mouseClick(area.viewport(), LEFT, pos=area.eye_rect(index).center())
    assert made.session.state.view.hidden == {index}


def test_a_click_on_the_confusion_shows_those_pixels(qtbot, made):
    made.parts.charts.setCurrentWidget(made.parts.confusion)
    matrix = made.parts.confusion.matrix
    pane = made.parts.grid.panes[1]
    before = pixels(pane)
    qtbot.mouseClick(matrix, LEFT, pos=matrix.cell_rect(1, 2).center().toPoint())
    assert made.session.state.view.pair == (1, 2)
    assert not np.array_equal(pixels(pane), before)
    qtbot.mouseClick(matrix, LEFT, pos=matrix.cell_rect(1, 2).center().toPoint())
    assert made.session.state.view.pair is None


def test_scrubbing_the_curve_travels_in_time(qtbot, made):
    curve = made.parts.curve
    box = curve.plot.plotItem.vb
    requests = made.director.runner._rev

    def place(step):
        return box.mapViewToScene(QPointF(step, 0.5)).toPoint()

    qtbot.mousePress(curve.plot.viewport(), LEFT, pos=place(0))
    assert made.shown.step.number == 0
    qtbot.mouseMove(curve.plot.viewport(), place(2))
    qtbot.mouseRelease(curve.plot.viewport(), LEFT, pos=place(2))
    assert made.shown.step.number == made.parts.curve.marked()
    assert made.shown.step.number in made.director.runner.trace.numbers
    assert made.director.runner._rev == requests


def test_wheel_and_drag_move_all_panes(qtbot, made):
    first, second = made.parts.grid.panes[:2]
    at = QPointF(first.width() / 2, first.height() / 2)
    event = QWheelEvent(
        at,
        QPointF(first.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(first, event)
    assert second.placement.scale == first.placement.scale > 1
    corner = second.placement.to_pane(QPointF(0, 0))
    qtbot.mousePress(first, LEFT, pos=QPoint(100, 100))
    qtbot.mouseMove(first, QPoint(140, 120))
    qtbot.mouseRelease(first, LEFT, pos=QPoint(140, 120))
    assert second.placement.to_pane(QPointF(0, 0)) != corner
    made.key("F")
    assert first.viewport.is_fit


def test_the_pixel_under_the_pointer_is_read(qtbot, made):
    pane = made.parts.grid.panes[1]
    qtbot.mouseMove(pane, pane.placement.to_pane(QPointF(10.5, 20.5)).toPoint())
    side = made.shown.step.a
    assert made.parts.status.reading.text().startswith("(10, 20)")
    name = made.window.presenter.classes[side.prediction[20, 10]]
    assert f"adv {name} .{round(100 * int(side.confidence[20, 10]) / 255):02d}" in (
        made.parts.status.reading.text()
    )


def test_painting_a_region(qtbot, made):
    goal = made.parts.attack.goal
    goal.region.setCurrentIndex(goal.region.count() - 1)
    goal.region.activated.emit(goal.region.count() - 1)
    assert made.session.state.attack.region == "painted"
    made.parts.attack.painting.emit(True)
    made.parts.attack.brush_size.emit(10)
    pane = made.parts.grid.panes[0]
    spot = pane.placement.to_pane(QPointF(24, 18)).toPoint()
    qtbot.mousePress(pane, LEFT, pos=spot)
    qtbot.mouseMove(pane, spot + QPoint(4, 0))
    qtbot.mouseRelease(pane, LEFT, pos=spot + QPoint(4, 0))
    qtbot.waitUntil(lambda: made.answered and made.director.runner.request.mask.any())
    mask = made.director.mask
    assert 0 < mask.sum() < mask.size / 2
    changed = (made.shown.step.a.image != made.shown.frame.image).any(2)
    assert changed[mask].any()
    assert not changed[~mask].any()


def test_undo_and_redo_bring_figures_back(qtbot, made):
    first = made.shown.step.a.scores.miou
    settled(qtbot, made, lambda: made.parts.attack.form.editors["eps"].nudge(20))
    second = made.shown.step.a.scores.miou
    assert second < first
    settled(qtbot, made, lambda: made.key(K.Key_Z, Qt.KeyboardModifier.ControlModifier))
    assert made.shown.step.a.scores.miou == first
    settled(qtbot, made, lambda: made.key(K.Key_Y, Qt.KeyboardModifier.ControlModifier))
    assert made.shown.step.a.scores.miou == second


def test_dark_and_light(made, qapp):
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100
    ctrl_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    made.key(K.Key_T, ctrl_shift)
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() > 200
    made.key(K.Key_T, ctrl_shift)
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100


def test_demo_mode_shows_the_panes_and_keys_still_work(qtbot, made):
    places = {name: dock.isVisible() for name, dock in made.parts.docks.items()}
    made.key(K.Key_F11)
    assert made.window.in_demo
    assert not any(dock.isVisible() for dock in made.parts.docks.values())
    assert not made.window.menuBar().isVisible()
    assert made.parts.grid.isVisible()
    made.key("3")
    assert made.session.state.view.layer == "error"
    made.key(K.Key_F11)
    assert {name: dock.isVisible() for name, dock in made.parts.docks.items()} == places


def test_docks_stay_as_they_were_after_demo_mode(made):
    made.parts.docks["timeline"].close()
    made.key(K.Key_F11)
    made.key(K.Key_F11)
    assert not made.parts.docks["timeline"].isVisible()
    assert made.parts.docks["charts"].isVisible()


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
    made.engine.shelf._load = lambda spec: segmenter(7)
    path.write_bytes(b"x")
    settled(qtbot, made, lambda: drop(made.window, path))
    assert made.session.state.models.a == str(path)
    assert made.director.runner.request.models.a == str(path)


def test_recent_files_are_offered(qtbot, open_window, files, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    made = open_window(settings=settings)
    settled(qtbot, made, lambda: drop(made.window, files / "street.png"))
    settled(qtbot, made, lambda: drop(made.window, files / "folder"))
    names = [action.text() for action in made.parts.source.recent.actions()]
    assert [name.split()[0] for name in names[:2]] == ["folder", "street.png"]
    settled(qtbot, made, lambda: made.parts.source.recent.actions()[1].trigger())
    assert made.shown.frame.name == "street"


def test_settings_are_kept(qtbot, open_window, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    made = open_window(settings=settings)
    made.window.toggle_theme()
    made.window.close()
    again = Settings(tmp_path / "kept.ini")
    assert again.theme == "light"
    assert not again.geometry.isEmpty()
    assert not again.docks.isEmpty()


def test_the_dialogs_of_the_keys(qtbot, made):
    titles = []

    def look():
        dialog = QApplication.activeModalWidget()
        titles.append(dialog.windowTitle())
        dialog.close()

    for name in ("shortcuts", "edit-shortcuts", "about"):
        QTimer.singleShot(30, look)
        made.window.actions_table.action(name).trigger()
    assert titles == ["Keys", "Keyboard shortcuts", "About art-segplugin"]


def test_the_log_keeps_what_was_said(made):
    made.window.say("error", "It broke.", "Traceback of it")
    assert made.banners == ["It broke."]
    assert "Traceback of it" in made.parts.log.text()
    made.window.actions_table.action("log").trigger()
    assert made.parts.docks["log"].isVisible()


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


def test_the_radius_by_the_wheel_in_every_norm(qtbot, made):
    """An exception in what Qt calls there would end the process, not only the step."""
    for norm in ("1", "2", "inf"):
        made.change(with_attack, options={"steps": 3, "norm": norm})
        spin = made.parts.attack.form.editors["eps"].spin
        before = spin.value
        spin.stepBy(1)
        larger = spin.value
        assert larger > before
        spin.stepBy(-1)
        assert spin.value < larger
        assert made.session.state.attack.options.get("eps", 8 / 255) == spin.value
