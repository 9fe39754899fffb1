"""Every code block of the README runs."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from selfie_files import archive_or_skip

from art_segplugin.cli import main
from art_segplugin.data.palettes import PALETTES
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.data.video import VideoWriter
from art_segplugin.models import (
    CheckpointInfo,
    Segmenter,
    SmallSegNet,
    downloads,
    save_checkpoint,
)

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [
    line.split("#")[0].strip()
    for language, code in BLOCKS
    if language == "bash"
    for line in code.replace("\\\n", " ").splitlines()
    if line.split("#")[0].strip()
]
SMALLER = {  # appended to the commands: later options win
    "demo": ["--count", "1"],
    "attack": ["--scale", "0.5", "--steps", "1", "--frames", "1"],
    "evaluate": ["--count", "1", "--scale", "0.5", "--seeds", "1", "--pictures", "0"],
    "diagnose": ["--count", "2", "--scale", "0.5"],
    "adjust": ["--count", "1", "--scale", "0.25", "--attack", "pgd-1", "--rounds", "1"],
    "train": ["--steps", "1", "--count", "2", "--val-count", "1", "--scale", "0.5",
              "--batch-size", "2", "--crop", "36x48"],
}  # fmt: skip


def test_only_known_languages():
    assert {language for language, _ in BLOCKS} == {"python", "bash"}
    assert len(PYTHON) >= 4
    assert len(COMMANDS) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.fixture
def files(tmp_path):
    """Everything that the commands of the README name."""
    scene = SceneDataset(1, "test", (90, 120), renderer="numpy")[0]
    picture = (scene.image.movedim(0, -1).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "street.png")
    (tmp_path / "photos").mkdir()
    Image.fromarray(picture).save(tmp_path / "photos" / "a.png")
    with VideoWriter(tmp_path / "drive.mkv", 10) as writer:
        writer.write(picture)
    for split in ("train", "val"):
        for folder, suffix in ((split, "jpg"), (f"{split}annot", "png")):
            (tmp_path / "CamVid" / folder).mkdir(parents=True)
            for i in range(2):
                labels = np.full(picture.shape[:2], i, np.uint8)
                image = picture if suffix == "jpg" else labels
                Image.fromarray(image).save(tmp_path / "CamVid" / folder / f"{i}.{suffix}")
    camvid = PALETTES["camvid"]
    network = Segmenter(SmallSegNet(len(camvid), width=6), classes=len(camvid))
    options = {"classes": len(camvid), "width": 6}
    info = CheckpointInfo("small", camvid.classes, camvid.colours, options)
    save_checkpoint(tmp_path / "runs" / "camvid" / "best.safetensors", network, info)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("art-segplugin")])
def test_command(command, files, monkeypatch):
    monkeypatch.chdir(files)
    if "selfie" in command:
        archive = files / "archive.tgz"
        archive.write_bytes(archive_or_skip())
        monkeypatch.setenv("XDG_CACHE_HOME", str(files / "cache"))
        downloads.fetch("selfie", archive)
        Image.fromarray(skimage.data.astronaut()).save(files / "astronaut.png")
    command = command.replace("PATH", "CamVid")
    _, name, *arguments = shlex.split(command)
    arguments = [re.sub(r"^([a-z]+-\d)\d*$", r"\1", a) for a in arguments]
    monkeypatch.setattr(sys, "argv", ["art-segplugin", name, *arguments, *SMALLER.get(name, [])])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code


def test_other_commands():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    others = [shlex.split(c) for c in COMMANDS if not c.startswith("art-segplugin")]
    for program, *arguments in others:
        if program == "make":
            assert arguments[0] in targets
        elif program == "pip":
            assert arguments[0] == "install"
        else:
            assert program == "python"
            assert (ROOT / arguments[0]).is_file()


def test_links_and_pictures_exist():
    text = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
