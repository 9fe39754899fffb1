import numpy as np

from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.state import Attack, Models, Source


def test_panels_change_the_state(qtbot, opened):
    parts, session = opened.parts, opened.session
    parts.models.models_changed.emit(Models("two"))
    assert session.state.models == Models("two")
    parts.attack.attack_changed.emit(Attack(seed=4))
    assert session.state.attack.seed == 4
    parts.source.source_changed.emit(Source("fake", 2))
    assert session.state.source.index == 2
    parts.attack.fade_changed.emit(0.4)
    assert session.state.view.fade == 0.4


def test_a_row_of_pictures_is_undone_together(opened):
    for index in (1, 2, 3):
        opened.window.choices.source(Source("fake", index))
    opened.session.undo()
    assert opened.session.state.source.index == 0


def test_a_drag_is_undone_together_and_the_next_one_apart(opened):
    attack = opened.parts.attack
    before = opened.session.state.attack
    for seeds in ((1, 2, 3), (4, 5)):
        attack.dragging.emit(True)
        for seed in seeds:
            attack.attack_changed.emit(Attack(seed=seed, options=before.options))
        attack.dragging.emit(False)
    opened.session.undo()
    assert opened.session.state.attack.seed == 3
    opened.session.undo()
    assert opened.session.state.attack == before


def test_a_drag_ends_with_the_whole_attack(qtbot, opened):
    attack = opened.parts.attack
    attack.dragging.emit(True)
    attack.attack_changed.emit(Attack(seed=8))
    assert opened.director.runner.request.quick
    attack.dragging.emit(False)
    qtbot.waitUntil(lambda: not opened.director.runner.request.quick)
    qtbot.waitUntil(lambda: opened.answered)


def test_run_buttons(qtbot, opened):
    attack, engine = opened.parts.attack, opened.engine
    engine.last = 9
    attack.buttons.to_spin.setValue(4)
    attack.buttons.to_button.click()
    qtbot.waitUntil(lambda: opened.director.runner.waits)
    assert opened.shown.step.number == 4
    attack.buttons.step_button.click()
    qtbot.waitUntil(lambda: opened.shown.step.number == 5 and opened.director.runner.waits)
    engine.gate.clear()
    attack.buttons.run_button.click()
    assert attack.buttons.stop_button.isEnabled()
    qtbot.waitUntil(lambda: len(engine.tokens) == 4)
    attack.buttons.stop_button.click()
    assert engine.tokens[-1].cancelled
    qtbot.waitUntil(lambda: not attack.buttons.stop_button.isEnabled())


def test_isolating_a_class_comes_close_and_again_shows_all(opened):
    port = opened.parts.grid.panes[0].viewport
    opened.parts.bars.class_clicked.emit(0)
    assert opened.session.state.view.isolated == 0
    assert not port.is_fit  # the part of it that fell
    opened.parts.bars.class_clicked.emit(0)
    assert opened.session.state.view.isolated is None
    assert port.is_fit
    opened.parts.bars.class_clicked.emit(3)  # nowhere in the picture
    assert port.is_fit
    assert opened.session.state.view.isolated == 3


def test_hiding_classes_and_pairs(opened):
    bars, confusion = opened.parts.bars, opened.parts.confusion
    bars.class_hidden.emit(1, True)
    bars.class_hidden.emit(2, True)
    bars.class_hidden.emit(1, False)
    assert opened.session.state.view.hidden == {2}
    confusion.cell_clicked.emit(0, 1)
    assert opened.session.state.view.pair == (0, 1)
    confusion.cleared.emit()
    assert opened.session.state.view.pair is None


def test_scrubbing_looks_back(opened):
    opened.parts.curve.scrubbed.emit(1)
    assert opened.shown.step.number == 1


def test_the_timeline_goes_to_pictures_and_limits_the_range(qtbot, opened):
    opened.parts.timeline.frame_chosen.emit(3)
    assert opened.session.state.source.index == 3
    opened.parts.timeline.range_chosen.emit(1, 2)
    assert (opened.session.state.source.first, opened.session.state.source.last) == (1, 2)
    qtbot.waitUntil(lambda: opened.shown.frame.index == 3)


def test_a_painted_region(qtbot, opened):
    mask = np.zeros((36, 48), bool)
    mask[4:9] = True
    opened.parts.grid.painted.emit(mask)
    assert opened.director.mask is mask
    assert opened.parts.grid.region is mask
    opened.parts.attack.clear_mask.emit()
    assert opened.director.mask is None
    assert opened.parts.grid.region is None


def test_models_are_remembered(opened, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"weights")
    opened.window.choices._settings = opened.window.settings = settings
    opened.window.choices.models(Models("torchvision:fcn", str(own)))
    assert set(settings.recent_models) == {"torchvision:fcn", str(own)}
    chooser = opened.parts.models.a
    assert any("fcn" in chooser.combo.itemText(i) for i in range(chooser.combo.count()))
