"""A camera that is missing or lost is said in a sentence, and the window lives on."""

from gui_parts import FakeSource, Sources, small_state
from window_parts import lives, says

from art_segplugin_gui.session.session import with_source
from art_segplugin_gui.session.sources.base import SourceLostError


def test_no_camera(qtbot, open_window):
    made = open_window()
    camera = made.parts.source.camera
    qtbot.waitUntil(lambda: "none found" in camera.text())
    assert not camera.isEnabled()
    made.change(with_source, spec="camera:7")
    says(qtbot, made, "camera")
    assert made.session.state.source.spec == "fake"
    lives(qtbot, made)


def test_a_camera_that_is_unplugged_can_be_opened_again(qtbot, open_window):
    camera = FakeSource("camera:0", count=None, shape=(36, 48))
    made = open_window(
        state=small_state("camera:0"), sources=Sources(**{"camera:0": camera}), cameras=[0]
    )
    made.controller.play()
    qtbot.waitUntil(lambda: len(camera.reads) > 3)
    camera.broken = {n: SourceLostError("camera lost: plug it in again.") for n in range(99_999)}
    says(qtbot, made, "camera lost")
    assert not made.parts.source.play.isChecked()
    frame = made.shown.frame
    assert made.parts.grid.panes[0].composition is not None  # the last picture stays
    camera.broken = {}
    (banner,) = made.parts.banners.banners
    assert banner.action.text() == "Retry"
    banner.action.click()
    qtbot.waitUntil(lambda: made.shown.frame is not frame and made.answered)
    assert made.banners == []
