"""Names of all files that an export or a clip may write, or delete as stale; knows no torch."""

import os.path
from collections.abc import Collection, Iterable
from pathlib import Path

from art_segplugin.clip_names import CLIP_FILES, FINISHED, REPRODUCTION, SETTING, UNFINISHED

KINDS = ("pictures", "figure", "tables", "numbers", "reproduction")
"""What can be exported into a folder."""
FIGURES = (".png", ".svg", ".pdf")
"""What a figure can be written as."""
LAYER_FILES = (
    "prediction", "error", "newly-wrong", "healed", "confidence", "perturbation-x10", "weights",
)  # fmt: skip
"""Names that `export_pictures.pictures` gives."""

OWNED = {
    "pictures": frozenset(
        {"clean.png", "labels.png"}
        | {f"clean{of}-{name}.png" for of in ("", "-b") for name in ("prediction", "error")}
        | {f"adversarial{of}.png" for of in ("", "-b")}
        | {f"adversarial{of}-{name}.png" for of in ("", "-b") for name in LAYER_FILES}
    ),
    "figure": frozenset({"figure.png"}),
    "tables": frozenset({"classes.csv", "curve.csv"}),
    "numbers": frozenset({"numbers.json"}),
    "reproduction": REPRODUCTION,
    "clip": CLIP_FILES,
}
"""All names that each of KINDS, and a clip, gives its files: what lies there is not kept."""


def is_one_file(target: Path) -> bool:
    """Whether an export to this path is one file rather than a folder of files."""
    return target.suffix.lower() in (*FIGURES, ".csv", ".json") and not os.path.isdir(target)


def present(target: str | Path, kinds: Iterable[str]) -> list[str]:
    """Files that an export would replace or delete.

    Args:
        target: a folder, or one file as `export` takes it; "~" is the user's own folder.
        kinds: some of KINDS.

    Returns:
        Names, sorted; none where the folder is missing or cannot be looked into.
    """
    path = users_path(target)
    if is_one_file(path):
        return _lying(path.parent, {path.name})
    return _lying(path, set[str]().union(*(OWNED[kind] for kind in kinds)))


def present_for_clip(folder: str | Path) -> list[str]:
    """Files that a clip would replace or delete, but for those of a clip that is there already.

    Args:
        folder: of the clip; "~" is the user's own folder.

    Returns:
        Names, sorted; none where the folder holds a clip, is missing or cannot be looked into.
    """
    path = users_path(folder)
    if _is_there(path / UNFINISHED / SETTING) or all(_is_there(path / one) for one in FINISHED):
        return []
    return _lying(path, OWNED["clip"])


def users_path(text: str | Path) -> Path:
    """What a user typed as a path; `Path.expanduser` raises where there is no such user."""
    try:
        return Path(os.path.expanduser(text))
    except ValueError:  # a name that no user can have
        return Path(text)


def _lying(folder: Path, names: Collection[str]) -> list[str]:
    return [name for name in sorted(names) if _is_there(folder / name)]


def _is_there(path: Path) -> bool:
    """Whether there is a file or a link, which are replaced; a folder of that name never is.

    Unlike the methods of Path these functions say no where a path is odd or may not be read.
    """
    return os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path))
