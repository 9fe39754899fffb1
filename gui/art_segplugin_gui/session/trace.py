"""The points of a run that can be looked at again, within a limit of memory."""

from art_segplugin_gui.session.frames import Step

LIMIT_BYTES = 256 * 2**20


class Trace:
    """Steps by their number; when they take too much memory, every second one goes.

    Args:
        limit: bytes that the steps may take; the first and the newest are kept in any case.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._steps: dict[int, Step] = {}
        self._bytes = 0

    def add(self, step: Step) -> None:
        """Keep a step; one of the same number is replaced."""
        self._drop(step.number)
        self._steps[step.number] = step
        self._bytes += _size(step)
        while self._bytes > self._limit and len(self._steps) > 2:
            for number in sorted(self._steps)[1:-1][::2]:
                self._drop(number)

    def nearest(self, number: int) -> Step | None:
        """The kept step closest to a number, the earlier of two; None if there is none."""
        if not self._steps:
            return None
        return self._steps[min(self._steps, key=lambda kept: (abs(kept - number), kept))]

    @property
    def newest(self) -> Step | None:
        """The step of the highest number."""
        return self._steps[max(self._steps)] if self._steps else None

    @property
    def steps(self) -> list[Step]:
        """All kept steps in order."""
        return [self._steps[number] for number in sorted(self._steps)]

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the kept steps."""
        return frozenset(self._steps)

    def clear(self) -> None:
        """Forget all of them."""
        self._steps.clear()
        self._bytes = 0

    def _drop(self, number: int) -> None:
        if (step := self._steps.pop(number, None)) is not None:
            self._bytes -= _size(step)


def _size(step: Step) -> int:
    """Bytes of what the step holds; both models may have been shown one image."""
    held = {id(array): array.nbytes for side in (step.a, step.b) if side for array in side.held}
    return sum(held.values())
