"""Which checkpoints are the stages of one training."""

import re
from collections.abc import Iterable
from pathlib import PurePath

_NUMBERED = re.compile(r"(?P<stem>.+?)[-_](?:(?:step|epoch)[-_])?(?P<number>\d+)")
SUFFIX = ".safetensors"


def checkpoint_series(spec: str, known: Iterable[str]) -> list[str]:
    """The checkpoints of the training that `spec` is from, earliest first.

    They are called like it with a number after it, "NAME-150", "NAME-step-150" or "NAME-epoch-3";
    files lie in one folder and end in .safetensors. The one without a number is the last.

    Args:
        spec: a checkpoint, by the name or path that `Models` has.
        known: names and paths to look among; `spec` need not be one of them.

    Returns:
        Those found, `spec` among them; empty if there are fewer than two.
    """
    stem, _ = _split(spec)
    found = {one: _split(one) for one in dict.fromkeys([spec, *known])}
    series = {one: number for one, (other, number) in found.items() if other == stem}
    if len(series) < 2:
        return []
    return sorted(series, key=lambda one: (series[one] is None, series[one] or 0, one))


def stage(spec: str) -> str:
    """What a slider says about one of them: its number, or "final"."""
    _, number = _split(spec)
    return "final" if number is None else str(number)


def _split(spec: str) -> tuple[tuple[str, str], int | None]:
    """Folder and name without the number, and the number."""
    path = PurePath(spec)
    folder, name = "", spec
    if spec.endswith(SUFFIX):
        folder, name = str(path.parent), path.name.removesuffix(SUFFIX)
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return (folder, name), None
    return (folder, numbered["stem"]), int(numbered["number"])
