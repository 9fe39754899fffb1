"""How long a seek in a video takes, and how long the app's window waits for it.

Random seeks, each checked against reading from the start: through the library's `VideoReader`, and
through the app's source thread from `show` to the busy signal and to the frame. No frame is asked
for twice, so that the app's cache does not help. The FFV1 clips are made here; OpenCV has no H.264
encoder, so such a file has to be given.

    python benchmarks/gui_seek.py
    python benchmarks/gui_seek.py --video clip.mp4 --seeks 500
"""

import argparse
import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from PySide6.QtCore import QCoreApplication, QEventLoop

from art_segplugin.data.resampling import resized_picture
from art_segplugin.data.scenes import CameraDrive
from art_segplugin.data.video import Video, VideoReader, VideoWriter
from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.session.sources.opening import open_source


def make_clips(folder, count, videos):
    """FFV1, 480 x 360: a rendered drive with the noise of its sensor, and a copy of each video."""
    contents = {"drive": (sample_frame(sample) for sample in CameraDrive(count, seed=0))}
    for video in videos:
        contents[video.stem] = (resized_picture(f, 360, 480) for f in islice(Video(video), count))
    for name, frames in contents.items():
        path = folder / f"{name}.ffv1.mkv"
        with VideoWriter(path, 12) as writer:
            for frame in frames:
                writer.write(frame)
        yield path


def sample_frame(sample):
    return sample.image.mul(255).round().byte().movedim(0, -1).numpy()


def line(what, seconds):
    p50, p95, largest = 1000 * np.array([*np.percentile(seconds, [50, 95]), max(seconds)])
    print(f"  {what:34} p50 {p50:7.2f}   p95 {p95:7.2f}   max {largest:7.2f} ms", flush=True)


def seek(path, order):
    start = time.perf_counter()
    reader = VideoReader(path)
    opening = time.perf_counter() - start
    height, width = reader.size
    print(
        f"{path.name}: {reader.count} frames, {path.stat().st_size / 1000 / reader.count:.0f} kB each, {width} x {height}, opened in {opening * 1000:.0f} ms"
    )
    times, digests = [], {}
    for index in order:
        start = time.perf_counter()
        frame = reader.read(index)
        times.append(time.perf_counter() - start)
        digests[index] = hash(frame.tobytes())
    reader.close()
    line("VideoReader.read, random", times)
    wrong = sum(
        hash(frame.tobytes()) != digests[index]
        for index, frame in enumerate(Video(path))
        if index in digests
    )
    print(f"  {'frames that are other frames':34} {wrong} of {len(digests)}", flush=True)


def seek_in_the_app(path, order):
    thread, came = SourceThread(open_source), {}
    for name in ("busy", "frame", "failed"):
        signal = getattr(thread, name)
        signal.connect(lambda value, name=name: came.setdefault(name, (time.perf_counter(), value)))
    thread.open(str(path), None)

    def wait():
        while "frame" not in came and "failed" not in came:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        assert "failed" not in came, came["failed"][1]

    wait()
    to_busy, to_frame = [], []
    for index in order:
        QCoreApplication.processEvents()
        came.clear()
        start = time.perf_counter()
        thread.show(index)
        wait()
        assert came["busy"][1] is True
        assert came["frame"][1].index == index
        to_busy.append(came["busy"][0] - start)
        to_frame.append(came["frame"][0] - start)
    thread.close()
    line("source thread, show to busy", to_busy)
    line("source thread, show to frame", to_frame)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, action="append", default=[], help="another file")
    parser.add_argument("--seeks", type=int, default=300)
    parser.add_argument("--frames", type=int, default=120, help="of the FFV1 clips")
    given = parser.parse_args()
    application = QCoreApplication([])
    with tempfile.TemporaryDirectory() as folder:
        for path in (*make_clips(Path(folder), given.frames, given.video), *given.video):
            count = VideoReader(path).count
            order = np.random.default_rng(0).permutation(count)[: given.seeks].tolist()
            seek(path, order)
            seek_in_the_app(path, order)
    del application


if __name__ == "__main__":
    main()
