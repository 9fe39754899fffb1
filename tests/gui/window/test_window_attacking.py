"""Attacks as a user steers them, with keys and mouse."""

import numpy as np
import pytest
from gui_parts import small_state
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QStyle, QStyleOptionSlider
from window_parts import LEFT, K, settled

from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.saving import load_state, save_state
from art_segplugin_gui.session.session import with_attack


def test_run_step_run_to_and_stop_by_mouse(qtbot, made):
    buttons = made.parts.attack.buttons

    def click(button):
        qtbot.mouseClick(button, LEFT)

    click(buttons.step_button)
    qtbot.waitUntil(lambda: made.controller.paused)
    assert made.shown.step.number == 1
    click(buttons.step_button)
    qtbot.waitUntil(lambda: made.controller.paused and made.shown.step.number == 2)
    assert buttons.progress.value() == 2
    click(buttons.run_button)
    qtbot.waitUntil(lambda: made.answered)
    assert "3/3" in buttons.progress_label.said
    assert made.parts.grid.panes[1].caption.title == "A adversarial  step 3/3"


def test_dragging_eps_runs_at_once_and_fully_at_the_end(qtbot, made):
    slider = made.parts.attack.form.editors["eps"].slider
    quick = []
    made.controller.restarted.connect(lambda request: quick.append(request.quick))
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    style = QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    handle = slider.style().subControlRect(*style).center()
    qtbot.mousePress(slider, LEFT, pos=handle)
    for part in (3, 5, 7):
        qtbot.mouseMove(slider, QPoint(part * slider.width() // 8, slider.height() // 2))
    assert made.controller.dragging
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(7 * slider.width() // 8, slider.height() // 2))
    qtbot.waitUntil(lambda: made.answered and not made.controller.request.quick)
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
    qtbot.waitUntil(lambda: made.answered and made.controller.request.attack.mask is not None)
    mask = made.controller.mask
    assert 0 < mask.sum() < mask.size / 2
    changed = (made.shown.step.a.image != made.shown.frame.image).any(2)
    assert changed[mask].any()
    assert not changed[~mask].any()


def test_a_saved_region_is_on_the_panes_and_in_the_run(qtbot, open_window, tmp_path):
    mask = np.zeros((36, 48), bool)
    mask[10:20, 5:30] = True
    state = small_state(region="painted", painted=Painted.of(mask))
    save_state(tmp_path / "one.segstudio.json", state)
    made = open_window(state=load_state(tmp_path / "one.segstudio.json"))
    qtbot.waitUntil(lambda: made.answered)
    np.testing.assert_array_equal(made.parts.grid.region, mask)
    assert not made.parts.attack.goal.hint.isVisible()
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
