"""What the window says: banners and their room, how far a run is, painting, files that are none."""

import json

import pytest
from gui_parts import FakeEngine, FakeSource, Sources, small_state, spin
from PySide6.QtCore import QPoint, QPointF, Qt

from art_segplugin.errors import InputError
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.session import with_attack

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
LONG = "The folder /data/" + "a-rather-long-name/" * 12 + " cannot be read; choose another one. "


@pytest.fixture
def made(open_window):
    return open_window(engine=FakeEngine(20))


def said(made):
    return made.parts.attack.buttons.progress_label.said


def runs(made):
    return [request for request in made.engine.requests if isinstance(request, Run)]


@pytest.mark.parametrize("demo", [False, True])
def test_banners_leave_the_pictures_two_thirds(qtbot, made, demo):
    if demo:
        made.key(K.Key_F11)
    made.window.resize(1280, 720)
    made.window.say("warning", LONG + "one", action="Restart worker", name="stuck")
    for n in range(4):
        made.window.say("error", f"{LONG} {n}")
    spin(60)
    banners, grid = made.parts.banners, made.parts.grid
    assert len(banners.banners) == 3
    assert banners.height() <= (banners.height() + grid.height()) / 3
    assert banners.banners[0].action.isVisible()
    for banner in banners.banners:
        assert banner.label.height() == len(banner.label.lines) * banner.fontMetrics().lineSpacing()
    newest = banners.banners[-1]
    assert newest.label.lines[-1].endswith("\u2026")
    assert f"{LONG} 3" in made.parts.log.text()  # all of it
    newest.more.click()
    assert "".join(newest.label.lines) == f"{LONG} 3"


def test_a_run_that_is_stopped_or_waits_says_so(qtbot, made):
    engine = made.engine
    made.controller.run_to(3)
    qtbot.waitUntil(lambda: made.controller.paused)
    assert said(made) == "waits at 3/20"
    assert made.parts.attack.buttons.progress.value() == 3
    engine.gate.clear()
    made.controller.step()
    made.controller.step()
    spin(20)
    made.key(K.Key_Escape)
    qtbot.waitUntil(lambda: made.at_rest)
    assert said(made) == "stopped at 3/20"
    engine.gate.set()
    made.controller.run()
    qtbot.waitUntil(lambda: made.answered)
    assert said(made) == "20/20, 10 ms/step, done"


def test_a_run_that_is_cancelled_stays_where_it_was(qtbot, made):
    made.engine.last = 20_000
    made.controller.stepped.connect(lambda _: made.engine.gate.clear())
    made.controller.run()
    qtbot.waitUntil(lambda: made.controller.newest >= 0)
    spin(50)  # the engine is a little ahead of the window
    made.key(K.Key_Escape)
    qtbot.waitUntil(lambda: made.at_rest)
    assert said(made) == f"stopped at {made.controller.newest}/20000"
    made.engine.gate.clear()
    made.controller.run()
    spin(30)
    made.key(K.Key_Escape)
    qtbot.waitUntil(lambda: made.at_rest)
    assert said(made) == "stopped before the first step"
    assert made.parts.attack.buttons.progress.value() == 0


def test_without_auto_nothing_is_run_yet(qtbot, made):
    made.change(with_attack, auto=False)
    assert said(made).startswith("20/20")
    before = made.shown.frame
    made.key("D")
    qtbot.waitUntil(lambda: made.shown.frame is not before and made.shown.clean and made.at_rest)
    assert said(made) == "not run yet"
    assert made.parts.attack.buttons.progress.value() == 0


def choose_painted(made):
    region = made.parts.attack.goal.region
    region.setCurrentIndex(region.findData("painted"))
    region.activated.emit(region.currentIndex())


def test_who_chooses_to_paint_paints(qtbot, made):
    goal = made.parts.attack.goal
    before = len(runs(made))
    choose_painted(made)
    assert goal.paint.isChecked()
    assert goal.hint.isVisible()
    spin(250)
    assert len(runs(made)) == before  # nothing is painted: there is nothing to run
    pane = made.parts.grid.panes[0]
    spot = pane.placement.to_pane(QPointF(24, 18)).toPoint()
    qtbot.mousePress(pane, LEFT, pos=spot)
    qtbot.mouseMove(pane, spot + QPoint(4, 0))
    qtbot.mouseRelease(pane, LEFT, pos=spot + QPoint(4, 0))
    assert not goal.hint.isVisible()
    qtbot.waitUntil(lambda: len(runs(made)) > before and made.answered)
    assert runs(made)[-1].attack.mask.any()
    goal.clear.click()
    assert goal.hint.isVisible()
    before = len(runs(made))
    spin(250)
    assert len(runs(made)) == before


def test_run_without_paint_gets_an_answer(qtbot, open_window):
    made = open_window()
    choose_painted(made)
    made.key("R")
    qtbot.waitUntil(lambda: any("nothing is painted yet" in text for text in made.banners))


def test_a_region_of_another_size_goes_from_the_panes_too(qtbot, open_window):
    sources = Sources(fake=FakeSource(shape=(36, 48)), other=FakeSource("other", 2, shape=(20, 30)))
    made = open_window(engine=FakeEngine(), sources=sources)
    choose_painted(made)
    pane = made.parts.grid.panes[0]
    qtbot.mouseClick(pane, LEFT, pos=pane.placement.to_pane(QPointF(24, 18)).toPoint())
    qtbot.waitUntil(lambda: made.controller.mask is not None and made.answered)
    made.window.files.open_dropped("source", "other")
    qtbot.waitUntil(lambda: made.shown.frame.name == "other-0")
    assert made.parts.grid.region is None
    assert made.parts.attack.goal.hint.isVisible()


def test_undo_does_not_lead_back_to_a_file_that_is_broken(qtbot, open_window):
    sources = Sources(fake=FakeSource(shape=(36, 48)), bad=InputError("bad is broken."))
    made = open_window(engine=FakeEngine(), sources=sources)
    made.window.files.open_dropped("source", "bad")
    made.change(with_attack, seed=3)  # before the failure is known
    qtbot.waitUntil(lambda: "bad is broken." in made.banners)
    qtbot.waitUntil(lambda: made.answered)
    assert made.session.state == small_state(seed=3)
    undo = made.window.actions_table.action("undo")
    while made.session.undo():
        spin(20)
        assert made.session.state.source.spec == "fake"
    assert made.session.state.attack.seed == 0
    assert not undo.isEnabled()
    assert sources.asked.count(("bad", 640)) == 1


def test_a_failed_opening_alone_leaves_nothing_to_undo(qtbot, open_window):
    sources = Sources(fake=FakeSource(shape=(36, 48)), bad=InputError("bad is broken."))
    made = open_window(engine=FakeEngine(), sources=sources)
    made.window.files.open_dropped("source", "bad")
    qtbot.waitUntil(lambda: "bad is broken." in made.banners)
    assert not made.session.can_undo
    assert not made.window.actions_table.action("undo").isEnabled()


@pytest.mark.parametrize("kind", ["picture", "clip"])
def test_an_export_that_is_dropped_is_named(qtbot, made, tmp_path, kind):
    path = tmp_path / "repro.json"
    path.write_text(json.dumps({"format": 1, "kind": kind}))
    made.window.files.open_dropped("session", str(path))
    (text,) = made.banners
    assert text == f"{path} is an export and no session; run art-segplugin replay {path}"
