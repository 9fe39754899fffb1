import cv2
import numpy as np
import pytest

from art_segplugin.data import video
from art_segplugin.data.video import Video, VideoReader, VideoWriter
from art_segplugin.errors import InputError

COUNT = 50
ORDER = [0, 1, 2, 40, 39, 7, 23, 24, 49, 0, 30, 48, 3, 3, 12]


def frame(number, height=48, width=96):
    noise = np.random.default_rng(1).integers(0, 200, (height, width, 3), dtype=np.uint8)
    rolled = np.roll(noise, number, axis=1)
    rolled[:12, :12] = number * 5
    return rolled


def write(path, codec=None, count=COUNT):
    """With OpenCV's own writer where the library's would choose another codec."""
    if codec is None:
        with VideoWriter(path, 12) as writer:
            for number in range(count):
                writer.write(frame(number))
        return path
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 12, (96, 48))
    assert writer.isOpened()
    for number in range(count):
        writer.write(cv2.cvtColor(frame(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def assert_exact(path, order):
    expected = list(Video(path))
    reader = VideoReader(path)
    assert reader.count == len(expected)
    assert reader.size == expected[0].shape[:2]
    for index in order:
        assert np.array_equal(reader.read(index), expected[index]), index
    reader.close()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mp4v"),
        ("a.mp4", "vp09"),
        ("a.webm", "VP90"),
        ("a.avi", "MJPG"),
        ("a.mkv", "FFV1"),
    ],
)
def test_any_order_gives_what_reading_from_the_start_gives(tmp_path, name, codec):
    path = write(tmp_path / name, codec)
    assert_exact(path, ORDER)
    assert VideoReader(path).fps == pytest.approx(12)


def test_ffv1_gives_the_frames_that_were_written(tmp_path):
    reader = VideoReader(write(tmp_path / "clip ümläut 漢.mkv"))
    for index in ORDER:
        assert np.array_equal(reader.read(index), frame(index))


@pytest.mark.data
def test_h264_in_any_order(data_folder):
    path = data_folder / "video" / "solidWhiteRight.mp4"
    wanted = [0, 220, 100, 101, 37, 219, 64, 5]
    expected = {i: f for i, f in enumerate(Video(path)) if i in wanted}
    reader = VideoReader(path)
    assert reader.count == 221
    for index in wanted:
        assert np.array_equal(reader.read(index), expected[index]), index


@pytest.fixture
def decoded(monkeypatch):
    """How many frames were decoded, and for each seek how many before it."""
    frames, seek = video._VideoFile.frames, video._VideoFile.seek
    counts = [0]

    def counted(file, packets):
        for one in frames(file, packets):
            counts[-1] += 1
            yield one

    def sought(file, time, keys):
        counts.append(0)
        return seek(file, time, keys)

    monkeypatch.setattr(video._VideoFile, "frames", counted)
    monkeypatch.setattr(video._VideoFile, "seek", sought)
    return counts


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
@pytest.mark.parametrize("shift", [-5, 3, 30, 200, None])
def test_seeks_that_land_elsewhere_are_put_right(tmp_path, monkeypatch, name, shift):
    path = write(tmp_path / name)
    expected, seek = list(Video(path)), video._VideoFile.seek

    def shifted(file, time, keys):
        if shift is None:
            return None
        return seek(file, max(time + round(shift / 12 / file._tick), 0), keys)

    monkeypatch.setattr(video._VideoFile, "seek", shifted)
    reader = VideoReader(path)
    for index in ORDER:
        assert np.array_equal(reader.read(index), expected[index]), index


def test_a_seek_decodes_from_the_key_frame_on(tmp_path, decoded):
    reader = VideoReader(write(tmp_path / "a.mkv"))
    for index in (49, 0, 30, 13, 47, 24, 12, 11):
        decoded[:] = [0]
        assert np.array_equal(reader.read(index), frame(index)), index
        assert decoded == [0, index % 12 + 1]  # OpenCV writes a key frame every 12 frames


def test_what_lies_ahead_is_decoded_without_a_seek(tmp_path, decoded):
    reader = VideoReader(write(tmp_path / "a.mkv"))
    assert [int(reader.read(i)[0, 0, 0]) for i in (1, 2, 4, 9, 11, 12)] == [5, 10, 20, 45, 55, 60]
    assert decoded == [13]
    assert reader.read(12) is reader.read(12)
    assert decoded == [13]
    assert int(reader.read(25)[0, 0, 0]) == 125  # from key frame 24, which is nearer than 13
    assert decoded == [13, 2]


@pytest.mark.parametrize("index", [-1, COUNT, 1000])
def test_numbers_that_no_frame_has_are_refused(tmp_path, index):
    reader = VideoReader(write(tmp_path / "a.avi"))
    with pytest.raises(
        InputError, match=rf"has {COUNT} frames; give 0 to {COUNT - 1}, not {index}"
    ):
        reader.read(index)


def test_a_broken_off_file_has_the_frames_that_are_there(tmp_path):
    path = write(tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = VideoReader(path)
    assert 0 < reader.count < COUNT
    assert np.array_equal(reader.read(reader.count - 1), frame(reader.count - 1))
    with pytest.raises(InputError, match=rf"has {reader.count} frames"):
        reader.read(reader.count)


@pytest.mark.parametrize("start", [0, 45])
def test_a_count_that_lies_shrinks(tmp_path, monkeypatch, start):
    monkeypatch.setattr(video._VideoFile, "index", lambda self: video._Index(COUNT, [], []))
    path = write(tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader, real = VideoReader(path), sum(1 for _ in _until_broken(path))
    assert reader.count == COUNT
    with pytest.raises(InputError, match=rf"breaks off after {real} frames; frame \d+ cannot"):  # noqa: PT012
        for index in range(start, COUNT):
            reader.read(index)
    assert reader.count == real
    assert np.array_equal(reader.read(real - 1), frame(real - 1))


def _until_broken(path):
    try:
        yield from Video(path)
    except InputError:
        return


def test_missing_corrupt_and_truncated_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.mp4 does not exist"):
        VideoReader(tmp_path / "none.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"not a video" * 100)
    with pytest.raises(InputError, match=r"bad\.mp4 cannot be read; it is corrupt or no video"):
        VideoReader(tmp_path / "bad.mp4")
    path = write(tmp_path / "cut.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut\.mp4 cannot be read"):
        VideoReader(path)
    path = write(tmp_path / "head.mkv")
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match=r"head\.mkv (cannot be read|holds no frame)"):
        VideoReader(path)


def damaged(path, numbers):
    """An AVI file in which the pictures of these frames begin with nonsense."""
    write(path, "MJPG")
    data = bytearray(path.read_bytes())
    starts, at = [], data.find(b"movi")
    while (at := data.find(b"00dc", at + 1)) >= 0 and len(starts) < COUNT:
        starts.append(at + 8)
    for number in numbers:
        data[starts[number] : starts[number] + 400] = b"\x55" * 400
    path.write_bytes(data)
    return path


def test_a_damaged_frame_does_not_end_the_video(tmp_path):
    whole = VideoReader(write(tmp_path / "whole.avi", "MJPG"))
    reader = VideoReader(damaged(tmp_path / "a.avi", [30]))
    for index in (29, 30, 31, 30, 45, 49, 0, 40, 30, 29):
        if index == 30:
            with pytest.raises(InputError, match=r"frame 30 of video .* cannot be read: it is dam"):
                reader.read(index)
        else:
            assert np.array_equal(reader.read(index), whole.read(index)), index
        assert reader.count == COUNT


def test_all_but_the_damaged_frames_are_read_in_order(tmp_path):
    whole = VideoReader(write(tmp_path / "whole.avi", "MJPG"))
    reader, lost = VideoReader(damaged(tmp_path / "a.avi", [7, 8, 9, 30, 49])), []
    for index in range(COUNT):
        try:
            found = reader.read(index)
        except InputError:
            lost.append(index)
        else:
            assert np.array_equal(found, whole.read(index))
    assert lost == [7, 8, 9, 30, 49]
    assert reader.count == COUNT - 1  # behind the last one there is nothing
