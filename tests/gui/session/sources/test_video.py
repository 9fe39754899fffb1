import numpy as np
import pytest

from art_segplugin.data.video import VideoWriter
from art_segplugin.errors import InputError
from art_segplugin_gui.session.sources.opening import open_source

FRAMES = np.random.default_rng(0).integers(0, 256, (30, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "fährt 漢.mkv"
    with VideoWriter(path, 15) as writer:
        for frame in FRAMES:
            writer.write(frame)
    return path


def test_frames_by_number(clip):
    source = open_source(str(clip), None)
    assert (source.count, source.moving, source.exact_labels) == (30, True, False)
    assert source.fps == pytest.approx(15)
    for index in (0, 1, 29, 4):
        frame = source.read(index)
        assert np.array_equal(frame.image, FRAMES[index])
        assert frame.name == f"fährt 漢-{index:06d}"
        assert frame.labels is None
        assert frame.origin == {
            "spec": str(clip),
            "index": index,
            "path": str(clip),
            "longest_side": None,
        }
    source.close()


def test_sides_stay_even(clip):
    assert open_source(str(clip), 37).read(0).image.shape == (28, 36, 3)  # 37 x 28


def test_missing_frames_and_broken_files(clip):
    with pytest.raises(InputError, match="has 30 pictures; give 0 to 29, not 30"):
        open_source(str(clip), None).read(30)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    source = open_source(str(clip), None)
    assert 0 < source.count < 30
    assert np.array_equal(source.read(source.count - 1).image, FRAMES[source.count - 1])
    clip.write_bytes(b"garbage" * 50)
    with pytest.raises(InputError, match="cannot be read; it is corrupt or no video"):
        open_source(str(clip), None)
