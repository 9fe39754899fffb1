"""What goes from the source and the models to the window: NumPy arrays that nobody writes into again."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from art_segplugin.scores import Scores
from art_segplugin_gui.session.identity import NOTHING, FrameId, Hashes, Identity

Picture = NDArray[np.uint8]
"""RGB, uint8 (h, w, 3)."""
ClassMap = NDArray[np.uint8]
"""Class index of every pixel, uint8 (h, w); 255 is void."""
PixelMap = NDArray[np.uint8]
"""A share of every pixel, uint8 (h, w): 0 is 0, 255 is 1."""

VOID = 255
_versions = count()


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """One picture as its source gave it.

    Attributes:
        name: for titles and file names, without a suffix.
        index: position in the source.
        image: RGB, uint8 (h, w, 3).
        labels: true classes, uint8 (h, w), 255 for void; None where there are none.
        origin: where it comes from, as JSON can hold it.
        warning: one sentence on what could not be used, such as a label map of another size.
        classes: what the labels name, in order; empty where nobody knows.
        plain: the labels are the values of a file, and nobody said that they mean another class.
        label_line: how the labels were read, and what they are, for people; empty without any.
        version: counts all images that are made, a changed copy of one too.
    """

    name: str
    index: int
    image: Picture
    labels: ClassMap | None = None
    origin: dict[str, Any] = field(default_factory=dict)
    warning: str = ""
    classes: tuple[str, ...] = ()
    plain: bool = False
    label_line: str = ""
    version: int = field(default_factory=_versions.__next__, init=False)

    @property
    def id(self) -> FrameId:
        """What tells it from every other image."""
        return FrameId(str(self.origin.get("spec", "")), self.index, self.version)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model says about one image, clean or adversarial.

    Attributes:
        image: what the model was shown, as 8 bits.
        prediction: predicted classes.
        confidence: softmax probability of the predicted class; None where it was not computed.
        reference: classes that count as right: the labels, or the model's clean prediction.
        scores: against the reference.
        exact: what the model was shown, float32 (3, h, w) in [0, 1]; None for a clean image.
        delta: ten times the perturbation around middle grey, RGB; None for a clean image.
        weights: how much each pixel counts in the next step, at the end in the last one, over the
            largest; None where no attack is made against this model.
    """

    image: Picture
    prediction: ClassMap
    confidence: PixelMap | None
    reference: ClassMap
    scores: Scores
    exact: NDArray[np.float32] | None = None
    delta: Picture | None = None
    weights: PixelMap | None = None

    @property
    def distance(self) -> float:
        """Size of the perturbation in the attack's norm."""
        return self.scores.distance

    @property
    def held(self) -> list[NDArray[Any]]:
        """Arrays kept for this side: a clean image is its source's, the reference the clean side's."""
        arrays = (self.prediction, self.confidence, self.exact, self.delta, self.weights)
        own = [] if self.exact is None else [self.image]
        return own + [array for array in arrays if array is not None]


@dataclass(frozen=True, eq=False)
class Event:
    """What the worker is told by the engine.

    Attributes:
        rev: revision of the request; 0 of what the worker has to say itself.
    """

    rev: int
    last: ClassVar[bool] = False
    """Whether nothing more comes for the request."""


@dataclass(frozen=True, eq=False)
class Clean(Event):
    """Both models on the picture itself.

    Attributes:
        labelled: the reference is the labels; else every number is "vs clean prediction".
        a: the first model.
        b: the second model, None where there is none.
        classes: names of the classes.
        colours: their colours, RGB 0..255.
        warning: one sentence on what could not be used, such as labels that are no classes.
        identity: what they are predictions of.
    """

    labelled: bool
    a: Prediction
    b: Prediction | None
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    warning: str = ""
    identity: Identity = NOTHING

    @property
    def sha256(self) -> Hashes:
        """Of the models' files as they were when they were loaded."""
        return self.identity.sha256


@dataclass(frozen=True, eq=False)
class Step(Event):
    """One visited point of the attack.

    Attributes:
        number: points seen before this one, through all restarts: 0 is the start.
        total: number of the last point.
        a: the first model, under attack.
        b: the second model: under the same image (transfer), or under its own attack.
        seconds: time per step so far, without what it takes to show them.
        answer: this is what the attack answers; nothing comes after it.
        identity: of the run.
    """

    number: int
    total: int
    a: Prediction
    b: Prediction | None
    seconds: float
    answer: bool = False
    identity: Identity = NOTHING


@dataclass(frozen=True, eq=False)
class Faded(Event):
    """The adversarial image at another strength.

    Attributes:
        share: 0 is the clean image, 1 the adversarial one, above 1 beyond the attack's radius.
        a: the first model.
        b: the second model, None where there is none.
        identity: of the run.
        number: of its point.
    """

    share: float
    a: Prediction
    b: Prediction | None
    identity: Identity = NOTHING
    number: int = 0


@dataclass(frozen=True)
class Progress(Event):
    """Something to read while waiting, such as "loading small-scenes" or a download.

    Attributes:
        text: one line.
        share: how much is done, 0..1; None where nobody knows.
    """

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Failed(Event):
    """The request came to nothing; the worker lives on.

    Attributes:
        text: one sentence on what happened and what to do.
        details: the traceback, for the log; empty where the sentence says it all.
    """

    text: str
    details: str = ""


@dataclass(frozen=True)
class Stopped(Event):
    """The request was cancelled."""


@dataclass(frozen=True)
class Idle(Event):
    """Nothing more comes for this request.

    Attributes:
        paused: the run can be resumed.
    """

    last = True
    paused: bool = False
