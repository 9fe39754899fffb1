import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QKeyEvent

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.confusion import ConfusionView, colour_table, confusion
from art_segplugin_gui.qt.charts.style import ink

NAMES = ("sky", "road", "car", "pole")
CLEAN = np.array([[90, 10, 0, 0], [0, 100, 0, 0], [0, 0, 50, 0], [0, 0, 0, 0]])
ADVERSARIAL = np.array([[50, 50, 0, 0], [0, 69, 31, 0], [0, 0, 50, 0], [0, 0, 0, 0]])
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(show):
    chart = show(ConfusionView(), height=420)
    chart.show_counts(NAMES, CLEAN, ADVERSARIAL)
    return chart


def click(qtbot, view, true, predicted):
    qtbot.mouseClick(
        view.matrix, LEFT, pos=view.matrix.cell_rect(true, predicted).center().toPoint()
    )


def colour_at(view, picture, true, predicted):
    box = view.matrix.cell_rect(true, predicted)
    # Beside the middle, where the figure is.
    return picture[int(box.top() + 4), int(box.left() + 4)].astype(int)


def test_only_classes_that_occur_are_drawn():
    made = confusion(NAMES, CLEAN, ADVERSARIAL)
    assert made.present == (0, 1, 2)
    assert confusion(NAMES, CLEAN * 0, None).present == ()


@settings(deadline=None, max_examples=40)
@given(arrays(np.int64, (4, 4), elements=st.integers(0, 10**12)))
def test_rows_of_shares_sum_to_one(counts):
    shares = confusion(NAMES, counts, counts).shares("adversarial")
    there = counts.sum(axis=1) > 0
    np.testing.assert_allclose(shares[there].sum(axis=1), 1)
    assert np.isnan(shares[~there]).all()
    assert (confusion(NAMES, counts, counts).shares("difference")[there] == 0).all()


def test_words():
    made = confusion(NAMES, CLEAN, ADVERSARIAL)
    assert made.words(1, 2, "adversarial") == "road taken for car: 31 px, 31.0 % of road"
    assert made.words(0, 0, "clean") == "sky right: 90 px, 90.0 % of sky"
    assert made.words(0, 1, "difference") == (
        "sky taken for road: +40 px, +40.0 % of sky (10 px clean, 50 px adversarial)"
    )
    assert made.words(3, 0, "clean") == "pole taken for sky: no pixel of pole"
    assert confusion(NAMES, CLEAN, None).words(0, 1, "adversarial").endswith("no attack yet")


def test_cells_are_as_strong_as_their_share(view, pixels):
    picture = pixels(view.matrix)
    right, taken, none = (colour_at(view, picture, 1, column) for column in (1, 2, 0))
    assert right.mean() < taken.mean() < none.mean()
    more = ink(view.palette()).more
    assert (
        np.abs(colour_at(view, picture, 2, 2) - [more.red(), more.green(), more.blue()]).max() < 4
    )


def test_gains_and_losses_have_different_colours(view, pixels):
    view.set_shown("difference")
    picture = pixels(view.matrix)
    gain, loss = colour_at(view, picture, 1, 2), colour_at(view, picture, 1, 1)
    assert gain[2] > gain[1]
    assert loss[1] > loss[2]
    assert (colour_at(view, picture, 2, 2) > 245).all()


def test_the_colour_table_is_plain_in_the_middle_and_full_at_the_ends(light):
    colours = ink(light)
    table = [QColor.fromRgb(value) for value in colour_table(colours)]
    assert len(table) == 256
    assert table[127] == colours.base
    assert table[255] == colours.more
    assert table[0].green() > table[0].red()


def test_a_cell_is_clicked_and_clicked_again(view, qtbot, record):
    heard = record(view.cell_clicked, view.cleared)
    click(qtbot, view, 1, 2)
    assert view.words.text() == "road taken for car: 31 px, 31.0 % of road"
    click(qtbot, view, 0, 1)
    click(qtbot, view, 0, 1)
    assert heard == [(0, 1, 2), (0, 0, 1), (1,)]


def test_escape_clears_only_what_is_selected(view, qtbot, qapp, record):
    heard = record(view.cell_clicked, view.cleared)

    def claimed():
        event = QKeyEvent(
            QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        qapp.sendEvent(view.matrix, event)
        return event.isAccepted()

    assert not claimed()
    qtbot.keyClick(view.matrix, Qt.Key.Key_Escape)
    assert heard == []
    view.set_selected((1, 2))
    assert claimed()
    qtbot.keyClick(view.matrix, Qt.Key.Key_Escape)
    assert heard == [(1,)]


def test_arrows_move_the_cursor_then_the_selection(view, qtbot, record):
    heard = record(view.cell_clicked, view.cleared)
    keys = Qt.Key
    for key in (keys.Key_Down, keys.Key_Down, keys.Key_Right, keys.Key_Up, keys.Key_Down):
        qtbot.keyClick(view.matrix, key)
    assert heard == []
    assert view.words.text().startswith("road right")
    qtbot.keyClick(view.matrix, keys.Key_Return)
    qtbot.keyClick(view.matrix, keys.Key_Right)
    qtbot.keyClick(view.matrix, keys.Key_Right)
    qtbot.keyClick(view.matrix, keys.Key_Enter)
    assert heard == [(0, 1, 1), (0, 1, 2), (1,)]


def test_the_switch_changes_picture_and_words(view, qtbot, pixels, record):
    heard = record(view.shown_changed)
    view.set_selected((1, 2))
    before = pixels(view.matrix)
    qtbot.keyClick(view.switch, Qt.Key.Key_Up)
    assert (pixels(view.matrix) != before).any()
    assert view.words.text() == "road taken for car: 0 px, 0.0 % of road"
    assert heard == [(0, "clean")]


def test_no_setter_emits(view, record):
    heard = record(view.cell_clicked, view.cleared, view.shown_changed)
    view.set_selected((1, 2))
    view.set_shown("difference")
    view.show_counts(NAMES, CLEAN, None, labelled=False)
    view.set_selected(None)
    view.set_title("whole clip")
    view.show_counts(("a",), np.array([[3]]), None)
    view.clear()
    assert heard == []


def test_without_labels_the_rows_are_called_otherwise(view):
    assert "true class" in view.axes.text()
    view.show_counts(NAMES, CLEAN, ADVERSARIAL, labelled=False)
    assert "clean prediction" in view.axes.text()


def test_a_selection_survives_a_new_frame_without_its_class(view, pixels):
    view.set_selected((2, 2))
    only_sky = np.zeros((4, 4), np.int64)
    only_sky[0, 0] = 5
    view.show_counts(NAMES, only_sky, only_sky)
    assert pixels(view.matrix).std() > 0
    assert view.matrix.selected == (2, 2)
    assert view.words.text() == "car right: no pixel of car"


def test_names_do_not_overlap_with_many_classes(show):
    chart = show(ConfusionView(), height=420)
    counts = np.eye(150, dtype=np.int64)
    chart.show_counts([f"class number {n}" for n in range(150)], counts, counts)
    place = chart.matrix.layout_of_cells()
    drawn = sorted(place.named(71))
    assert 71 in drawn
    assert min(np.diff(drawn)) * place.cell >= 0.85 * chart.fontMetrics().height()
    assert place.square().right() <= chart.matrix.width()
    assert place.square().bottom() <= chart.matrix.height()


@pytest.mark.parametrize(
    "counts", [np.zeros((3, 3), int), np.zeros((4, 4)), np.full((4, 4), -1), np.zeros(4, int)]
)
def test_bad_counts_are_refused(view, counts):
    with pytest.raises(InputError):
        view.show_counts(NAMES, CLEAN, counts)
