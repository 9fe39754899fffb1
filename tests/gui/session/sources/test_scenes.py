import numpy as np
import pytest

from art_segplugin.data.scenes import CameraDrive, SceneDataset
from art_segplugin_gui.session.sources.opening import open_source


def test_scenes_are_the_library_s():
    source = open_source("scenes:val", 96)
    assert (source.count, source.moving, source.exact_labels) == (50, False, True)
    frame = source.read(3)
    sample = SceneDataset(50, "val", (72, 96))[3]
    assert frame.name == sample.name
    assert np.array_equal(frame.image / np.float32(255), sample.image.movedim(0, -1).numpy())
    assert np.array_equal(frame.labels, sample.labels.numpy())
    assert frame.image.dtype == frame.labels.dtype == np.uint8
    assert frame.origin == {"spec": "scenes:val", "index": 3, "size": [72, 96]}


def test_random_textures_have_the_labels_of_the_test_scenes():
    plain, textured = open_source("scenes:test", 64), open_source("scenes:random-textures", 64)
    a, b = plain.read(0), textured.read(0)
    assert np.array_equal(a.labels, b.labels)
    assert not np.array_equal(a.image, b.image)


def test_a_drive_moves_and_has_even_sides():
    source = open_source("drive:7", 70)
    assert (source.count, source.fps, source.moving, source.exact_labels) == (120, 12, True, True)
    first, later = source.read(0), source.read(60)
    assert first.image.shape == (52, 70, 3)
    assert not np.array_equal(first.labels, later.labels)
    sample = CameraDrive(120, 7, (52, 70), fps=12)[60]
    assert np.array_equal(later.labels, sample.labels.numpy())


@pytest.mark.parametrize("spec", ["scenes:test", "drive:0"])
def test_the_full_size_is_480_by_360(spec):
    assert open_source(spec, 640).read(0).image.shape == (360, 480, 3)
