import numpy as np
import pytest

from art_segplugin.data.video import Video, VideoWriter
from art_segplugin.errors import InputError


def frames(count=8, height=48, width=64):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def write_video(path, frames, fps):
    with VideoWriter(path, fps) as writer:
        for frame in frames:
            writer.write(frame)


def test_ffv1_keeps_every_value(tmp_path):
    written = frames()
    write_video(tmp_path / "clip.mkv", written, fps=12)
    video = Video(tmp_path / "clip.mkv")
    assert video.count == 8
    assert video.fps == pytest.approx(12)
    read = list(video)
    assert len(read) == 8
    assert all(np.array_equal(a, b) for a, b in zip(written, read, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(written, video, strict=True))  # again


def test_mp4_is_lossy(tmp_path):
    written = frames()
    write_video(tmp_path / "clip.mp4", written, fps=12)
    read = list(Video(tmp_path / "clip.mp4"))
    assert len(read) == 8
    assert not np.array_equal(read[0], written[0])


def test_missing_and_corrupt_videos_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.mkv does not exist"):
        Video(tmp_path / "none.mkv")
    (tmp_path / "bad.mp4").write_bytes(b"not a video" * 100)
    with pytest.raises(InputError, match=r"bad\.mp4 cannot be read"):
        Video(tmp_path / "bad.mp4")


def test_a_video_that_breaks_off_says_where(tmp_path):
    path = tmp_path / "clip.mkv"
    write_video(path, frames(40), fps=12)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    read = 0
    with pytest.raises(InputError, match=r"breaks off after \d+ of 40 frames"):  # noqa: PT012
        for _ in Video(path):
            read += 1
    assert 0 < read < 40


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"written as \.mkv, .*, not as '\.gif'"):
        write_video(tmp_path / "clip.gif", frames(1), fps=12)


def test_a_frame_of_another_size_is_refused_instead_of_left_out(tmp_path):
    with VideoWriter(tmp_path / "a.mkv", 10) as writer:
        writer.write(frames(1)[0])
        with pytest.raises(InputError, match="frame 1 is 64 x 50 and the first was 64 x 48"):
            writer.write(frames(1, height=50)[0])
