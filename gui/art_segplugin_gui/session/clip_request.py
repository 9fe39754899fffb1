"""What the window asks for and hears while a clip is attacked; knows no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from art_segplugin.scores import Scores
from art_segplugin_gui.session.frames import Event, Prediction, SourceFrame
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.state import Attack, Models

if TYPE_CHECKING:
    from art_segplugin_gui.session.request import EngineLike


@dataclass(frozen=True, eq=False)
class ClipRequest:
    """Attack the pictures of a source one after the other, and write what comes of it.

    Attributes:
        rev: revision.
        spec: the source, see `Source.spec`; no camera.
        models: which models.
        attack: how to attack.
        out: folder for everything that is written; made if missing.
        first: first picture.
        last: last picture; None for the source's last.
        longest_side: larger pictures are scaled down to so many pixels; None for never.
        warm_start: each attack begins with the perturbation of the picture before.
        video_suffix: one of `data.video.CODECS`; all but ".mkv" are lossy.
        side_by_side: write a video of the clean and the adversarial predictions side by side.
        overlay: write a video of the adversarial predictions over their images.
        anew: begin again, even where pictures of an unfinished clip are in the folder.
    """

    rev: int
    spec: str
    models: Models
    attack: Attack
    out: Path
    first: int = 0
    last: int | None = None
    longest_side: int | None = 640
    warm_start: bool = False
    video_suffix: str = ".mkv"
    side_by_side: bool = True
    overlay: bool = True
    anew: bool = False

    def run(self, engine: "EngineLike", token: CancelToken) -> Iterator[Event]:
        """Have it answered; the last event is Idle."""
        return engine.attack_clip(self, token)


@dataclass(frozen=True, eq=False)
class ClipSide:
    """One model on one picture of the clip.

    Attributes:
        clean: on the picture itself.
        adversarial: on the adversarial image of 8 bits, as it is written.
    """

    clean: Prediction
    adversarial: Prediction


@dataclass(frozen=True, eq=False)
class ClipFrame(Event):
    """One picture is done.

    Attributes:
        index: position of the picture in the source.
        done: pictures done, this one included.
        total: pictures in all.
        seconds_left: until the last picture is done; None where nobody knows yet.
        scores: of the picture by the names "A clean", "A exact" (the attack's answer) and "A 8-bit"
            (the answer as it is written), likewise of B.
        pooled: over all pictures so far, by the same names.
        frame: the picture; None where it was done by an earlier run.
        a: the first model, None likewise.
        b: the second model; None where there is none too.
        classes: names of the classes, empty where no picture was attacked yet.
    """

    index: int
    done: int
    total: int
    seconds_left: float | None
    scores: Mapping[str, Scores]
    pooled: Mapping[str, Scores]
    frame: SourceFrame | None = None
    a: ClipSide | None = None
    b: ClipSide | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipDone(Event):
    """The clip is done and everything is written.

    Attributes:
        written: all files, the adversarial video first and the `repro.json` last.
        scores: over the whole clip, by the same names.
        lossy: the videos are not for re-evaluation.
    """

    written: tuple[Path, ...]
    scores: Mapping[str, Scores] = field(default_factory=dict)
    lossy: bool = False
