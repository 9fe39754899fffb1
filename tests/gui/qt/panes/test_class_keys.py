import numpy as np
import pytest

from art_segplugin_gui.qt.panes.class_keys import MOST_KEYS, class_keys
from art_segplugin_gui.session.state import View

COLOURS = tuple((10 * n, 255 - 10 * n, n) for n in range(20))
NAMES = tuple(f"class-{n}" for n in range(20))


@pytest.fixture
def side(side_of):
    def made(*counts):
        """A side whose class n has counts[n] pixels."""
        pixels = np.repeat(np.arange(len(counts), dtype=np.uint8), counts).reshape(1, -1)
        return side_of(pixels, pixels)

    return made


def texts(keys):
    return [key.text for key in keys]


def test_largest_first_over_all_sides(side):
    keys, more = class_keys([side(5, 1, 0, 4), side(0, 9, 0, 1)], View(), COLOURS, NAMES)
    assert (texts(keys), more) == (["class-1", "class-0", "class-3"], 0)
    red, green, blue = COLOURS[1]
    key = keys[0]
    assert {key.table[index] for index in key.swatch.ravel()} == {
        0xFF000000 | red << 16 | green << 8 | blue
    }


def test_no_more_than_fit_and_the_rest_is_counted(side):
    keys, more = class_keys([side(*range(1, 13))], View(), COLOURS, NAMES)
    assert texts(keys) == [f"class-{n}" for n in range(11, 11 - MOST_KEYS, -1)]
    assert more == 12 - MOST_KEYS


def test_only_what_is_painted(side):
    sides = [side(5, 4, 3)]
    keys, _ = class_keys(sides, View(hidden=frozenset({0})), COLOURS, NAMES)
    assert texts(keys) == ["class-1", "class-2"]
    keys, more = class_keys(sides, View(isolated=2), COLOURS, NAMES)
    assert (texts(keys), more) == (["class-2"], 0)
    void = side(5, 4)
    void.prediction[0, :3] = 255
    assert texts(class_keys([void], View(), COLOURS, NAMES)[0]) == ["class-1", "class-0"]
    assert class_keys([], View(), COLOURS, NAMES) == ((), 0)
    assert class_keys(sides, View(), (), ()) == ((), 0)


def test_a_class_without_a_name(side):
    assert texts(class_keys([side(1, 2)], View(), COLOURS, NAMES[:1])[0]) == ["class 1", "class-0"]
