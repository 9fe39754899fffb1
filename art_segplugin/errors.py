"""What is meant to be read by people rather than by programmers: one exception, and warnings."""

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_BETWEEN = {"art", "art_segplugin", "beartype", "contextlib", "jaxtyping", "torch", "torchattacks"}


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the value, what was expected and what to do; the command
    line prints it without a traceback and exits with status 2.
    """


class UnreadableError(InputError):
    """A file is damaged, empty or of a format that is not read; others beside it may be good."""


class InputWarning(UserWarning):
    """Part of what the user gave is not used, or not as it is.

    Python shows each sentence once, for it does not name the file; the command line counts them.

    Args:
        message: What is not used, the same for all files.
        where: The file.
    """

    def __init__(self, message: str, where: object = "") -> None:
        super().__init__(message)
        self.where = str(where)


def warn(text: str) -> None:
    """Warn in the name of whoever called this package, however many calls are between."""
    frame: Any = sys._getframe(1)
    level = 2
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


@contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Within, an `InputError` calls parameters by other names.

    Args:
        names: Of the parameters here, and as the user knows them.
    """
    try:
        yield
    except InputError as error:
        text = str(error)
        for here, known in names.items():
            text = re.sub(rf"\b{here}\b", known, text)
        if text == str(error):
            raise
        raise type(error)(text) from error


class ModelError(InputError):
    """The user's model raised something while it ran; that is the ``__cause__``.

    The message names the submodule in which it arose; the command line keeps the traceback in a file
    and exits with status 1.
    """


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory does not suffice: of the graphics card, or of the CPU.

    Torch has an own class for the former only, and none is imported here.
    """
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in said
        or "can't allocate memory" in said
        or "not enough memory" in said
    )
