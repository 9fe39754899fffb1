"""What goes from the source and the models to the window: NumPy arrays that nobody writes into again."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from art_segplugin.scores import Scores

Picture = NDArray[np.uint8]
"""RGB, uint8 (h, w, 3)."""
ClassMap = NDArray[np.uint8]
"""Class index of every pixel, uint8 (h, w); 255 is void."""
PixelMap = NDArray[np.uint8]
"""A share of every pixel, uint8 (h, w): 0 is 0, 255 is 1."""

VOID = 255


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
    """

    name: str
    index: int
    image: Picture
    labels: ClassMap | None = None
    origin: dict[str, Any] = field(default_factory=dict)
    warning: str = ""
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Side:
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
class Clean:
    """Both models on the picture itself.

    Attributes:
        rev: revision of the request.
        labelled: the reference is the labels; else every number is "vs clean prediction".
        a: the first model.
        b: the second model, None where there is none.
        classes: names of the classes.
        colours: their colours, RGB 0..255.
        warning: one sentence on what could not be used, such as labels that are no classes.
        sha256: of the files of A and B as they were when they were loaded; None for no file.
    """

    rev: int
    labelled: bool
    a: Side
    b: Side | None
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    warning: str = ""
    sha256: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True, eq=False)
class Step:
    """One visited point of the attack.

    Attributes:
        rev: revision of the request.
        number: points seen before this one, through all restarts: 0 is the start.
        total: number of the last point.
        a: the first model, under attack.
        b: the second model: under the same image (transfer), or under its own attack.
        seconds: time per step so far, without what it takes to show them.
        answer: this is what the attack answers; nothing comes after it.
    """

    rev: int
    number: int
    total: int
    a: Side
    b: Side | None
    seconds: float
    answer: bool = False


@dataclass(frozen=True, eq=False)
class Faded:
    """The adversarial image at another strength.

    Attributes:
        rev: revision of the request.
        share: 0 is the clean image, 1 the adversarial one, above 1 beyond the attack's radius.
        a: the first model.
        b: the second model, None where there is none.
    """

    rev: int
    share: float
    a: Side
    b: Side | None


@dataclass(frozen=True)
class Told:
    """Something to read while waiting, such as "loading small-scenes" or a download.

    Attributes:
        rev: revision of the request.
        text: one line.
        share: how much is done, 0..1; None where nobody knows.
    """

    rev: int
    text: str
    share: float | None = None


@dataclass(frozen=True)
class Failed:
    """The request came to nothing; the worker lives on.

    Attributes:
        rev: revision of the request.
        text: one sentence on what happened and what to do.
        details: the traceback, for the log; empty where the sentence says it all.
    """

    rev: int
    text: str
    details: str = ""


@dataclass(frozen=True)
class Stopped:
    """The request was cancelled.

    Attributes:
        rev: revision of the request.
    """

    rev: int


@dataclass(frozen=True)
class Idle:
    """Nothing more comes for this request.

    Attributes:
        rev: revision of the request.
        waits: the run can be gone on with.
    """

    rev: int
    waits: bool = False


Event = Clean | Step | Faded | Told | Failed | Stopped | Idle
