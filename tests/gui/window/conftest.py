import pytest


@pytest.fixture
def open_window(qtbot, qapp):
    """Opens windows with tiny models, and closes them."""
    from gui_parts import Opened

    from art_segplugin_gui.qt import theme

    theme.apply(qapp, "dark")
    opened = []

    def make(*arguments, wait=True, **more):
        made = Opened(*arguments, **more)
        opened.append(made)
        if wait:
            qtbot.waitUntil(lambda: made.answered)
        return made

    yield make
    for made in opened:
        made.close()
    theme.apply(qapp, "dark")


@pytest.fixture
def made(open_window):
    """A window with its first answer on screen."""
    return open_window()
