"""Widgets with a folder to type and a line on the files in it that are replaced."""


def folder_of_theirs(tmp_path, *names):
    """A folder of the user's in which some files are called like ours."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    return folder


def at_rest(qtbot, widget):
    """Until the folder is looked into."""
    qtbot.waitUntil(lambda: not widget.replaced._timer.isActive())


def write(qtbot, widget, text):
    """Type another folder."""
    from PySide6.QtCore import Qt

    widget.folder.setFocus()
    qtbot.keyClick(widget.folder, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(widget.folder, str(text))
