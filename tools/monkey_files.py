"""Good and bad files for the monkey to open."""

import numpy as np
from monkey_home import HOME
from PIL import Image

from art_segplugin.data.video import VideoWriter
from art_segplugin_gui.session.saving import save_state
from art_segplugin_gui.session.state import State


def make_files() -> list[str]:
    """Good and bad things to open."""
    folder = HOME / "files"
    folder.mkdir()
    noise = np.random.default_rng(0)
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(3):
        pixels = noise.integers(0, 255, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{number}.png")
    (pictures / "bad.png").write_bytes(b"no picture")
    Image.fromarray(noise.integers(0, 255, (700, 500, 3), dtype=np.uint8)).save(folder / "big.jpg")
    Image.new("RGB", (1, 1)).save(folder / "one-pixel.png")
    with VideoWriter(folder / "clip.mkv", 12) as writer:
        for _ in range(15):
            writer.write(noise.integers(0, 255, (96, 128, 3), dtype=np.uint8))
    whole = (folder / "clip.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (folder / "bad.mp4").write_bytes(b"no video" * 50)
    (folder / "bad.safetensors").write_bytes(b"no weights" * 50)
    (folder / "bad.json").write_text("{")
    (folder / "text.txt").write_text("text")
    (folder / "empty").mkdir()
    save_state(folder / "good.segstudio.json", State())
    return [str(path) for path in sorted(folder.iterdir())] + [str(folder / "missing.png")]
