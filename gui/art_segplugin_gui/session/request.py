"""What the window asks of the engine: plain values and arrays, and which of its ways answers them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui.session.clip_request import ClipRequest
from art_segplugin_gui.session.frames import Event, SourceFrame
from art_segplugin_gui.session.identity import NOTHING, Identity
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.state import Attack, Models


class EngineLike(Protocol):
    """What answers requests; whatever goes wrong is an event, and the last event says so."""

    def attack(self, request: "Run", token: CancelToken) -> Iterator[Event]:
        """Predict, then attack."""

    def fade(self, request: "Fade", token: CancelToken) -> Iterator[Event]:
        """Predict at another strength."""

    def attack_clip(self, request: ClipRequest, token: CancelToken) -> Iterator[Event]:
        """Attack a range of images."""

    def close(self) -> None:
        """Let go of everything; no request comes any more."""


class Request(Protocol):
    """Anything that a worker can be given."""

    @property
    def rev(self) -> int:
        """Revision: what comes back carries it, and the window drops what is older."""

    def run(self, engine: EngineLike, token: CancelToken) -> Iterator[Event]:
        """Have it answered; the last event is Idle."""


@dataclass(frozen=True, eq=False)
class Run:
    """Predict, then attack.

    Attributes:
        rev: revision.
        frame: the picture.
        models: which models.
        attack: how to attack; None for the clean prediction only.
        quick: one step of the length of the radius, for while a slider is dragged.
        pause_at: stop after the point of this number and wait; None to run to the end.
        resume: go on with the run that waits, if it is of the same identity.
        number: counts runs; one that is resumed keeps its number.
    """

    rev: int
    frame: SourceFrame
    models: Models
    attack: Attack | None
    quick: bool = False
    pause_at: int | None = None
    resume: bool = False
    number: int = 0

    @property
    def identity(self) -> Identity:
        """What its results are results of."""
        attack = None if self.attack is None else self.attack.decisive
        return Identity(self.frame.id, self.models, attack, self.quick, self.number)

    def run(self, engine: EngineLike, token: CancelToken) -> Iterator[Event]:
        """Have it answered."""
        return engine.attack(self, token)


@dataclass(frozen=True, eq=False)
class Fade:
    """Predict for the adversarial image at another strength.

    Attributes:
        rev: revision.
        frame: the picture.
        models: which models.
        share: strength, 0..1.5; 1 is the attack as it is.
        exact_a: adversarial image that A is shown, float32 (3, h, w) in [0, 1].
        exact_b: the one that B is shown; None where there is no B.
        norm: in which the size of the perturbation is given.
        identity: of the run that the image is from.
        number: of its point.
    """

    rev: int
    frame: SourceFrame
    models: Models
    share: float
    exact_a: NDArray[np.float32]
    exact_b: NDArray[np.float32] | None = None
    norm: float = float("inf")
    identity: Identity = NOTHING
    number: int = 0

    def run(self, engine: EngineLike, token: CancelToken) -> Iterator[Event]:
        """Have it answered."""
        return engine.fade(self, token)
