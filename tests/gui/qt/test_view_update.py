from dataclasses import replace

import numpy as np
import pytest
from gui_parts import CLASSES, COLOURS, side
from PySide6.QtCore import QPointF

from art_segplugin_gui.session.frames import Clean, Faded, Step
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.session import with_attack, with_source, with_view
from art_segplugin_gui.session.state import Models


def captions(made):
    return [(pane.caption.title, pane.caption.figures) for pane in made.parts.grid.panes]


def test_captions_say_what_is_shown(opened):
    (title, figures), (other, attacked), *_ = captions(opened)
    assert title == "A clean  fake-0"
    assert other == "A adversarial  step 3/3"
    step = opened.shown.step.a.scores
    assert attacked.startswith(f"mIoU {step.miou:.3f}".replace("0.", "."))
    assert figures != attacked
    assert f"error {100 * step.mis_ratio:.1f} %" in attacked


def test_without_labels_the_figures_say_so(opened):
    clean = Clean(1, False, side(0.1), None, CLASSES, COLOURS)
    opened.window.view.draw(replace(opened.shown, clean=clean))
    assert all("vs clean prediction" in figures for _, figures in captions(opened)[:2])


def test_b_is_drawn_when_there_is_one(opened):
    clean = Clean(1, True, side(0.1), side(0.0), CLASSES, COLOURS)
    step = Step(1, 2, 3, side(0.5, exact=True), side(0.2, exact=True), 0.1)
    opened.window.view.draw(replace(opened.shown, clean=clean, step=step))
    assert opened.parts.grid.compared
    assert captions(opened)[2][1] == "mIoU .500  error 0.0 %"
    assert captions(opened)[3][0] == "B adversarial  attack on A"
    assert opened.parts.grid.panes[3].composition is not None


def test_charts_show_the_point_that_is_looked_at(opened):
    opened.controller.look_at(1)
    assert opened.parts.curve.marked() == 1
    step = opened.shown.step
    assert "adversarial" in opened.parts.bars.area.words(0)
    assert f"{step.a.scores.class_iou[0]:.3f}".removeprefix("0") in opened.parts.bars.area.words(0)


def test_the_confusion_is_drawn_when_it_comes_into_sight(qtbot, opened):
    opened.parts.charts.setCurrentWidget(opened.parts.confusion)
    matrix = opened.parts.confusion.matrix
    assert matrix.cell_rect(0, 1).isValid()
    counts = opened.shown.step.a.scores.confusion
    picture = matrix.grab().toImage()
    assert picture.width() > 10
    assert counts[0, 1] > 0


def test_the_reading_under_the_pointer(qtbot, opened):
    pane = opened.parts.grid.panes[0]
    pane.hovered.emit(1, 2)
    text = opened.parts.status.reading.text()
    assert text.startswith("(1, 2)")
    assert "truth sky | clean road" in text
    assert "adv road" in text
    pane.left.emit()
    assert opened.parts.status.reading.text() == ""
    assert pane.pixel_at(QPointF(-5, -5)) is None


def test_error_rates_of_the_pictures_are_kept(qtbot, opened):
    view = opened.window.view
    assert len(view.clean_rates) == 4
    assert view.adversarial_rates[0] == opened.shown.step.a.scores.mis_ratio
    opened.session.change(with_source(opened.session.state, index=2))
    qtbot.waitUntil(lambda: opened.shown.frame.index == 2 and opened.answered)
    assert np.isfinite(view.clean_rates[[0, 2]]).all()
    assert np.isnan(view.clean_rates[[1, 3]]).all()


def test_another_source_begins_another_timeline(opened):
    opened.window.view.show_source(7, 12.0)
    assert np.isnan(opened.window.view.clean_rates).all()
    assert len(opened.window.view.clean_rates) == 7
    opened.window.view.show_source(None, None)  # a camera
    opened.window.view.draw(opened.shown)
    assert len(opened.window.view.adversarial_rates) == 0


def test_rates_of_another_attack_are_of_the_past(qtbot, opened):
    view = opened.window.view
    before = view.adversarial_rates[0]
    opened.session.change(with_source(opened.session.state, index=1))
    qtbot.waitUntil(lambda: opened.shown.frame.index == 1 and opened.answered)
    opened.engine.last = 5
    opened.session.change(with_attack(opened.session.state, seed=3))
    qtbot.waitUntil(lambda: opened.answered)
    assert view.adversarial_rates[1] != before
    assert np.isnan(view.adversarial_rates[0])


def test_a_fade_is_drawn_at_once_and_its_figures_follow(qtbot, opened):
    pane = opened.parts.grid.panes[1]
    full = pane.composition.base.copy()
    opened.engine.gate.clear()
    opened.session.change(with_view(opened.session.state, fade=0.0))
    assert not np.array_equal(pane.composition.base, full)
    qtbot.waitUntil(lambda: isinstance(opened.shown.faded, Faded))
    assert captions(opened)[1][0] == "A adversarial  step 3/3 at 0 %"
    assert captions(opened)[1][1] == "mIoU .500  error 0.0 %"


def test_hidden_and_isolated_classes_reach_the_charts(opened):
    opened.session.change(with_view(opened.session.state, isolated=1, hidden=frozenset({2})))
    assert opened.parts.bars.area.words(1)
    assert opened.parts.grid._content.view.isolated == 1
    assert opened.parts.grid._content.view.hidden == {2}


@pytest.mark.parametrize("index", [-1, 99])
def test_a_picture_out_of_the_timeline_is_no_problem(opened, index):
    frame = opened.shown.frame
    moved = type(frame)(frame.name, index, frame.image, frame.labels)
    opened.window.view.draw(replace(opened.shown, frame=moved))
    assert captions(opened)[0][0] == "A clean  fake-0"


def test_captions_name_the_models_that_are_shown(opened):
    identity = Identity(opened.shown.frame.id, Models("x", "y", False))
    clean = Clean(1, True, side(0.1), side(0.0), CLASSES, COLOURS, identity=identity)
    of_a_clip = replace(opened.shown, clean=clean)
    opened.window.view.draw(of_a_clip)
    titles = [title for title, _ in captions(opened)]
    assert titles[2:] == ["B clean  y", "B adversarial  own attack"]
