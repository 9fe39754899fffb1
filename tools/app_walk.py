"""Walks through the app on a real X window with xdotool, as a user would, and keeps pictures.

sh tools/x_session.sh -s 1280x720 python tools/app_walk.py --size 1280x720 --video drive.mp4
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from art_segplugin.data.scenes import SceneDataset

STEP_SECONDS = 6.0
"""Enough for a whole attack of 20 steps on two cores."""


class Walk:
    """One window and the keys and clicks it is sent.

    Args:
        size: width and height of the screen.
        out: folder of the pictures.
        prefix: put before their names.
    """

    def __init__(self, size: tuple[int, int], out: Path, prefix: str = "") -> None:
        self.width, self.height = size
        self.out, self.prefix = out, prefix
        self.work = Path(tempfile.mkdtemp())
        environment = os.environ | {"XDG_CONFIG_HOME": str(self.work), "HOME": str(self.work)}
        command = [sys.executable, "-m", "art_segplugin_gui", "--size", f"{size[0]}x{size[1]}"]
        self.app = subprocess.Popen([*command, "--theme", "dark"], env=environment)
        self.window = self._find()
        self.do("windowactivate", "--sync", self.window)
        self.do("windowsize", "--sync", self.window, str(size[0]), str(size[1]))
        self.do("windowmove", "--sync", self.window, "0", "0")
        self.wait(2 * STEP_SECONDS)

    def _find(self) -> str:
        for _ in range(120):
            found = subprocess.run(
                ["xdotool", "search", "--onlyvisible", "--name", "^art-segplugin"],
                capture_output=True, text=True, check=False,
            ).stdout.split()  # fmt: skip
            if found:
                return found[0]
            time.sleep(0.25)
        raise SystemExit("no window appeared")

    def do(self, *words: str) -> None:
        """Call xdotool."""
        subprocess.run(["xdotool", *words], check=True)

    def key(self, *keys: str, wait: float = 0.3) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.do("key", "--clearmodifiers", key)
            time.sleep(wait)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.do("type", "--delay", "8", text)

    def wait(self, seconds: float = STEP_SECONDS) -> None:
        """Wait, and see that the app is still there."""
        time.sleep(seconds)
        if self.app.poll() is not None:
            raise SystemExit(f"the app ended with {self.app.returncode}")

    def shot(self, name: str) -> None:
        """Keep a picture of the screen, which must show something."""
        whole = self.work / "screen.png"
        subprocess.run(["import", "-window", "root", str(whole)], check=True)
        picture = Image.open(whole).convert("RGB")
        assert np.asarray(picture).std() > 10, f"{name} is empty"
        path = self.out / f"{self.prefix}{name}.jpg"
        picture.save(path, quality=85)
        print(path)

    def open(self, key: str, path: Path) -> None:
        """Answer a file dialog by typing the path."""
        self.key(key, wait=1.5)
        self.type(str(path))
        self.key("Return")
        self.wait()

    def close(self) -> None:
        """Quit by the menu's key, and see that the process ends."""
        self.do("windowactivate", "--sync", self.window)
        self.key("ctrl+q")
        status = self.app.wait(10)
        shutil.rmtree(self.work)
        assert status == 0, f"the app ended with {status}"


def walk(window: Walk, video: Path | None) -> None:
    """All states that are worth a picture."""
    window.shot("scene-attacked")
    window.key("3")
    window.wait(1)
    window.shot("error")
    window.key("7")
    window.wait(1)
    window.shot("perturbation")
    window.key("2", "d")
    window.wait(1)
    window.key("Escape")
    window.wait(1)
    window.shot("cancelled")
    window.key("r", wait=1.0)
    window.key("Escape", wait=1.0)
    for _ in range(3):
        window.key("period", wait=1.0)
    window.shot("stepped")
    window.key("r")
    window.wait()
    for _ in range(5):
        window.key("braceleft", wait=0.8)
    window.shot("faded")
    window.key("ctrl+z", wait=1.0)
    window.key("c")
    window.wait(2 * STEP_SECONDS)
    window.shot("compared")
    window.do("mousemove", str(round(0.42 * window.width)), str(round(0.3 * window.height)))
    for _ in range(4):
        window.do("click", "4")  # the wheel: all panes come closer
    window.wait(1)
    window.shot("zoomed")
    window.key("f", "c")
    window.wait()
    picture = window.work / "street.png"
    sample = SceneDataset(8, "val")[7]
    Image.fromarray((sample.image * 255).round().byte().movedim(0, -1).numpy()).save(picture)
    window.open("ctrl+o", picture)
    window.shot("image")
    if video is not None:
        window.open("ctrl+o", video)
        window.shot("video")
        window.key("space")
        window.wait(3 * STEP_SECONDS)
        window.key("space")
        window.wait()
        window.shot("video-played")
    window.key("ctrl+e", wait=1.5)
    window.key("ctrl+a")
    window.type(str(window.work / "exported"))
    window.shot("export")
    window.key("Return")
    window.wait()
    names = sorted(path.name for path in (window.work / "exported").iterdir())
    assert {"repro.json", "figure.png", "classes.csv", "adversarial.png"} <= set(names), names
    window.key("ctrl+shift+t")
    window.wait(1)
    window.shot("light")
    window.key("ctrl+shift+t", "F1", wait=1.0)
    window.shot("keys")
    window.key("Escape", "F11", wait=1.0)
    window.wait(2)
    window.shot("demo")
    window.key("F11", wait=1.0)


def main() -> None:
    """Walk, quit, and see that the process ended well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--out", type=Path, default=Path("docs/images/app"))
    parser.add_argument("--prefix", default="")
    parser.add_argument("--video", type=Path)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    given.out.mkdir(parents=True, exist_ok=True)
    window = Walk((width, height), given.out, given.prefix)
    try:
        walk(window, given.video and given.video.resolve())
        window.close()
    finally:
        window.app.kill()


if __name__ == "__main__":
    main()
