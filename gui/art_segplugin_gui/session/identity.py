"""What a result is a result of: which image, which models, which attack, which run."""

from dataclasses import dataclass, replace
from typing import Self

from art_segplugin_gui.session.state import Attack, Models

Hashes = tuple[str | None, str | None]
"""Of the files of A and B as they were when they were loaded; None for no file."""


@dataclass(frozen=True)
class FrameId:
    """One image as it was read once.

    Attributes:
        source: the spec of its source.
        index: position in the source.
        version: counts all images that were read: read again, it may be another one.
    """

    source: str
    index: int
    version: int


@dataclass(frozen=True)
class Identity:
    """Carried by every result; those of one run have equal ones.

    Attributes:
        frame: the image.
        models: the models by their specs.
        attack: the attack without what changes no run; None for clean predictions only.
        quick: of one step only.
        run: counts the runs; one that is resumed keeps its number.
        sha256: of the models' files; unknown in a request.
    """

    frame: FrameId
    models: Models
    attack: Attack | None = None
    quick: bool = False
    run: int = 0
    sha256: Hashes = (None, None)

    def loaded(self, sha256: Hashes) -> Self:
        """The same with the hashes of the models' files."""
        return replace(self, sha256=sha256)

    @property
    def predictions(self) -> tuple[FrameId, Models, Hashes]:
        """What clean predictions depend on."""
        return self.frame, self.models, self.sha256


NOTHING = Identity(FrameId("", -1, -1), Models("", None))
"""Of what is a result of nothing."""
