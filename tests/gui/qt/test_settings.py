import pytest
from PySide6.QtCore import QByteArray, QSettings

from art_segplugin_gui.qt.settings import RECENT_LIMIT, STRIP_PARTS, Settings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.ini"


def test_what_is_kept_is_there_after_a_new_start(file):
    one = Settings(file)
    one.theme = "light"
    one.geometry = QByteArray(b"\x00\x01window")
    one.docks = QByteArray(b"docks")
    one.shortcuts = {"run": ("Ctrl+R", "F5"), "open": ()}
    one.safe_colours = True
    one.strip = ["opacity"]
    assert one.sync()
    other = Settings(file)
    assert other.theme == "light"
    assert other.geometry == b"\x00\x01window"
    assert other.docks == b"docks"
    assert other.shortcuts == {"run": ("Ctrl+R", "F5"), "open": ()}
    assert other.safe_colours is True
    assert other.strip == ("opacity",)
    other.safe_colours = False
    assert not other.safe_colours


def test_without_a_file_all_is_as_usual(file):
    kept = Settings(file)
    assert (kept.theme, kept.safe_colours, kept.strip) == ("system", False, STRIP_PARTS)
    assert (kept.recent, kept.shortcuts) == ([], {})
    assert kept.geometry.isEmpty()
    assert kept.docks.isEmpty()


@pytest.mark.parametrize(
    "value", ["", "purple", "12", "-1", "{", "[1, 2]", '{"run": 5}', "@Invalid()", "true\x00", "²"]
)
def test_alien_values_are_as_good_as_none(file, value):
    store = QSettings(str(file), QSettings.Format.IniFormat)
    for key in ("theme", "geometry", "docks", "recent", "shortcuts", "safe_colours"):
        store.setValue(key, value)
    store.setValue("strip", value)
    store.sync()
    kept = Settings(file)
    assert (kept.theme, kept.safe_colours) == ("system", False)
    assert set(kept.strip) <= set(STRIP_PARTS)
    assert (kept.recent, kept.shortcuts) == ([], {})
    assert kept.geometry.isEmpty()


def test_a_file_that_is_no_settings_file(file):
    file.write_bytes(bytes(range(256)) * 20)
    kept = Settings(file)
    assert kept.theme == "system"
    assert kept.recent == []


def test_recent_files_newest_first_and_not_too_many(file, tmp_path):
    kept = Settings(file)
    paths = [tmp_path / f"picture {n}, with commas; and more.png" for n in range(RECENT_LIMIT + 3)]
    for path in paths:
        kept.add_recent(path)
    assert kept.recent == [str(path) for path in paths[:2:-1]]
    kept.add_recent(paths[5])
    assert kept.recent[0] == str(paths[5])
    assert len(kept.recent) == len(set(kept.recent)) == RECENT_LIMIT
    for made in ("scenes:test", "drive:3", "camera:0"):
        kept.add_recent(made)  # is in the menu anyway
    assert kept.recent[0] == str(paths[5])
    kept.add_recent_model("/gone/net.pt")
    assert kept.forget([str(paths[5]), "/gone/net.pt"])
    assert not kept.forget([str(paths[5])])
    assert str(paths[5]) not in Settings(file).recent
    assert kept.recent_models == []


def test_the_users_own_place_can_be_redirected(tmp_path):
    kept = Settings()
    kept.theme = "light"
    kept.sync()
    assert "light" in next((tmp_path / "settings").rglob("desktop.ini")).read_text()
