"""Files as other programs write them; made with PyAV's encoders."""

import os
import shutil
import sys
import warnings
from fractions import Fraction

import cv2
import numpy as np
import pytest

from art_segplugin.data import images
from art_segplugin.data.video import Video, VideoReader, VideoWriter
from art_segplugin.errors import InputError, InputWarning

av = pytest.importorskip("av")

SIZE, FPS = (64, 96), 25
ORDER = [7, 0, 11, 3, 4, 10, 1, 9, 2, 8, 6, 5]


def picture(number):
    noise = np.random.default_rng(1).integers(0, 200, (*SIZE, 3), dtype=np.uint8)
    return np.roll(noise, 3 * number, axis=1)


def encode(
    path, codec, count=12, *, pixels="yuv420p", encoder=None, muxer=None, times=None, sound=0,
    filters=(),
):  # fmt: skip
    """A file of `count` frames at FPS, or at `times` in ms, with so many seconds of sound."""
    with av.open(path, "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=FPS, options=encoder or {})
        stream.height, stream.width = SIZE
        stream.pix_fmt = pixels
        beep = container.add_stream("pcm_s16le", rate=8000) if sound else None
        tick = Fraction(1, FPS) if times is None else Fraction(1, 1000)
        stream.codec_context.time_base = tick
        graph = _graph(stream, filters)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number)).reformat(format=pixels)
            frame.pts = number if times is None else times[number]
            frame.time_base = tick
            graph.push(frame)
            container.mux(stream.encode(graph.pull()))
        container.mux(stream.encode())
        if beep is not None:
            for start in range(0, round(sound * 8000), 800):
                samples = av.AudioFrame.from_ndarray(
                    np.zeros((1, 800), np.int16), format="s16", layout="mono"
                )
                samples.rate, samples.pts = 8000, start
                container.mux(beep.encode(samples))
            container.mux(beep.encode())
    return path


def _graph(stream, filters):
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(
            width=SIZE[1],
            height=SIZE[0],
            format=stream.pix_fmt,
            time_base=stream.codec_context.time_base,
        ),
        *(graph.add(name, values) for name, values in filters),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def assert_readable(path, count):
    """All frames, in order and in any order, and the same ones if it is opened again."""
    video = Video(path)
    frames = list(video)
    assert len(frames) == video.count == count
    assert all(np.array_equal(a, b) for a, b in zip(frames, video, strict=True))
    reader = VideoReader(path)
    assert reader.count == count
    for number in (n for n in ORDER if n < count):
        assert np.array_equal(reader.read(number), frames[number]), number
    reader.close()
    return frames


INTERLACED = [
    ("ffv1.mkv", "ffv1", {}, "tff"),
    ("ffv1.mkv", "ffv1", {}, "bff"),
    ("h264.mp4", "libx264", {"flags": "+ildct+ilme", "qp": "0"}, "tff"),
]


@pytest.mark.parametrize(("name", "codec", "encoder", "order"), INTERLACED)
def test_interlaced_frames_are_converted_field_by_field(tmp_path, name, codec, encoder, order):
    path = encode(tmp_path / name, codec, encoder=encoder, filters=[("setfield", order)])
    frames = assert_readable(path, 12)
    with av.open(path) as container:
        for decoded, frame in zip(container.decode(video=0), frames, strict=True):
            assert decoded.interlaced_frame
            assert np.array_equal(woven(decoded.to_ndarray()), frame)


def woven(planes):
    """RGB of a yuv420p frame whose even and odd rows are pictures of their own."""
    (height, width), rgb = SIZE, np.empty((*SIZE, 3), np.uint8)
    luma, chroma = planes[:height], planes[height:].reshape(2, height // 2, width // 2)
    for field in (0, 1):
        parts = luma[field::2].reshape(-1), chroma[:, field::2].reshape(-1)
        one = np.concatenate(parts).reshape(height // 2 * 3 // 2, width)
        rgb[field::2] = av.VideoFrame.from_ndarray(one, "yuv420p").to_ndarray(format="rgb24")
    return rgb


SPARSE = [
    ("a.mpg", "mpeg1video"), ("a.mpg", "mpeg2video"), ("a.vob", "mpeg2video"), ("a.ts", "mpeg2video"),
    ("a.m2ts", "libx264"), ("a.ts", "libx264"), ("a.flv", "libx264"), ("a.mxf", "mpeg2video"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codec"), SPARSE)
def test_seeks_between_key_frames_that_are_far_apart(tmp_path, name, codec):
    path = encode(tmp_path / name, codec, 40, encoder={"g": "8", "bf": "2"})
    frames, reader = list(Video(path)), VideoReader(path)
    assert len(frames) == reader.count == 40
    for number in [*np.random.default_rng(0).permutation(40), *range(39, -1, -1)]:
        assert np.array_equal(reader.read(number), frames[number]), number


def test_seeks_in_a_file_without_its_index(tmp_path):
    path = encode(tmp_path / "a.mxf", "mpeg2video", 40, encoder={"g": "8", "bf": "2"})
    path.write_bytes(path.read_bytes()[: int(0.7 * path.stat().st_size)])
    frames, reader = list(Video(path)), VideoReader(path)
    count = reader.count
    assert 10 < count == len(frames) < 40
    for number in [*np.random.default_rng(0).permutation(count), *range(count - 1, -1, -1)]:
        assert np.array_equal(reader.read(number), frames[number]), number
    assert reader.count == count


@pytest.mark.parametrize("lost", [1, 2, 7])
def test_a_frame_that_is_lost_is_missed_also_at_the_beginning(tmp_path, lost):
    """Where the decoder has not given any frame yet."""
    path = encode(tmp_path / "a.mp4", "libx264", encoder={"bf": "2"})
    with av.open(path) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    at, size = places[lost]
    data[at : at + size] = b"\x55" * size
    path.write_bytes(data)
    with pytest.raises(InputError, match="is damaged: 1 of 12 frames cannot be decoded"):
        list(Video(path))


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.avi"])
def test_sound_that_is_longer_adds_no_frames(tmp_path, name):
    assert_readable(encode(tmp_path / name, "mpeg4", sound=2), 12)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "ffv1"), ("a.mp4", "libx264")])
def test_variable_frame_rate(tmp_path, name, codec):
    times = [0, 20, 40, 700, 720, 740, 1500, 1510, 1520, 1530, 4000, 4010]
    assert_readable(encode(tmp_path / name, codec, encoder={"g": "4"}, times=times), 12)


def copied(path, target, first=0, shift=0):
    """Copy packets without their frames being coded anew, and each `shift` seconds earlier."""
    with av.open(path) as source, av.open(target, "w") as container:
        stream = source.streams.video[0]
        copy = container.add_stream_from_template(stream)
        for packet in [one for one in source.demux(stream) if one.size][first:]:
            packet.pts -= round(shift / stream.time_base)
            packet.dts -= round(shift / stream.time_base)
            packet.stream = copy
            container.mux(packet)
    return target


@pytest.mark.parametrize(("name", "b_frames"), [("a.mp4", "0"), ("a.mp4", "2"), ("a.mkv", "0")])
def test_a_beginning_that_is_hidden_is_not_counted(tmp_path, name, b_frames):
    """As `ffmpeg -ss 0.22 -c copy` cuts: from the key frame before, which is not to be shown."""
    whole = encode(tmp_path / "whole.mp4", "libx264", 20, encoder={"g": "5", "bf": b_frames})
    path = copied(whole, tmp_path / name, first=5, shift=5.5 / FPS)
    shown = 14 if name == "a.mp4" else 15  # Matroska cannot hide frame 5
    frames = assert_readable(path, shown)
    expected = list(Video(whole))[-shown:]
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_frames_before_the_first_key_frame_are_not_counted(tmp_path, name):
    whole = encode(tmp_path / "whole.mp4", "libx264", 12, encoder={"g": "5", "bf": "0"})
    frames = assert_readable(copied(whole, tmp_path / name, first=2), 7)
    assert np.array_equal(frames[0], list(Video(whole))[5])


def test_avi_files_without_times_are_counted(tmp_path):
    assert_readable(encode(tmp_path / "a.avi", "libx264", encoder={"bf": "2", "g": "6"}), 12)


@pytest.mark.parametrize(
    ("name", "codec", "encoder"),
    [
        ("mpeg2.mkv", "mpeg2video", {"bf": "2", "g": "4"}),
        ("open-gop.mp4", "libx264", {"x264-params": "open-gop=1:keyint=4:bframes=2"}),
        ("hevc.mp4", "libx265", {"x265-params": "log-level=none:keyint=4"}),
        ("av1.webm", "libsvtav1", {"g": "4"}),
        ("fragments.mp4", "libx264", {"g": "4"}),
    ],
)
def test_codecs(tmp_path, name, codec, encoder):
    muxer = {"movflags": "frag_keyframe+empty_moov"} if name == "fragments.mp4" else None
    try:
        path = encode(tmp_path / name, codec, encoder=encoder, muxer=muxer)
    finally:
        # SVT-AV1 makes the thread that opens it a real-time one where it may, which would leave
        # little to other threads of all later tests.
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    assert_readable(path, 12)


CUT_OFF = [
    ("a.mkv", "ffv1", {}),
    ("a.webm", "libvpx", {}),
    ("a.avi", "ffv1", {}),
    ("a.mp4", "mpeg4", {"movflags": "faststart"}),
    ("a.mp4", "mpeg4", {"movflags": "frag_keyframe+empty_moov"}),
]


@pytest.mark.parametrize(("name", "codec", "muxer"), CUT_OFF)
def test_of_a_file_that_breaks_off_the_whole_frames_are_given(tmp_path, name, codec, muxer):
    path = encode(tmp_path / name, codec, muxer=muxer, encoder={"g": "3"})
    expected, data = list(Video(path)), path.read_bytes()
    for share in (0.4, 0.5, 0.6):
        path.write_bytes(data[: round(len(data) * share)])
        reader, frames = VideoReader(path), []
        with pytest.raises(InputError, match=rf"breaks off after {reader.count} of \d+ frames; "):
            frames.extend(frame for frame in Video(path))
        assert 0 < len(frames) == reader.count < 12
        for number, frame in enumerate(frames):
            assert np.array_equal(frame, expected[number])
        for number in (n for n in ORDER if n < reader.count):
            assert np.array_equal(reader.read(number), expected[number])


def test_a_file_whose_writer_crashed_has_the_frames_that_were_written(tmp_path):
    """Without its end it claims nothing, so nothing is missing."""
    path, crashed = tmp_path / "a.mkv", tmp_path / "crashed.mkv"
    frames = np.random.default_rng(0).integers(0, 256, (40, 96, 128, 3), dtype=np.uint8)
    with VideoWriter(path, 10) as writer:
        for frame in frames:
            writer.write(frame)
        shutil.copy(path, crashed)
    found = list(Video(crashed))
    assert 10 < len(found) < 40
    assert all(np.array_equal(a, b) for a, b in zip(found, frames, strict=False))
    reader = VideoReader(crashed)
    assert reader.count == len(found)
    assert np.array_equal(reader.read(reader.count - 1), frames[reader.count - 1])
    assert np.array_equal(reader.read(5), frames[5])


def test_damaged_frames_are_said_at_the_end(tmp_path):
    path = encode(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p", encoder={"huffman": "default"})
    data, at, read = bytearray(path.read_bytes()), -1, []
    for _ in range(4):
        at = data.find(b"00dc", at + 1)
    data[at + 8 : at + 708] = b"\x55" * 700
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.avi is damaged: 1 of 12 frames cannot be decoded"):
        read.extend(frame for frame in Video(path))
    assert len(read) == 11


@pytest.mark.parametrize(("turn", "matrix"), [(1, (0, -1, 1, 0)), (2, (-1, 0, 0, -1)), (3, (0, 1, -1, 0))])  # fmt: skip
def test_frames_of_a_turned_phone_are_upright(tmp_path, turn, matrix):
    path = encode(tmp_path / "a.mp4", "mpeg4")
    expected, data = [np.rot90(frame, turn) for frame in Video(path)], bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    for place, value in zip((0, 4, 12, 16), matrix, strict=True):
        data[at + place : at + place + 4] = (value * 0x10000).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    frames = assert_readable(path, 12)
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))
    assert np.array_equal(frames[3], opencv(path)[3])
    assert VideoReader(path).size == frames[0].shape[:2]


def opencv(path):
    """All frames of a file as OpenCV decodes them, RGB."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1][..., ::-1])
    return frames


EQUAL = [
    ("ffv1", "yuv420p", {}),
    ("ffv1", "bgr0", {}),
    ("ffv1", "bgra", {}),
    ("ffv1", "gray", {}),
    ("ffv1", "yuv420p10le", {}),
    ("libx264", "yuv420p", {"x264-params": "fullrange=on"}),
    ("libx264", "yuv420p", {"x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709"}),
    ("libx264", "yuv420p", {"x264-params": "colorprim=bt2020:transfer=bt709:colormatrix=bt2020nc"}),
    ("libx264", "yuv420p", {"x264-params": "colorprim=bt709:transfer=arib-std-b67"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "pixels", "encoder"), EQUAL)
def test_pixels_are_those_of_opencv(tmp_path, codec, pixels, encoder):
    count = 1 if "bt2020" in str(encoder) or "arib" in str(encoder) else 12  # seconds a frame
    path = encode(tmp_path / "a.mkv", codec, count, pixels=pixels, encoder=encoder)
    frames = list(Video(path))
    assert len(frames) == count
    assert all(np.array_equal(a, b) for a, b in zip(frames, opencv(path), strict=True))


@pytest.mark.data
def test_h264_as_opencv_decodes_it(data_folder):
    for path in sorted((data_folder / "video").glob("*.mp4")):
        expected, reader = opencv(path), VideoReader(path)
        assert all(np.array_equal(a, b) for a, b in zip(Video(path), expected, strict=True))
        for number in np.random.default_rng(0).integers(0, reader.count, 30):
            assert np.array_equal(reader.read(int(number)), expected[number]), number


@pytest.mark.parametrize("opened", [Video, VideoReader, lambda path: VideoWriter(path, 10)])
def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch, opened):
    path = encode(tmp_path / "a.mkv", "ffv1", 1)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"need PyAV .*: pip install 'art-segplugin\[video\]'"):
        opened(path)


def test_a_codec_without_a_decoder_is_named(tmp_path):
    path = encode(tmp_path / "a.avi", "ffv1")
    path.write_bytes(path.read_bytes().replace(b"FFV1", b"xyzw"))
    with pytest.raises(InputError, match=r"the codec of video .*a\.avi cannot be decoded here"):
        Video(path)


ODD_KINDS = [
    ("prores.mov", "prores_ks", "yuva444p10le", {"profile": "4"}, images.ALPHA),
    ("alpha.webm", "libvpx-vp9", "yuva420p", {}, None),  # its decoder leaves alpha out
    ("full.mp4", "libx264", "yuv444p", {"qp": "0"}, None),
    ("ten.mkv", "ffv1", "yuv420p10le", {}, None),
]


@pytest.mark.parametrize(("name", "codec", "pixels", "encoder", "said"), ODD_KINDS)
def test_pixels_of_other_kinds(tmp_path, name, codec, pixels, encoder, said):
    """The mean of what was encoded; alpha is left out and said."""
    path = encode(tmp_path / name, codec, 3, pixels=pixels, encoder=encoder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frames = list(Video(path))
    assert [str(one.message) for one in caught] == ([said] if said else [])
    for number, frame in enumerate(frames):
        assert frame.shape == (*SIZE, 3)
        assert abs(frame.mean() - picture(number).mean()) < 3


def test_pixels_that_are_not_square_are_said(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width = SIZE
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0))))
        container.mux(stream.encode())
    with pytest.warns(InputWarning, match=r"pixels are not square \(16:15\)"):
        assert [frame.shape for frame in Video(path)] == [(*SIZE, 3)]


@pytest.mark.parametrize("opened", [Video, VideoReader])
def test_sound_alone_is_no_video(tmp_path, opened):
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    with pytest.raises(InputError, match=r"a\.mp4 holds sound but no video"):
        opened(path)


def test_without_its_index_an_mp4_file_is_refused(tmp_path):
    path = encode(tmp_path / "a.mp4", "mpeg4")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(InputError, match=r"a\.mp4 cannot be read; it is corrupt or no video"):
        Video(path)


@pytest.mark.parametrize("opened", [lambda path: list(Video(path)), VideoReader])
def test_where_no_frame_can_be_decoded_the_codec_is_named(tmp_path, opened):
    """As where FFmpeg knows AV1 but has no decoder for it."""
    path = encode(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    start = data.index(b"movi")
    data[start + 20 : data.index(b"idx1")] = bytes(data.index(b"idx1") - start - 20)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"no frame that can be read: .* codec \(mjpeg\)"):
        opened(path)


@pytest.mark.parametrize("name", ["a%03d.mp4", "a:b.mp4", "-i.mp4", "a b\n.mp4"])
def test_names_are_names_and_nothing_else(tmp_path, name, monkeypatch):
    """Not patterns of numbered files, protocols or options."""
    path = encode(tmp_path / "plain.mp4", "mpeg4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(Video(path.relative_to(tmp_path)))) == 12


def test_a_playlist_leads_nowhere(tmp_path):
    encode(tmp_path / "one.ts", "mpeg2video")
    (tmp_path / "a.mp4").write_text(
        "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/one.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(InputError):
        list(Video(tmp_path / "a.mp4"))
