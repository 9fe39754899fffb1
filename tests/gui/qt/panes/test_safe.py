import numpy as np
import pytest

from art_segplugin_gui.qt.panes.safe import safe_colours, seen


@pytest.mark.parametrize("count", [0, 1, 7, 11, 19, 150, 255])
def test_there_are_as_many_different_colours_as_classes(count):
    assert len(set(safe_colours(count))) == count


def test_more_classes_do_not_change_the_first_colours():
    assert safe_colours(30)[:11] == safe_colours(11)


def test_every_eye_tells_the_classes_of_a_street_apart():
    places = seen(np.array(safe_colours(19), np.float64))
    apart = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
    apart[:, range(19), range(19)] = np.inf
    assert apart.min() > 15  # CIELAB; about 2 is just visible side by side


def test_full_vision_sees_white_and_black_as_they_are():
    white, black = seen(np.array([[255.0, 255, 255], [0, 0, 0]]))[0]
    assert white == pytest.approx([100, 0, 0], abs=0.1)
    assert black == pytest.approx([0, 0, 0], abs=0.1)


def test_red_and_green_come_closer_without_green_cones():
    full, _, no_green, _ = seen(np.array([[220.0, 30, 30], [30, 150, 30]]))
    assert np.linalg.norm(no_green[0] - no_green[1]) < 0.5 * np.linalg.norm(full[0] - full[1])
