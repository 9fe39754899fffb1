"""Qt is imported when a fixture is asked for: where it is missing, its tests are skipped."""

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


@pytest.fixture
def rig(qtbot, monkeypatch):
    """Makes controllers with a fake engine and fake sources, as `Rig`."""
    from controller_parts import Rig, finished
    from gui_parts import FakeSource

    from art_segplugin_gui.qt import controller
    from art_segplugin_gui.session.state import Source, State

    monkeypatch.setattr(controller, "SETTLE_MS", 60)
    rigs = []

    def make(state=None, start=True, **fakes):
        state = state or State(source=Source("fake"))
        rig = Rig(state, fakes or {"fake": FakeSource(), "other": FakeSource("other", 2)})
        rigs.append(rig)
        if start:
            rig.controller.start()
            finished(qtbot, rig)
        return rig

    yield make
    for rig in rigs:
        rig.engine.gate.set()
        for fake in rig.sources.fakes.values():
            if isinstance(fake, FakeSource):
                fake.gate.set()
        assert rig.controller.close()


@pytest.fixture
def fakes():
    """The sources that `watched` opens by name."""
    from capture_parts import Fake

    return {"a": Fake("a"), "b": Fake("b", 3)}


@pytest.fixture
def watched(qtbot, fakes):
    """A thread that reads sources, as `Watched`."""
    from capture_parts import Watched

    from art_segplugin_gui.session.sources.opening import open_source

    def opener(spec, longest_side):
        if spec not in fakes:
            return open_source(spec, longest_side)
        fakes[spec].longest_side = longest_side
        return fakes[spec]

    watched = Watched(opener)
    yield watched
    for fake in fakes.values():
        fake.gate.set()
    watched.thread.close()
    assert not watched.thread.alive
