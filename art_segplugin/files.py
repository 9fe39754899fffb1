"""Writing files whole or not at all, beside the target first, then renamed over it; and their sha256."""

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from art_segplugin.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed to `path` if the block ends well, else removed.

    It has the suffix of `path`, which encoders go by.

    Raises:
        InputError: the folder or the file cannot be written, for instance on a full disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        os.chmod(beside, 0o666 & ~_umask())
        beside.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path`, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes to `path`, whole or not at all."""
    with replacing(path) as beside:
        beside.write_bytes(data)


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


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {path}: {reason}.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
