"""A range that is attacked while the window lives on: stopping, failing, restarting, going on."""

import threading

import numpy as np
import pytest
from gui_parts import CLASSES, FakeEngine, FakeSource, Sources, side, spin
from session_parts import picture

from art_segplugin.errors import InputError
from art_segplugin.scores import Scores
from art_segplugin_gui.session.clip_request import (
    ClipDone,
    ClipFrame,
    ClipRequest,
    ClipSide,
)
from art_segplugin_gui.session.frames import Failed, Idle, Stopped
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.session import with_attack, with_models, with_source

SHAPE = (36, 48)
HELD = "Not while a range is attacked"


class ClipEngine(FakeEngine):
    """Attacks a range picture by picture, each when it is let."""

    def __init__(self, total=6):
        super().__init__()
        self.total = total
        self.pictures = threading.Semaphore(0)
        self.broken = self.stuck = False
        self.freed = threading.Event()

    def events(self, request, token):
        if not isinstance(request, ClipRequest):
            yield from super().events(request, token)
            return
        self.requests.append(request)
        for done in range(1, self.total + 1):
            while not self.pictures.acquire(timeout=0.005):
                if self.stuck:
                    self.freed.wait(20)
                if self.broken:
                    yield Failed(request.rev, "one gives NaN.")
                    yield Idle(request.rev)
                    return
                if token.cancelled:
                    yield Stopped(request.rev)
                    yield Idle(request.rev)
                    return
            yield frame_of(request.rev, done, self.total)
        yield ClipDone(request.rev, (request.out / "adversarial.mkv",), scores(), False)
        yield Idle(request.rev)


def scores():
    names = ("A clean", "A exact", "A 8-bit")
    return {name: Scores(0.5, 0.25, np.full(4, 0.5), distance=0.03) for name in names}


def frame_of(rev, done, total):
    return ClipFrame(
        rev,
        done - 1,
        done,
        total,
        3.0 * (total - done),
        scores(),
        scores(),
        picture(SHAPE, seed=done, index=done - 1),
        ClipSide(side(0.1, SHAPE), side(0.4, SHAPE, exact=True)),
        None,
        CLASSES,
    )


@pytest.fixture
def made(open_window, tmp_path):
    engine = ClipEngine()
    fakes = {name: FakeSource(name, count=6, shape=SHAPE) for name in ("fake", "other")}
    window = open_window(engine=engine, sources=Sources(**fakes, bad=InputError("bad is broken.")))
    window.parts.clip.folder.setText(str(tmp_path / "out"))
    window.parts.docks["clip"].show()
    yield window
    engine.freed.set()


def attack(qtbot, made, pictures=1):
    made.parts.clip.run.click()
    for _ in range(pictures):
        made.engine.pictures.release()
    words = f"{pictures} of 6 frames"
    qtbot.waitUntil(lambda: words in made.parts.clip.words.said)


def runs(made):
    return [request for request in made.engine.requests if isinstance(request, Run)]


def ended(qtbot, made):
    qtbot.waitUntil(lambda: not made.controller.held and made.answered)
    assert made.parts.clip.run.isEnabled()
    assert not made.parts.clip.cancel.isEnabled()


def lives(qtbot, made):
    """Changes are answered again."""
    before = made.shown.step
    made.change(with_attack, seed=made.session.state.attack.seed + 1)
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)
    assert made.shown.identity.attack == made.session.state.attack.decisive


def test_a_worker_that_is_restarted_ends_the_clip_and_not_the_app(qtbot, made):
    attack(qtbot, made, 2)
    made.engine.stuck = True
    spin(20)
    made.window._stuck(12.0)
    old = made.engine
    made.window.controller._start = lambda: (FakeEngine(), ready_now())
    (banner,) = made.parts.banners.banners
    banner.action.click()  # Restart worker
    assert not made.controller.held
    assert made.parts.clip.words.said == (
        "Stopped after 2 of 6 frames; the same range can be gone on with."
    )
    ended(qtbot, made)
    assert made.parts.status.waiting.text() == ""
    lives(qtbot, made)
    old.freed.set()
    assert len([one for one in old.requests if isinstance(one, ClipRequest)]) == 1


def ready_now():
    from gui_parts import ready

    return ready()


def test_a_worker_restarted_before_the_first_picture(qtbot, made):
    made.parts.clip.run.click()
    assert made.parts.clip.words.said == "starting"
    made.engine.freed.set()
    made.window.controller._start = lambda: (FakeEngine(), ready_now())
    made.controller.restart_worker()
    assert made.parts.clip.words.said == "Stopped; the same range can be gone on with."
    ended(qtbot, made)


@pytest.mark.parametrize("how", ["panel", "escape", "attack panel"])
def test_a_clip_that_is_stopped_says_so_and_can_be_gone_on_with(qtbot, made, how):
    panel = made.parts.clip
    attack(qtbot, made)
    if how == "panel":
        panel.cancel.click()
    elif how == "escape":
        made.window.actions_table.action("stop").trigger()
    else:
        made.parts.attack.stop.emit()
    ended(qtbot, made)
    assert panel.words.said == "Stopped after 1 of 6 frames; the same range can be gone on with."
    assert panel.run.text() == "Go on"
    assert made.shown.frame.index == 0  # its last picture stays, and is attacked as usual
    attack(qtbot, made, 2)
    assert panel.run.text() == "Attack the range"
    for _ in range(4):
        made.engine.pictures.release()
    qtbot.waitUntil(lambda: panel.words.said.startswith("Done: error 25.0 % clean"))
    ended(qtbot, made)
    assert panel.words.said.startswith("Done")
    assert panel.run.text() == "Attack the range"


def test_another_range_cannot_be_gone_on_with(qtbot, made):
    for change in (
        lambda: made.change(with_source, last=3),
        lambda: made.change(with_attack, seed=5),
        lambda: made.change(with_models, a="two"),
        lambda: made.parts.clip.folder.setText("/elsewhere"),
        lambda: made.parts.clip.anew.click(),
    ):
        attack(qtbot, made)
        made.parts.clip.cancel.click()
        ended(qtbot, made)
        assert made.parts.clip.run.text() == "Go on"
        change()
        assert made.parts.clip.run.text() == "Attack the range"
        qtbot.waitUntil(lambda: made.answered)


def test_what_fails_beside_a_clip_is_not_its_failure(qtbot, made):
    attack(qtbot, made)
    made.window.files.open_dropped("source", "bad")
    qtbot.waitUntil(lambda: "bad is broken." in made.banners)
    assert made.parts.clip.words.said == "1 of 6 frames, about 15 s left"
    made.engine.pictures.release()
    qtbot.waitUntil(lambda: "2 of 6" in made.parts.clip.words.said)
    made.parts.clip.cancel.click()
    ended(qtbot, made)
    assert "Stopped after 2" in made.parts.clip.words.said


def test_a_clip_that_fails_says_why(qtbot, made):
    attack(qtbot, made)
    made.engine.broken = True
    ended(qtbot, made)
    assert made.parts.clip.words.said == "Stopped: one gives NaN."
    assert "one gives NaN." in made.banners
    made.engine.broken = False
    lives(qtbot, made)


def test_what_cannot_work_beside_a_clip_is_off_and_says_why(qtbot, made):
    box, table = made.parts.attack.buttons, made.window.actions_table
    widgets = (box.run_button, box.step_button, box.to_button, made.parts.source.play)
    actions = [table.action(name) for name in ("run", "step", "play", "export")]
    tips = [one.toolTip() for one in (*widgets, *actions)]
    assert all(one.isEnabled() for one in (*widgets, *actions))
    attack(qtbot, made)
    made.change(with_source, loop=False)  # whatever is shown anew
    for one in (*widgets, *actions):
        assert not one.isEnabled()
        assert one.toolTip().startswith(HELD)
    before = len(runs(made))
    made.key("R")
    made.key(".")
    made.controller.play()
    made.controller.step()
    spin(30)
    assert len(runs(made)) == before
    assert not made.controller.playing
    assert made.controller.held
    made.parts.clip.cancel.click()
    ended(qtbot, made)
    assert all(one.isEnabled() for one in (*widgets, *actions))
    assert [one.toolTip() for one in (*widgets, *actions)] == tips


def test_points_of_the_run_before_go_when_a_clip_begins(qtbot, made):
    assert made.parts.curve.marked() == 3
    attack(qtbot, made)
    assert made.parts.curve.marked() is None
    assert made.controller.trace.numbers == set()
    assert made.parts.attack.buttons.progress_label.said == "not run yet"
    assert made.parts.attack.buttons.progress.value() == 0
    made.parts.clip.cancel.click()
    ended(qtbot, made)
    assert made.parts.curve.marked() == 3


def test_changes_during_a_clip_count_after_it(qtbot, made):
    attack(qtbot, made)
    before = len(runs(made))
    made.change(with_models, a="two", b="one")
    made.change(with_attack, seed=9)
    spin(200)
    assert len(runs(made)) == before
    made.parts.clip.cancel.click()
    ended(qtbot, made)
    request = runs(made)[-1]
    assert (request.models.a, request.models.b, request.attack.seed) == ("two", "one", 9)
    assert request.frame.name == "fake-0"  # as its source gives it, not as the clip had it


def test_another_source_opened_during_a_clip_stays_on_screen(qtbot, made):
    attack(qtbot, made)
    made.window.files.open_dropped("source", "other")
    qtbot.waitUntil(lambda: made.shown.frame.name == "other-0")
    made.engine.pictures.release()
    qtbot.waitUntil(lambda: "2 of 6" in made.parts.clip.words.said)
    assert made.shown.frame.name == "other-0"
    made.parts.clip.cancel.click()
    ended(qtbot, made)
    assert made.shown.frame.name == "other-0"
    assert made.shown.step.answer


def test_pictures_of_the_clip_are_shown_again_after_looking_elsewhere(qtbot, made):
    attack(qtbot, made)
    made.change(with_source, index=4)
    qtbot.waitUntil(lambda: made.shown.frame.index == 4)
    made.engine.pictures.release()
    qtbot.waitUntil(lambda: made.shown.frame.index == 1)
    assert made.shown.title == "8-bit, picture 2 of 6"
