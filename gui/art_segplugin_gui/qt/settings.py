"""What is kept between two starts, and which of it is still there. Values that make no sense are as good as none."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.theme import THEMES

RECENT_LIMIT = 12
BUILT_IN = ("scenes:", "drive:", "camera:")
"""How sources begin that are no files."""
STRIP_PARTS = ("layers", "opacity")
"""What the strip under the panes can show."""


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
        """Files and folders that were opened, newest first; `RecentFiles` drops lost ones."""
        return self._list("recent")

    def add_recent(self, path: str | Path) -> None:
        """Remember a file or folder as the newest; what is made on the spot is in the menu anyway."""
        text = str(path)
        if not text.startswith(BUILT_IN):
            self._add("recent", text)

    @property
    def recent_models(self) -> list[str]:
        """Models that were chosen, newest first."""
        return self._list("recent_models")

    def add_recent_model(self, spec: str) -> None:
        """Remember a model as the newest: a file, or a name such as torchvision:fcn_resnet50."""
        self._add("recent_models", spec)

    def forget(self, lost: Collection[str]) -> bool:
        """Drop files, folders and models from those that were used; whether there were any."""
        dropped = False
        for key in ("recent", "recent_models"):
            before = self._list(key)
            kept = [one for one in before if one not in lost]
            if kept != before:
                dropped = True
                self._store.setValue(key, json.dumps(kept))
        return dropped

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
    def strip(self) -> tuple[str, ...]:
        """What the strip under the panes shows, some of STRIP_PARTS; all by default."""
        found = self._json("strip")
        if not isinstance(found, list):
            return STRIP_PARTS
        return tuple(part for part in STRIP_PARTS if part in found)

    @strip.setter
    def strip(self, value: Sequence[str]) -> None:
        self._store.setValue("strip", json.dumps(list(value)))

    def sync(self) -> bool:
        """Write what is kept now; whether that went well."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    def _bytes(self, key: str) -> QByteArray:
        found = self._store.value(key)
        return found if isinstance(found, QByteArray) else QByteArray()

    def _list(self, key: str) -> list[str]:
        found = self._json(key)
        kept = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
        return list(dict.fromkeys(kept))[:RECENT_LIMIT]

    def _add(self, key: str, text: str) -> None:
        kept = [text, *(one for one in self._list(key) if one != text)]
        self._store.setValue(key, json.dumps(kept[:RECENT_LIMIT]))

    def _json(self, key: str) -> object:
        found = self._store.value(key)
        try:
            return json.loads(found) if isinstance(found, str) else None
        except ValueError:
            return None


class RecentFiles(QObject):
    """Drops lost files from the settings. A disk that sleeps or is far away stops no window.

    Args:
        settings: where they are kept.
        parent: owner.

    Signals:
        changed: some of them are gone.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._background = Background(self)
        self._background.done.connect(self._drop)

    def look(self) -> None:
        """Look whether they exist, such as at the start and after something could not be opened."""
        models = [one for one in self._settings.recent_models if not is_name(one)]
        known = [*self._settings.recent, *models]
        if known:
            self._background.run(lambda: [one for one in known if is_lost(one)])

    def _drop(self, lost: Collection[str]) -> None:
        if self._settings.forget(lost):
            self.changed.emit()


def is_name(model: str) -> bool:
    """Whether a model is given as LIBRARY:NAME or file.py:function rather than by its file."""
    return ":" in model and not Path(model).is_absolute()


def is_lost(path: str) -> bool:
    """Whether there is no such file or folder."""
    try:
        return not Path(path).exists()
    except (OSError, ValueError):  # no path at all, or on a disk that is gone
        return True
