import numpy as np
import pytest

from art_segplugin.data.labels import INDICES_OR_COLOURS, UNAMBIGUOUS, LabelRule
from art_segplugin.data.palettes import CAMVID, SCENES, VOC, numbered_palette
from art_segplugin.errors import InputError

LABELS = np.array([[0, 10, 3], [255, 3, 1]], np.uint8)


@pytest.mark.parametrize("pixels", [LABELS, LABELS.astype(np.int32), CAMVID.colourise(LABELS)])
@pytest.mark.parametrize("rule", [INDICES_OR_COLOURS, UNAMBIGUOUS])
def test_indices_and_colours_mean_the_same(rule, pixels):
    labels = rule.decode(pixels, CAMVID)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, LABELS)


def test_void_of_the_files():
    rule = LabelRule("camvid", void=11)
    assert rule.decode(np.array([[11, 2, 255]]), CAMVID).tolist() == [[255, 2, 255]]
    with pytest.raises(InputError, match=r"a\.png holds the labels 12; expected 0\.\.10 or 11 for"):
        rule.decode(np.array([[12]]), CAMVID, "label map a.png")


def test_colours_are_guessed_where_only_one_palette_knows_them():
    numbers = numbered_palette()
    np.testing.assert_array_equal(UNAMBIGUOUS.decode(SCENES.colourise(LABELS), numbers), LABELS)
    with pytest.raises(InputError, match=r"colours of b mean one thing in palette .* save class"):
        UNAMBIGUOUS.decode(VOC.colourise(np.array([[3]])), numbers, "b")
    with pytest.raises(InputError, match=r"label map: colours \(1, 2, 3\)"):
        UNAMBIGUOUS.decode(np.full((1, 1, 3), (1, 2, 3), np.uint8), numbers)
