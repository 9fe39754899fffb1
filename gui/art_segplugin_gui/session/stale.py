"""Files of an earlier export that would be taken for part of a new one."""

from collections.abc import Collection
from pathlib import Path

from art_segplugin.errors import InputError


def remove_stale(folder: Path, owned: Collection[str], written: Collection[Path]) -> None:
    """Delete the files of these names that were not written this time; nothing else.

    Args:
        folder: where they are.
        owned: names that an export of this kind gives its files.
        written: files that it gave now.

    Raises:
        InputError: one cannot be deleted.
    """
    for name in sorted(set(owned) - {path.name for path in written}):
        path = folder / name
        if not (path.is_file() or path.is_symlink()):
            continue
        try:
            path.unlink()
        except OSError as error:
            raise InputError(
                f"{path} is of an earlier export and cannot be deleted "
                f"({error.strerror or error}); delete it by hand."
            ) from error
