"""What would abort the process without a useful word is found out before Qt is loaded."""

import ctypes
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from art_segplugin.errors import InputError

NEEDS_PYSIDE = "the desktop app needs PySide6: pip install 'art-segplugin[gui]'"

QT_LIBRARIES: Mapping[str, str] = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
}
"""Shared libraries that Qt needs on Linux even without a screen, and the Debian packages of them."""

XCB_LIBRARIES: Mapping[str, str] = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""What it needs beside those to open a window on X."""


def version_problem(python: tuple[int, int], pyside: str | None) -> str | None:
    """One sentence if this PySide6 must not be used with this Python, else None.

    Args:
        python: major and minor version.
        pyside: version of PySide6; None if it is not installed.
    """
    if pyside is None:
        return NEEDS_PYSIDE
    if pyside.split(".")[:3] == ["6", "12", "0"] and python < (3, 12):
        # every call that returns None loses a reference to None, until there are none left
        return (
            f"PySide6 {pyside} aborts after minutes on Python {python[0]}.{python[1]}; "
            "install another one, pip install 'PySide6-Essentials>=6.8,<6.11', "
            "or use Python 3.12 or newer."
        )
    return None


def platform_of(environment: Mapping[str, str]) -> str | None:
    """Which plugin Qt will choose on Linux: "xcb", "wayland", "offscreen", ...; None for none."""
    chosen = environment.get("QT_QPA_PLATFORM", "")
    if chosen:
        return chosen.split(";")[0].split(":")[0]
    if environment.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "xcb" if environment.get("DISPLAY") else None


def screen_problem(
    environment: Mapping[str, str],
    has_library: Callable[[str], bool],
    can_connect: Callable[[], bool],
) -> str | None:
    """One sentence if Qt will find no screen on Linux, or not the libraries to use it; else None.

    Args:
        environment: the environment variables.
        has_library: whether a shared library of that name can be loaded.
        can_connect: whether the X server that DISPLAY names answers; asked last.
    """
    platform = platform_of(environment)
    if platform is None:
        return (
            "there is no screen: start the app in a desktop session, "
            "or with QT_QPA_PLATFORM=offscreen for --screenshot."
        )
    needed = {**QT_LIBRARIES, **(XCB_LIBRARIES if platform == "xcb" else {})}
    missing = [package for name, package in needed.items() if not has_library(name)]
    if missing:
        return (
            "Qt needs system libraries that are missing; on Debian or Ubuntu run: "
            f"sudo apt-get install -y --no-install-recommends {' '.join(missing)}"
        )
    if platform == "xcb" and not can_connect():
        return (
            f"no X server answers at DISPLAY={environment.get('DISPLAY', '')}; start the app in "
            "a desktop session, or with QT_QPA_PLATFORM=offscreen for --screenshot."
        )
    return None


def check() -> None:
    """Look at this process and this machine.

    Raises:
        InputError: Qt would not start here, or not last; the message says what to install or set.
    """
    problem = version_problem(sys.version_info[:2], _pyside())
    if problem is None and find_spec("pyqtgraph") is None:
        problem = "the desktop app needs pyqtgraph: pip install 'art-segplugin[gui]'"
    if problem is None and sys.platform == "linux":
        problem = screen_problem(os.environ, has_library, can_connect)
    if problem is not None:
        raise InputError(problem)


def has_library(name: str) -> bool:
    """Whether the shared library of that file name can be loaded."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def can_connect() -> bool:
    """Whether an X server answers at DISPLAY; Qt aborts the process where none does."""
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        return bool(xcb.xcb_connection_has_error(connection) == 0)
    finally:
        xcb.xcb_disconnect(connection)


def _pyside() -> str | None:
    """Version of the installed PySide6; only the package itself is imported, no Qt module."""
    try:
        return str(importlib.import_module("PySide6").__version__)
    except (
        ImportError,
        AttributeError,
    ):  # AttributeError: what uninstalling left is an empty folder
        return None
