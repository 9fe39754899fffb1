"""Files written whole or not at all; their names and sha256; folders that one run writes into."""

import hashlib
import os
import sys
import tempfile
import time
import traceback
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from art_segplugin.errors import InputError

_TRACEBACKS_KEPT = 20
LONGEST_NAME = 255
"""Bytes of a file's name, on almost all file systems."""
LOCK = "run.lock"


def printable(text: str) -> str:
    """A name for people: what is no text, breaks lines or turns their direction becomes "�".

    Names of files are bytes; what is not UTF-8 in them are lone surrogates in Python, which no
    report can be written with.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _TURNS
        else c
        for c in text
    )


_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def fitting_name(name: str, ending: str) -> str:
    """`name` cut so that with `ending` it is no longer than file systems allow."""
    room = LONGEST_NAME - len(os.fsencode(ending))
    while len(os.fsencode(name)) > room:
        name = name[:-1]
    return name + ending


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the system frees it when the process ends, however it does.

    Raises:
        InputError: another run writes into it, or it cannot be written.
    """
    from filelock import FileLock, Timeout  # which torch needs

    path, made = folder / LOCK, not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        process = ""
        with suppress(OSError, ValueError):
            process = path.read_text(encoding="utf-8")
        raise InputError(
            f"another run{f' (process {process})' if process else ''} writes into {folder}; wait "
            "until it ends, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}.") from error
    try:
        with suppress(OSError):
            path.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file
            path.unlink()
        lock.release()
        with suppress(OSError):
            if made:
                folder.rmdir()  # which fails if anything was written


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
            prefix=f".{path.stem[:40]}.", suffix=path.suffix, dir=path.parent
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


def state_folder(environment: Mapping[str, str], system: str, home: Path) -> Path:
    """Where logs belong.

    Args:
        environment: the environment variables.
        system: `sys.platform`.
        home: the user's home folder.
    """
    if system == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "art-segplugin"
    if system == "darwin":
        return home / "Library" / "Logs" / "art-segplugin"
    state = Path(environment.get("XDG_STATE_HOME", ""))
    # by the specification a relative path in the variable counts as none
    return (state if state.is_absolute() else home / ".local" / "state") / "art-segplugin"


def keep_traceback(error: BaseException) -> Path | None:
    """Write the traceback of an error into the user's state folder, or else a temporary one.

    Returns:
        The file; None where none can be written. Of earlier ones the newest 20 are kept.
    """
    text = "".join(traceback.format_exception(error))
    name = f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    folders = [Path(tempfile.gettempdir()) / "art-segplugin"]
    with suppress(RuntimeError):  # of a user without a home
        folders.insert(0, state_folder(os.environ, sys.platform, Path.home()))
    for folder in folders:
        with suppress(InputError, OSError):
            write_text(folder / name, f"{sys.argv}\nPython {sys.version}\n\n{text}")
            for old in sorted(folder.glob("error-*.log"))[:-_TRACEBACKS_KEPT]:
                old.unlink(missing_ok=True)
            return folder / name
    return None


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


def archived_program(path: Path) -> str:
    """Which program of torch a file holds, whatever it is called.

    Returns:
        "torchscript" (``torch.jit.save``), "export" (``torch.export.save``), or "" for neither.
    """
    names = archived(path)
    if any(name.endswith("/constants.pkl") for name in names):
        return "torchscript"
    if any(name.endswith(("/archive_format", "/models/model.json")) for name in names):
        return "export"
    return ""


def archived(path: Path) -> list[str]:
    """Names of the files in a zip archive; none where it is no such archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return []
