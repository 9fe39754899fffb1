import pytest
from gui_parts import Said
from PySide6.QtCore import QObject

from art_segplugin_gui.qt.worker import Watch


class FakeWorker:
    silent_for = 0.0


class FakeRunner(QObject):
    def __init__(self):
        super().__init__()
        self.worker = FakeWorker()


@pytest.fixture
def runner(qapp):
    return FakeRunner()


@pytest.fixture
def watch(runner):
    made = Watch(runner)
    made.patience = 0.05
    made.said = Said(stuck=made.stuck, recovered=made.recovered)
    return made


def test_silence_shorter_than_the_patience_is_nothing(watch, runner):
    runner.worker.silent_for = 0.04
    watch.look()
    assert watch.said.all == []


def test_it_is_said_once_and_again_after_a_while(qtbot, watch, runner):
    runner.worker.silent_for = 12.5
    watch.look()
    watch.look()
    assert watch.said.of("stuck") == [12.5]
    qtbot.wait(70)
    watch.look()
    assert watch.said.of("stuck") == [12.5, 12.5]


def test_recovery_is_said_once(watch, runner):
    runner.worker.silent_for = 1.0
    watch.look()
    runner.worker.silent_for = 0.0
    watch.look()
    watch.look()
    assert watch.said.names() == ["stuck", "recovered"]


def test_another_worker_is_looked_at(watch, runner):
    runner.worker.silent_for = 1.0
    watch.look()
    runner.worker = FakeWorker()
    watch.look()
    assert watch.said.names() == ["stuck", "recovered"]


def test_it_looks_by_itself(qtbot, watch, runner):
    runner.worker.silent_for = 1.0
    qtbot.waitUntil(lambda: watch.said.names() == ["stuck"], timeout=2000)
