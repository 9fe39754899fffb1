import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.style import ink
from art_segplugin_gui.qt.charts.timeline import Timeline, binned, runs, time_text, top_of

LEFT = Qt.MouseButton.LeftButton
NAN = np.nan


@pytest.fixture
def line(show):
    chart = show(Timeline("clip.mp4"), width=600, height=140)
    chart.set_frames(100, 25.0)
    return chart


def place(line, frame):
    box = line.track.plot_rect()
    return QPoint(round(line.track.x_of(frame + 0.5)), round(box.center().y()))


def drag(qtbot, line, end, frame):
    track = line.track
    start = track.handle_rect(end).center().toPoint()
    qtbot.mousePress(track, LEFT, pos=start)
    qtbot.mouseMove(track, QPoint(place(line, frame).x(), start.y()))
    qtbot.mouseRelease(track, LEFT, pos=QPoint(place(line, frame).x(), start.y()))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.just(NAN), st.floats(0, 1)), min_size=1), st.integers(1, 40))
def test_no_bad_frame_is_lost_on_a_narrow_screen(rates, columns):
    rates = np.array(rates)
    frames, values = binned(rates, columns)
    assert len(frames) == len(values) == min(len(rates), columns)
    assert np.isnan(values).all() == np.isnan(rates).all()
    if not np.isnan(rates).all():
        assert np.nanmax(values) == np.nanmax(rates)
    assert (np.diff(frames) > 0).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.booleans()))
def test_runs_are_the_stretches(known):
    again = np.zeros(len(known), bool)
    for start, end in runs(np.array(known, bool)):
        assert start < end
        again[start:end] = True
    assert again.tolist() == known


def test_the_axis_holds_every_rate():
    assert top_of(np.array([NAN, 0.2]), np.array([0.01])) == 0.25
    assert top_of(np.array([NAN])) == 0.05
    assert top_of(np.array([1.0])) == 1


def test_times():
    assert [time_text(s) for s in (0, 1.48, 61.5, 59.999)] == [
        "0:00.00",
        "0:01.48",
        "1:01.50",
        "1:00.00",
    ]


def test_frames_are_chosen_by_mouse(line, qtbot, record):
    heard = record(line.frame_chosen, line.range_chosen)
    qtbot.mousePress(line.track, LEFT, pos=place(line, 20))
    qtbot.mouseMove(line.track, place(line, 30))
    qtbot.mouseMove(line.track, place(line, 30))
    qtbot.mouseMove(line.track, QPoint(5000, 20))
    qtbot.mouseRelease(line.track, LEFT, pos=QPoint(5000, 20))
    qtbot.mouseMove(line.track, place(line, 10))
    assert heard == [(0, 20), (0, 30), (0, 99)]
    assert line.title.text() == "frame 100 of 100, 0:03.96; clip.mp4"


def test_keys(line, qtbot, record):
    heard = record(line.frame_chosen, line.range_chosen)
    keys = Qt.Key
    for key in (keys.Key_Left, keys.Key_Right, keys.Key_PageDown, keys.Key_I, keys.Key_PageDown):
        qtbot.keyClick(line.track, key)
    for key in (keys.Key_O, keys.Key_O, keys.Key_End, keys.Key_Home):
        qtbot.keyClick(line.track, key)
    assert heard == [(0, 1), (0, 11), (1, 11, 99), (0, 21), (1, 11, 21), (0, 99), (0, 0)]


def test_the_handles_are_dragged(line, qtbot, record):
    heard = record(line.range_chosen, line.frame_chosen)
    drag(qtbot, line, "first", 20)
    drag(qtbot, line, "last", 59)
    drag(qtbot, line, "first", 90)
    assert heard == [(0, 20, 99), (0, 20, 59), (0, 59, 59)]
    drag(qtbot, line, "last", 70)
    assert heard[-1] == (0, 59, 70)
    assert "range 60 to 71" in line.title.text()


def test_rates_are_drawn_and_done_frames_are_filled(line, pixels, near):
    colour = ink(line.palette()).a
    assert near(pixels(line.track), colour) == 0
    adversarial = np.full(100, NAN)
    adversarial[20:50] = 0.4
    line.set_rates(np.full(100, 0.1), adversarial)
    picture, strip = pixels(line.track), int(line.track.handle_rect("first").center().y())
    at = [picture[strip, place(line, frame).x()].astype(int) for frame in (10, 35, 70)]
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    assert [bool(np.abs(found - wanted).max() < 12) for found in at] == [False, True, False]
    box = line.track.plot_rect()
    column = picture[int(box.top()) : int(box.bottom()), place(line, 35).x()].astype(int)
    filled = np.abs(column - column[-8]).max(axis=-1) < 12
    assert filled.mean() == pytest.approx(0.4 / 0.5, abs=0.12)
    assert "30 of 100 attacked" in line.title.text()


def test_one_known_frame_can_be_seen(line, pixels, near):
    line.set_frames(4)
    before = pixels(line.track)
    line.set_rates(np.full(4, NAN), np.array([NAN, 0.5, NAN, NAN]))
    changed = (pixels(line.track) != before).any(axis=-1)
    box = line.track.plot_rect()
    assert changed[int(box.center().y())].sum() == pytest.approx(box.width() / 4, abs=6)


def test_the_marker_is_at_the_current_frame(line, pixels):
    line.set_current(70)
    picture = pixels(line.track)
    assert picture[6, place(line, 70).x()].mean() < 90
    line.set_current(10)
    assert pixels(line.track)[6, place(line, 70).x()].mean() > 150


def test_no_setter_emits_and_values_are_kept_inside(line, record):
    heard = record(line.frame_chosen, line.range_chosen)
    line.set_current(500)
    line.set_range(80, 500)
    assert (line.track.current, line.track.first, line.track.last) == (99, 80, 99)
    line.set_range(5, None)
    line.set_rates(np.zeros(100), np.zeros(100))
    line.set_title("other")
    line.set_frames(3)
    assert (line.track.current, line.track.first, line.track.last) == (0, 0, 2)
    assert line.title.text() == "frame 1 of 3; other"
    assert heard == []


def test_a_timeline_of_nothing_does_nothing(line, qtbot, record, pixels):
    heard = record(line.frame_chosen, line.range_chosen)
    line.set_frames(0)
    qtbot.mouseClick(line.track, LEFT, pos=QPoint(200, 30))
    qtbot.keyClick(line.track, Qt.Key.Key_Right)
    assert heard == []
    assert pixels(line.track).std() > 0


def test_100000_frames(line, pixels, qtbot, record):
    rates = np.linspace(0, 1, 100_000)
    line.set_frames(100_000, 30.0)
    line.set_rates(rates / 2, rates)
    assert pixels(line.track).std() > 0
    heard = record(line.frame_chosen)
    qtbot.mouseClick(line.track, LEFT, pos=place(line, 50_000))
    assert abs(heard[0][1] - 50_000) < 400


@pytest.mark.parametrize("rates", [np.zeros(99), np.full(100, 2.0), np.zeros((100, 1))])
def test_bad_rates_are_refused(line, rates):
    with pytest.raises(InputError):
        line.set_rates(np.zeros(100), rates)


@pytest.mark.parametrize(("count", "fps"), [(-1, None), (5, 0.0), (5, NAN)])
def test_bad_counts_are_refused(line, count, fps):
    with pytest.raises(InputError):
        line.set_frames(count, fps)


def test_the_caller_may_go_on_writing(line, pixels):
    rates = np.full(100, 0.2)
    line.set_rates(rates, rates)
    before = pixels(line.track)
    rates[:] = NAN
    line.track.update()
    assert (pixels(line.track) == before).all()
