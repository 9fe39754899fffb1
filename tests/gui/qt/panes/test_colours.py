from itertools import pairwise

from art_segplugin_gui.qt.panes.colours import (
    argb,
    class_table,
    confidence_table,
    padded,
    weights_table,
)


def lightness(colour):
    red, green, blue = colour >> 16 & 255, colour >> 8 & 255, colour & 255
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_colour_is_alpha_red_green_blue():
    assert argb((1, 2, 3), 4) == 0x04010203


def test_classes_are_painted_and_everything_else_is_clear(colours):
    table = class_table(colours)
    assert table[:3] == (0xFFC80000, 0xFF00C800, 0xFF0000C8)
    assert set(table[3:]) == {0}
    assert len(table) == 256


def test_hidden_classes_are_clear(colours):
    assert class_table(colours, frozenset({1}))[:3] == (0xFFC80000, 0, 0xFF0000C8)


def test_an_isolated_class_is_the_only_one(colours):
    assert [c != 0 for c in class_table(colours, frozenset(), 2)[:3]] == [False, False, True]
    assert set(class_table(colours, frozenset({2}), 2)) == {0}


def test_void_is_clear_whatever_the_number_of_classes():
    assert class_table(tuple((i, i, i) for i in range(256)))[255] == 0


def test_a_table_is_the_same_object_until_it_changes(colours):
    assert class_table(colours) is class_table(colours)


def test_the_ramps_become_lighter_all_the_way():
    table = confidence_table()
    steps = [lightness(b) - lightness(a) for a, b in pairwise(table)]
    assert min(steps) > -1
    assert lightness(table[255]) - lightness(table[0]) > 150
    assert confidence_table(zero_is_clear=True)[:2] == (0, table[1])


def test_pixels_that_do_not_count_are_clear():
    table = weights_table()
    assert table[0] == 0
    assert table[255] >> 24 == 255
    alphas = [colour >> 24 for colour in table]
    assert alphas == sorted(alphas)


def test_padding_fills_up_to_256():
    assert len(padded([1, 2])) == 256
