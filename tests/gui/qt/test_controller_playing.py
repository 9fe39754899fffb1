"""A video or a camera under attack while it plays."""

from controller_parts import finished, rerun
from gui_parts import FakeSource, Said

from art_segplugin_gui.session.frames import Failed, Idle
from art_segplugin_gui.session.session import with_attack, with_source, with_view
from art_segplugin_gui.session.sources.base import SourceLostError


def test_playing_waits_for_each_picture_and_attacks_it_quickly(qtbot, rig):
    made = rig()
    made.engine.gate.clear()
    made.controller.play()
    qtbot.waitUntil(lambda: made.shown.frame.index == 1)
    assert made.controller.playing
    assert made.session.state.source.index == 1  # follows
    assert not made.session.can_undo
    qtbot.wait(80)
    assert made.shown.frame.index == 1  # its points have not come yet
    made.engine.gate.set()
    seen = set()

    def all_seen():
        seen.add(made.shown.frame.index)
        return seen == {0, 1, 2, 3}

    qtbot.waitUntil(all_seen)
    assert all(run.quick for run in made.runs[1:])
    made.controller.pause()
    assert not made.controller.playing
    finished(qtbot, made)
    assert not made.runs[-1].quick  # all steps for the picture that stays
    assert made.runs[-1].frame is made.shown.frame
    index = made.shown.frame.index
    qtbot.wait(60)
    assert made.shown.frame.index == index


def test_playing_on_after_a_model_that_fails(qtbot, rig):
    made = rig()
    made.engine.answers["Run"] = [lambda rev: Failed(rev, "one failed."), Idle]
    made.controller.play()
    qtbot.waitUntil(lambda: made.shown.frame.index == 2)
    assert ("one failed.", "") in made.said.of("failed")
    made.controller.stop()
    assert not made.controller.playing


def test_a_lost_camera_can_be_opened_again(qtbot, rig):
    made = rig(fake=FakeSource(count=None))
    camera = made.sources.fakes["fake"]
    lost = Said(lost=made.controller.source.lost)
    made.controller.play()
    qtbot.waitUntil(lambda: len(made.runs) > 2)
    camera.broken = {index: SourceLostError("camera lost.") for index in range(10_000)}
    qtbot.waitUntil(lambda: lost.of("lost") == ["camera lost."])
    assert not made.controller.playing
    frame = made.shown.frame
    assert frame is not None  # the last picture stays
    camera.broken = {}
    made.controller.reopen()
    qtbot.waitUntil(lambda: made.shown.frame is not frame)


def test_playing_a_range_of_one_picture_runs_nothing_anew(qtbot, rig):
    made = rig()
    made.change(with_source, first=0, last=0)
    playing = Said(playing=made.controller.source.playing)
    before = len(made.engine.requests)
    made.controller.play()
    qtbot.waitUntil(lambda: playing.of("playing") == [True, False])
    qtbot.wait(120)
    assert len(made.engine.requests) == before
    assert made.shown.step.answer


def test_nothing_plays_while_a_clip_is_attacked_and_what_is_due_runs_after_it(qtbot, rig):
    made = rig()
    held = Said(held=made.controller.held_changed)
    made.controller.hold(True)
    before = len(made.engine.requests)
    made.controller.play()
    made.controller.run()
    made.change(with_attack, seed=7)
    made.change(with_view, fade=0.5)
    qtbot.wait(120)
    assert not made.controller.playing
    assert len(made.engine.requests) == before
    (found, *_) = rerun(qtbot, made, lambda: made.controller.hold(False))
    assert found.attack.seed == 7
    assert held.of("held") == [True, False]
