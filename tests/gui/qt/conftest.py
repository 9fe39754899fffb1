import pytest


@pytest.fixture
def opened(qtbot, qapp):
    """A window with a fake engine, as `Opened`."""
    from gui_parts import FakeEngine, Opened

    from art_segplugin_gui.qt import theme

    theme.apply(qapp, "dark")
    made = Opened(engine=FakeEngine())
    qtbot.waitUntil(lambda: made.answered)
    yield made
    made.close()
