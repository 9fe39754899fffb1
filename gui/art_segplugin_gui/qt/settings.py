"""What is kept between two starts. Values that make no sense are as good as none."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from art_segplugin_gui.qt.theme import THEMES

RECENT_LIMIT = 12


class Settings:
    """Kept values, each with its type and its default.

    Args:
        path: an INI file; None for the user's own place.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            kind, scope = QSettings.defaultFormat(), QSettings.Scope.UserScope
            self._store = QSettings(kind, scope, "art-segplugin", "desktop")
        else:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> str:
        """One of `theme.THEMES`; "system" by default."""
        found = self._store.value("theme")
        return found if isinstance(found, str) and found in THEMES else "system"

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("theme", value)

    @property
    def geometry(self) -> QByteArray:
        """Place and size of the window; empty by default."""
        return self._bytes("geometry")

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def docks(self) -> QByteArray:
        """Where the docks are; empty by default."""
        return self._bytes("docks")

    @docks.setter
    def docks(self, value: QByteArray) -> None:
        self._store.setValue("docks", value)

    @property
    def recent(self) -> list[str]:
        """Files and folders that were opened and still exist, newest first."""
        found = self._json("recent")
        if not isinstance(found, list):
            return []
        kept = [one for one in found if isinstance(one, str) and _exists(one)]
        return list(dict.fromkeys(kept))[:RECENT_LIMIT]

    def add_recent(self, path: str | Path) -> None:
        """Remember a file or folder as the newest."""
        text = str(path)
        kept = [text, *(one for one in self.recent if one != text)]
        self._store.setValue("recent", json.dumps(kept[:RECENT_LIMIT]))

    @property
    def recent_models(self) -> list[str]:
        """Models that were chosen, newest first; files only while they exist."""
        found = self._json("recent_models")
        if not isinstance(found, list):
            return []
        kept = [one for one in found if isinstance(one, str) and (":" in one or _exists(one))]
        return list(dict.fromkeys(kept))[:RECENT_LIMIT]

    def add_recent_model(self, spec: str) -> None:
        """Remember a model as the newest: a file, or a name such as torchvision:fcn_resnet50."""
        kept = [spec, *(one for one in self.recent_models if one != spec)]
        self._store.setValue("recent_models", json.dumps(kept[:RECENT_LIMIT]))

    def clear(self) -> None:
        """Forget everything."""
        self._store.clear()

    @property
    def shortcuts(self) -> dict[str, tuple[str, ...]]:
        """Keys that the user chose, by the id of the action; no keys is a choice too."""
        found = self._json("shortcuts")
        if not isinstance(found, dict):
            return {}
        return {
            name: tuple(keys)
            for name, keys in found.items()
            if isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        }

    @shortcuts.setter
    def shortcuts(self, value: Mapping[str, Sequence[str]]) -> None:
        text = json.dumps({name: list(keys) for name, keys in value.items()})
        self._store.setValue("shortcuts", text)

    @property
    def safe_colours(self) -> bool:
        """Colours that colour-blind people can tell apart; off by default."""
        return str(self._store.value("safe_colours")).lower() == "true"

    @safe_colours.setter
    def safe_colours(self, value: bool) -> None:
        self._store.setValue("safe_colours", value)

    @property
    def threads(self) -> int | None:
        """Threads of the worker, 1..256; None to let it choose."""
        found = str(self._store.value("threads"))
        return (
            int(found) if found.isascii() and found.isdecimal() and 1 <= int(found) <= 256 else None
        )

    @threads.setter
    def threads(self, value: int | None) -> None:
        if value is None:
            self._store.remove("threads")
        else:
            self._store.setValue("threads", value)

    def sync(self) -> bool:
        """Write what is kept now; whether that went well."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    def _bytes(self, key: str) -> QByteArray:
        found = self._store.value(key)
        return found if isinstance(found, QByteArray) else QByteArray()

    def _json(self, key: str) -> object:
        found = self._store.value(key)
        try:
            return json.loads(found) if isinstance(found, str) else None
        except ValueError:
            return None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # no path at all, or on a disk that is gone
        return False
