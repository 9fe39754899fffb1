"""A controller with fakes, for the tests of it; the fixture `rig` makes one."""

from gui_parts import FakeEngine, Said, Sources, at_rest, starting

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.session import Session


class Rig:
    """A controller with a fake engine and fake sources."""

    def __init__(self, state, fakes):
        self.engine, self.sources = FakeEngine(), Sources(**fakes)
        self.session = Session(state)
        self.controller = AttackController(
            self.session, SourceThread(self.sources), starting(self.engine), None
        )
        d = self.controller
        self.said = Said(
            shown=d.shown_changed, failed=d.failed, warned=d.warned, opened=d.source_opened
        )

    @property
    def shown(self):
        return self.controller.shown

    @property
    def runs(self):
        return [request for request in self.engine.requests if isinstance(request, Run)]

    @property
    def at_rest(self):
        return at_rest(self.controller)

    def change(self, made, **changes):
        self.session.change(made(self.session.state, **changes))


def answered(rig):
    step = rig.shown.step
    return step is not None and step.answer and rig.at_rest


def finished(qtbot, rig):
    qtbot.waitUntil(lambda: answered(rig))


def rerun(qtbot, rig, act):
    """The requests that an act leads to."""
    before = len(rig.engine.requests)
    act()
    qtbot.waitUntil(lambda: len(rig.engine.requests) > before)
    qtbot.waitUntil(lambda: rig.at_rest and answered(rig))
    return rig.engine.requests[before:]
