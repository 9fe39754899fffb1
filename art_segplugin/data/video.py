"""Videos: read with PyAV frame by frame or by number, written with OpenCV.

FFV1 keeps every value; mp4 and VP9 do not, and erase small attacks.
"""

import os
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from art_segplugin.errors import InputError, InputWarning

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # we say ourselves what is wrong
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream

VIDEO_SUFFIXES = (
    ".mkv", ".mp4", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts",
    ".vob", ".wmv", ".asf", ".flv", ".3gp", ".ogv", ".mxf", ".y4m",
)  # fmt: skip
CODECS = {".mkv": "FFV1", ".mp4": "mp4v", ".webm": "VP90", ".avi": "MJPG"}
LOSSLESS = ".mkv"
HDR_CURVES, WIDE_GAMUTS, BT709 = (16, 18), (9, 11, 12), 1
"""Transfer characteristics PQ and HLG, primaries BT.2020 and P3, and what monitors show (H.273)."""
ALPHA = "the alpha channel is not used"

Frame = NDArray[np.uint8]


def is_video(path: Path) -> bool:
    """Whether a file is to be read as a video: by its suffix, and GIF files that are animated."""
    if path.suffix.lower() != ".gif" or not path.is_file():
        return path.suffix.lower() in VIDEO_SUFFIXES
    try:
        with Image.open(path, formats=["GIF"]) as opened:
            return getattr(opened, "n_frames", 1) > 1
    except Exception:  # damaged: whoever reads it says so
        return False


class Video:
    """A video as a sequence of frames.

    Args:
        path: a file that FFmpeg can read.

    Attributes:
        path: the file.
        count: number of frames, by the packets in the file.
        fps: frames a second, on average.

    Raises:
        InputError: the file is missing, is no video or has no decoder, or PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = _VideoFile(path)
        self.fps = file.fps
        self.count = file.index().count
        file.close()

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, RGB uint8 (h, w, 3).

        Raises:
            InputError: at the end, the file breaks off before the frames that it announces, or some
                of its frames or all could not be decoded.

        Warns:
            InputWarning: its pixels are not square, or have alpha.
        """
        file, read = _VideoFile(self.path), 0
        try:
            for frame in file.frames(file.packets()):
                if not read:
                    file.warn(frame)
                read += 1
                yield file.rgb(frame)
        finally:
            file.close()
        if not read:
            raise file.no_frame()
        if read < file.announced and _is_cut_off(self.path):
            raise InputError(
                f"video {self.path} breaks off after {read} of {file.announced} frames; repair it, "
                f"or take only its beginning with --frames {read}."
            )
        if file.damaged:
            raise InputError(
                f"video {self.path} is damaged: {file.damaged} of {read + file.damaged} frames "
                "cannot be decoded; repair it."
            )


class VideoReader:
    """A video by frame numbers. One thread at a time.

    The time of every packet is read once (nothing is decoded). A seek goes to the last key frame
    before the goal, and the time of each decoded frame tells which one it is.

    Args:
        path: a file that FFmpeg can read, with at least one frame.

    Attributes:
        path: the file.
        count: number of frames; becomes smaller when the file turns out to break off, but not for a
            frame that is damaged while later ones are not.
        fps: frames a second, on average.
        size: height and width in pixels.

    Raises:
        InputError: the file is missing, is no video, has no decoder or breaks off before its first
            frame, or PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._file = _VideoFile(self.path)
        self.fps = self._file.fps
        index = self._file.index()
        self._times, self._keys, self.count = index.times, index.keys, index.count
        self._next = 0  # the frame after the one that was decoded last
        self._frames: Iterator[VideoFrame]
        self._seek(None)
        first = next(self._frames, None)
        if first is None:
            self.close()
            raise self._file.no_frame()
        hidden = self._number(first)  # frames before the first that is shown
        self._times = self._times[hidden:]
        self.count = max(self.count - hidden, 1)
        self._next = 1
        rgb = self._file.rgb(first)
        self.size: tuple[int, int] = (rgb.shape[0], rgb.shape[1])
        self._last: tuple[int, Frame] | None = (0, rgb)

    def read(self, index: int) -> Frame:
        """Read one frame; the one after the last is the fastest.

        Args:
            index: 0 to `count` - 1.

        Returns:
            RGB, uint8 of shape (h, w, 3), new or the same array as the last time; do not write
            into it.

        Raises:
            InputError: there is no such frame, or it cannot be read.
        """
        if not 0 <= index < self.count:
            raise InputError(
                f"video {self.path} has {self.count} frames; give 0 to {self.count - 1}, "
                f"not {index}."
            )
        if self._last is None or self._last[0] != index:
            self._last = None
            rgb = self._file.rgb(self._decoded(index))
            if rgb.shape[:2] != self.size:
                raise InputError(
                    f"frame {index} of video {self.path} is {rgb.shape[1]} x {rgb.shape[0]} but "
                    f"the first is {self.size[1]} x {self.size[0]}; cut the video there."
                )
            self._last = (index, rgb)
        return self._last[1]

    def close(self) -> None:
        """Let go of the file; nothing can be read any more."""
        self._file.close()
        self._last = None
        self._frames = iter(())

    def _decoded(self, index: int) -> "VideoFrame":
        """Decode a frame, from here on or from a key frame before it."""
        keys = self._keys_before(index)
        nearest = [key.time for key in keys[:-3:-1]]
        # MPEG-TS, among others, looks for the times of decoding.
        starts = [*nearest, *(key.decoded for key in keys[:-3:-1]), None]
        passed = self._is_ahead(index, starts[0])  # no frame between here and the goal is skipped
        for start in starts:
            if not passed:
                self._seek(start, keys)
            passed = passed or start is None
            for frame in self._frames:
                number = self._number(frame)
                self._next = number + 1
                if number == index:
                    return frame
                if number > index:
                    break
                passed = True
            else:
                if passed:
                    self.count = max(self._next, 1)
                    raise InputError(
                        f"video {self.path} breaks off after {self.count} frames; frame {index} "
                        "cannot be read."
                    )
            if passed:
                break
        raise InputError(
            f"frame {index} of video {self.path} cannot be read: it is damaged; choose another."
        )

    def _keys_before(self, index: int) -> "list[_Key]":
        """Key frames from which a frame can be decoded; none where only the beginning will do."""
        if not self._times:
            return []
        return self._keys[: bisect_right(self._keys, self._times[index], key=lambda key: key.time)]

    def _is_ahead(self, index: int, start: int | None) -> bool:
        """Whether going on from here is no longer than beginning at `start`."""
        if self._next > index:
            return False
        if start is None:
            return True
        return start <= self._times[self._next]

    def _seek(self, start: int | None, keys: "Sequence[_Key]" = ()) -> None:
        self._next = 0
        if start is None:
            self._file.close()
            self._file = _VideoFile(self.path)
        packets = self._file.packets() if start is None else self._file.seek(start, keys)
        self._frames = iter(()) if packets is None else self._file.frames(packets)

    def _number(self, frame: "VideoFrame") -> int:
        """Which frame it is: by its time, or by counting from the beginning."""
        time = frame.pts
        if not self._times or time is None:
            return self._next
        after = bisect_left(self._times, time)
        nearby = range(max(after - 1, 0), min(after + 1, len(self._times)))
        return min(nearby, key=lambda number: abs(self._times[number] - time))


class _Key(NamedTuple):
    """When a key frame is shown and decoded, in ticks, and the bytes of its packet."""

    time: int
    decoded: int
    size: int


@dataclass(frozen=True)
class _Index:
    """What the packets of a file tell.

    Attributes:
        count: number of frames.
        times: when each frame is shown, ascending, in ticks of the stream; empty if not every frame
            has a time of its own, so that frames can only be counted from the beginning.
        keys: the key frames, in order; empty if their times are not known.
    """

    count: int
    times: list[int]
    keys: list[_Key]


class _VideoFile:
    """An open file, whose frames are decoded in the order in which they are shown.

    Threads within a frame only: with a frame per thread, what a damaged file gives would depend on
    the number of cores.

    Attributes:
        fps: frames a second, on average.
        announced: number of frames that the file claims to have; 0 if it claims nothing.
        damaged: packets from the first key frame on that could not be decoded so far.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._av, self.damaged = path, import_av(), 0
        if not path.is_file():
            raise InputError(f"video {path} does not exist.")
        no_video = InputError(f"video {path} cannot be read; it is corrupt or no video.")
        try:
            # "a:b.mp4" would be a protocol, and a playlist may name what is elsewhere.
            self._container = self._av.open(path.absolute(), options={"protocol_whitelist": "file"})
        except (self._av.FFmpegError, UnicodeError) as error:
            raise no_video from error
        stream: VideoStream | None = self._container.streams.best("video")
        if stream is None:
            sound = any(one.type == "audio" for one in self._container.streams)
            self.close()
            raise InputError(f"{path} holds sound but no video.") if sound else no_video
        if not stream.codec_context:
            self.close()
            raise InputError(
                f"the codec of video {path} cannot be decoded here; convert it, to H.264 for example."
            )
        self._codec = stream.codec_context.name
        self._stream, self._tick = stream, stream.time_base or Fraction(1, 10**6)
        rate = stream.guessed_rate or stream.average_rate or 25
        self.fps = float(rate)
        seconds = Fraction(self._container.duration or 0, 10**6)
        if stream.duration is not None:
            seconds = stream.duration * self._tick
        self.announced = stream.frames or round(seconds * rate)
        self._scaler = self._av.video.reformatter.VideoReformatter()

    def no_frame(self) -> InputError:
        """What is wrong with a file none of whose frames can be decoded."""
        return InputError(
            f"video {self._path} holds no frame that can be read: it is corrupt, or there is no decoder "
            f"for its codec ({self._codec}) here; convert it, to H.264 for example."
        )

    def warn(self, frame: "VideoFrame") -> None:
        """Say what of a frame is not shown."""
        shape = self._stream.sample_aspect_ratio
        if shape and shape != 1:
            _say(
                f"its pixels are not square ({shape.numerator}:{shape.denominator}) and used as they are",
                self._path,
            )
        if any(part.is_alpha for part in frame.format.components):
            _say(ALPHA, self._path)

    def index(self) -> _Index:
        """Read all packets without decoding any; afterwards only `seek` leads back."""
        packets = [(p.pts, p.dts, p.size, p.is_keyframe, p.is_discard) for p in self.packets()]
        first = next((number for number, (*_, key, _) in enumerate(packets) if key), 0)
        packets = packets[first:]  # those before a key frame cannot be decoded
        shown = [time for time, *_, hidden in packets if not hidden]  # an edit list hides some
        times = sorted({time for time in shown if time is not None})
        keys = sorted(
            _Key(time, time if decoded is None else decoded, size)
            for time, decoded, size, key, _ in packets
            if key and time is not None
        )
        # AVI files have no times: FFmpeg numbers the packets, which are not in order of showing.
        # In MPEG-PS few packets have one; the others' are guessed, after a seek otherwise.
        kind = self._container.format.name
        numbered = kind == "avi" and shown == times and self._stream.codec_context.has_b_frames
        if len(times) < len(shown) or numbered or kind == "mpeg":
            return _Index(len(shown), [], [])
        return _Index(len(shown), times, keys)

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Packets up to the end, or to where no more can be read."""
        with suppress(self._av.FFmpegError):
            for packet in self._container.demux(self._stream):
                # An empty one would end the decoding; within a corrupt one, the file ends.
                if packet.size and not packet.is_corrupt:
                    yield packet

    def frames(self, packets: "Iterator[Packet[VideoStream]]") -> "Iterator[VideoFrame]":
        """Decode these packets up to the end; what cannot be decoded is left out."""
        decode, begun = self._stream.codec_context.decode, False
        for packet in chain(packets, [None]):  # None gives what the decoder still holds
            begun = begun or (packet is not None and packet.is_keyframe)
            try:
                frames = decode(packet)
            except self._av.FFmpegError:
                self.damaged += begun
                continue
            yield from frames

    def seek(self, time: int, keys: "Sequence[_Key]") -> "Iterator[Packet[VideoStream]] | None":
        """Go to the last key frame that is not later than `time`.

        Returns:
            The packets from there on; None where the file cannot do that or led to none of these key
            frames: behind the goal, to another kind of frame, or to times that are guessed.
        """
        packets = self.packets()
        with suppress(self._av.FFmpegError):
            self._container.seek(time, stream=self._stream)
            first = next(packets, None)
            if first is not None and any(
                (first.pts, first.size) == (key.time, key.size) for key in keys
            ):
                return chain([first], packets)
        return None

    def rgb(self, frame: "VideoFrame") -> Frame:
        """The pixels of a frame as they are shown, uint8 (h, w, 3).

        What is not 8-bit sRGB is brought there as OpenCV does, which asks swscale for BGR.
        """
        standard = {}
        if frame.color_trc in HDR_CURVES or frame.color_primaries in WIDE_GAMUTS:
            standard = {"dst_color_trc": BT709, "dst_color_primaries": BT709}
        try:
            converted = self._scaler.reformat(
                frame, format="bgr24", interpolation="BICUBIC", threads=1, **standard
            )
        except self._av.FFmpegError as error:
            raise InputError(
                f"video {self._path} has pixels of a kind that cannot be converted "
                f"({frame.format.name}); convert it, to H.264 for example."
            ) from error
        rgb: Frame = cv2.cvtColor(converted.to_ndarray(), cv2.COLOR_BGR2RGB)
        turns = round(frame.rotation / 90)  # phones write how they were held
        return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()


def _say(what: str, path: Path) -> None:
    warnings.warn(InputWarning(what, path), stacklevel=2)


def _is_cut_off(path: Path) -> bool:
    """Whether a file is shorter than its outermost parts (of Matroska, AVI, MP4) say."""
    at, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while at + 16 <= size:
            file.seek(at)
            head = file.read(16)
            if head[:4] in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):  # EBML head, segment
                width = 9 - head[4].bit_length()
                length = int.from_bytes(head[4 : 4 + width], "big") & ((1 << 7 * width) - 1)
                if length == (1 << 7 * width) - 1:  # unknown: to the end
                    return False
                at += 4 + width + length
            elif head[:4] == b"RIFF" and head[4:8] != bytes(4):
                at += 8 + int.from_bytes(head[4:8], "little")
            elif head[4:8].isalnum():
                length = int.from_bytes(head[:4], "big")
                if length == 1:
                    length = int.from_bytes(head[8:], "big")
                if length < 8:  # 0: to the end
                    return False
                at += length
            else:
                return False
    return at > size


def import_av() -> Any:
    """PyAV, which is loaded when the first video is opened.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError(
            f"videos need PyAV ({error}): pip install 'art-segplugin[video]'."
        ) from error
    return av


class VideoWriter:
    """Writes RGB frames to a file; the suffix chooses the codec. Use it in a `with` block.

    Not atomic: wrap the path in `files.replacing`.

    Args:
        path: file that ends in one of CODECS.
        fps: frames a second.

    Raises:
        InputError: another suffix; at the first frame, the encoder refuses or a side is odd; at a
            later one, its size is another; at the end, not all frames can be read back, for
            instance because the disk is full; PyAV, which reads them back, is not installed.
    """

    def __init__(self, path: Path, fps: float) -> None:
        check_video_suffix(path.suffix)
        import_av()
        self.path, self.fps, self.written = path, fps, 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: Frame) -> None:
        """Add one frame, uint8 (h, w, 3), of the size of the first."""
        if self._writer is not None and (frame.shape[1], frame.shape[0]) != self._size:
            # OpenCV would leave such a frame out and say nothing.
            raise InputError(
                f"frame {self.written} is {frame.shape[1]} x {frame.shape[0]} and the first was "
                f"{self._size[0]} x {self._size[1]}; give all frames one size."
            )
        if self._writer is None:
            codec = CODECS[self.path.suffix]
            size = self._size = (frame.shape[1], frame.shape[0])
            if size[0] % 2 or size[1] % 2:
                raise InputError(f"frames are {size[0]} x {size[1]}; {codec} needs even sides.")
            fourcc = cv2.VideoWriter.fourcc(*codec)
            self._writer = cv2.VideoWriter(str(self.path), fourcc, self.fps, size)
            if not self._writer.isOpened():
                raise InputError(f"OpenCV here cannot write {codec} to {self.path}.")
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        self.written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if failure is None and (read := _readable_frames(self.path)) < self.written:
            # OpenCV reports no failed write, so the file itself is asked.
            raise InputError(
                f"only {read} of {self.written} frames could be written; is the disk full?"
            )


def check_video_suffix(suffix: str) -> None:
    """Refuse what cannot be written.

    Raises:
        InputError: the suffix is not in CODECS.
    """
    if suffix not in CODECS:
        raise InputError(f"videos are written as {', '.join(CODECS)}, not as {suffix!r}.")


def _readable_frames(path: Path) -> int:
    try:
        file = _VideoFile(path)
    except InputError:
        return 0
    count = sum(1 for _ in file.packets())
    file.close()
    return count
