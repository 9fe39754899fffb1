import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from art_segplugin.data import video_reader
from art_segplugin.data.video import Video, VideoWriter
from art_segplugin.data.video_reader import VideoReader
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


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_seeks_by_time_are_put_right(tmp_path, monkeypatch, name):
    """As with a variable frame rate: OpenCV lands elsewhere than on the frame of that number."""
    real = video_reader.open_capture

    class Shifted:
        def __init__(self, capture, shift):
            self.capture, self.shift = capture, shift

        def set(self, name, value):
            return self.capture.set(name, max(value + self.shift, 0))

        def __getattr__(self, name):
            return getattr(self.capture, name)

    path = write(tmp_path / name)
    expected = list(Video(path))
    monkeypatch.setattr(VideoReader, "_cut", lambda *_: None)
    for shift in (-5, 3, 30, 200):
        monkeypatch.setattr(
            video_reader, "open_capture", lambda path, shift=shift: Shifted(real(path), shift)
        )
        reader = VideoReader(path)
        for index in ORDER:
            assert np.array_equal(reader.read(index), expected[index]), (shift, index)


def test_ffv1_in_matroska_is_decoded_from_the_key_frame_on(tmp_path, monkeypatch):
    """OpenCV's seek would decode the 16 frames before as well."""
    reader = VideoReader(write(tmp_path / "a.mkv"))
    monkeypatch.setattr(reader, "_seek", lambda index: pytest.fail(f"sought {index}"))
    before = set(Path(tempfile.gettempdir()).glob("*.mkv"))
    for index in (49, 0, 30, 13, 47, 24, 12, 11):
        assert np.array_equal(reader.read(index), frame(index)), index
    assert set(Path(tempfile.gettempdir()).glob("*.mkv")) <= before


@pytest.mark.parametrize("damage", ["no room", "no clusters", "other times"])
def test_where_a_file_cannot_be_cut_it_is_sought(tmp_path, monkeypatch, damage):
    reader = VideoReader(write(tmp_path / "a.mkv"))
    if damage == "no room":

        def full(**_):
            raise OSError("no space left on device")

        monkeypatch.setattr(tempfile, "mkstemp", full)
    elif damage == "no clusters":
        reader._cuts._clusters = []
    else:
        reader._cuts._clusters = [
            (t + 7 * (n > 0), at) for n, (t, at) in enumerate(reader._cuts._clusters)
        ]
    sought, seek = [], reader._seek
    monkeypatch.setattr(reader, "_seek", lambda index: (sought.append(index), seek(index)))
    for index in (49, 30, 47, 24):
        assert np.array_equal(reader.read(index), frame(index)), index
    assert len(sought) >= 3


def test_without_an_index_the_container_is_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(video_reader, "INDEX_LIMIT", 10)
    reader = VideoReader(write(tmp_path / "a.mkv"))
    assert reader.count == COUNT
    for index in ORDER:
        assert np.array_equal(reader.read(index), frame(index)), index


def test_the_next_frame_is_reached_without_a_seek(tmp_path, monkeypatch):
    reader = VideoReader(write(tmp_path / "a.mkv"))
    monkeypatch.setattr(reader, "_seek", lambda index: pytest.fail(f"sought {index}"))
    assert [int(reader.read(i)[0, 0, 0]) for i in (1, 2, 4, 9, 25)] == [5, 10, 20, 45, 125]
    assert reader.read(25) is reader.read(25)


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
    monkeypatch.setattr(video_reader, "INDEX_LIMIT", 10)  # so that the container is believed
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


@pytest.mark.parametrize("limit", [video_reader.INDEX_LIMIT, 10], ids=("times", "no times"))
def test_a_damaged_frame_does_not_end_the_video(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(video_reader, "INDEX_LIMIT", limit)
    whole = VideoReader(write(tmp_path / "whole.avi", "MJPG"))
    reader = VideoReader(damaged(tmp_path / "a.avi", [30]))
    far = (45, 49, 0, 40) if limit > 10 else ()  # without times, a seek over the gap is believed
    for index in (29, 30, 31, 30, *far, 30, 29):
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
