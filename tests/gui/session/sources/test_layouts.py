"""The app opens data sets where the command line does."""

import numpy as np
import pytest
from helpers.data_sets import DATA_SETS, FOUR, VOID, camvid

from art_segplugin_gui.session.sources.opening import open_source


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_opened_with_its_labels_and_classes(tmp_path, name):
    make, palette, split, _, _ = DATA_SETS[name]
    root = tmp_path / "around" / "root"
    make(root)
    image = next(path for path in sorted((root / split).rglob("*.png")) if "mask" not in path.name)
    for place in (root, root / split, root.parent, image):
        source = open_source(str(place), None)
        frame = source.read(0)
        assert frame.warning == ""
        assert (frame.labels[1] == VOID).all()
        colours = np.asarray(palette.colours)[frame.labels[2:]]
        assert np.array_equal(frame.image[2:], colours)
        assert source.count > 1 or place == image
    if palette is not FOUR:
        assert frame.classes == palette.classes
    if name == "roboflow":
        assert frame.classes == ("none", "a", "b", "c")


def test_camvid_with_a_test_split_alone(tmp_path):
    camvid(tmp_path, ("test",))
    assert open_source(str(tmp_path), None).read(0).classes[0] == "sky"
