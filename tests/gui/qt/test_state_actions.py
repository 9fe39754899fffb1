import os
import threading

import numpy as np
import pytest
from gui_parts import FakeEngine, Opened
from PySide6.QtCore import Qt

from art_segplugin_gui.qt.export import ExportDialog
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.session import with_attack
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
        opened.window.state_actions.source(Source("fake", index))
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
    assert opened.controller.request.quick
    attack.dragging.emit(False)
    qtbot.waitUntil(lambda: not opened.controller.request.quick)
    qtbot.waitUntil(lambda: opened.answered)


def test_run_buttons(qtbot, opened):
    attack, engine = opened.parts.attack, opened.engine
    engine.last = 9
    attack.buttons.to_spin.setValue(4)
    attack.buttons.to_button.click()
    qtbot.waitUntil(lambda: opened.controller.paused)
    assert opened.shown.step.number == 4
    attack.buttons.step_button.click()
    qtbot.waitUntil(lambda: opened.shown.step.number == 5 and opened.controller.paused)
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
    assert np.array_equal(opened.controller.mask, mask)
    assert opened.parts.grid.region is opened.controller.mask
    opened.parts.grid.painted.emit(~mask)
    opened.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # one stroke
    assert np.array_equal(opened.parts.grid.region, mask)
    opened.parts.attack.clear_mask.emit()
    assert opened.controller.mask is None
    assert opened.parts.grid.region is None
    opened.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(opened.parts.grid.region, mask)
    opened.parts.grid.painted.emit(np.zeros_like(mask))  # all of it rubbed out
    assert opened.session.state.attack.painted is None


def test_the_strip_changes_layer_and_opacity(opened):
    strip = opened.parts.strip
    strip.buttons["error"].click()
    assert opened.session.state.view.layer == "error"
    strip.slider.setSliderDown(True)
    for percent in (50, 40, 30):
        strip.slider.setSliderPosition(percent)
    assert opened.session.state.view.opacity == 0.3
    assert opened.parts.grid.panes[1].composition.layers[0].opacity == 0.3
    strip.slider.setSliderDown(False)
    strip.slider.setValue(80)
    opened.session.undo()
    assert opened.session.state.view.opacity == 0.3
    opened.session.undo()
    assert strip.slider.value() == 55  # one drag, one step
    opened.key("6")
    assert strip.buttons["confidence"].isChecked()


def test_in_demo_mode_the_pane_names_the_layer_in_place_of_the_strip(opened):
    demo, strip = opened.window.actions_table.action("demo"), opened.parts.strip
    assert strip.isVisible()
    demo.trigger()
    assert strip.isHidden()
    assert opened.parts.grid.panes[1].composition.name == "prediction"
    demo.trigger()
    assert strip.isVisible()


def test_what_the_strip_shows_is_kept(qtbot, qapp, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    settings.strip = ["layers"]
    made = Opened(engine=FakeEngine(), settings=settings)
    try:
        assert made.parts.strip.parts == ("layers",)
        made.parts.strip.menu.actions()[1].trigger()
        assert settings.strip == ("layers", "opacity")
    finally:
        made.close()


def test_stages_of_one_drag_are_undone_together_and_the_last_is_remembered(opened, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    opened.window.state_actions._settings = settings
    choices, before = opened.window.state_actions, opened.session.state.models
    choices.stage(Models("one-1"), False)
    choices.stage(Models("one-2"), False)
    assert settings.recent_models == []
    choices.stage(Models("one-3"), True)
    assert settings.recent_models == ["one-3"]
    choices.stage(Models("one-4"), True)
    opened.session.undo()
    assert opened.session.state.models == Models("one-3")
    opened.session.undo()
    assert opened.session.state.models == before


def test_sizes_are_chosen_for_the_picture_on_show(opened):
    eps = opened.parts.attack.form.editors["eps"]
    opened.parts.attack.form.editors["norm"].buttons["L2"].click()
    values = opened.shown.frame.image.size
    assert opened.session.state.attack.options["eps"] == pytest.approx(8 / 255 * values**0.5)
    assert eps.levels.text() == "= 8.0/255 RMS"


def test_no_change_looks_at_the_disk(qtbot, qapp, tmp_path, monkeypatch):
    settings = Settings(tmp_path / "kept.ini")
    for number in range(12):
        settings.add_recent(f"/gone/{number}.png")
        settings.add_recent_model(f"/gone/{number}.safetensors")
    made = Opened(engine=FakeEngine(), settings=settings)
    try:
        qtbot.waitUntil(lambda: made.answered)
        qtbot.waitUntil(lambda: settings.recent + settings.recent_models == ["fake"])
        looked = []
        for name in ("stat", "scandir", "listdir"):
            real = getattr(os, name)

            def look(*given, real=real, **more):
                if threading.current_thread() is threading.main_thread():
                    looked.append(given)
                return real(*given, **more)

            monkeypatch.setattr(os, name, look)
        made.window.state_actions.models(Models("/gone/net-3.safetensors", "two"))
        made.parts.attack.attack_changed.emit(Attack(seed=4))
        made.window.state_actions.source(Source("fake", 2))
        assert str(made.parts.clip.options.out)
        dialog = ExportDialog(made.window.exporting._folder)
        qtbot.addWidget(dialog)
        assert dialog.chosen[0].name
        assert looked == []
        monkeypatch.undo()
    finally:
        made.close()


def test_what_cannot_be_opened_is_no_longer_recent(qtbot, opened, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    settings.add_recent("/gone/street.png")
    opened.window.state_actions._look_for_lost(settings)
    settings.add_recent("/gone/later.png")
    opened.window.state_actions.source(Source("/gone/later.png"))
    qtbot.waitUntil(lambda: opened.banners != [])
    qtbot.waitUntil(lambda: settings.recent == [])
    assert not opened.parts.source.recent.isEnabled()


def test_models_are_remembered(opened, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"weights")
    opened.window.state_actions._settings = opened.window.settings = settings
    opened.window.state_actions.models(Models("torchvision:fcn", str(own)))
    assert set(settings.recent_models) == {"torchvision:fcn", str(own)}
    chooser = opened.parts.models.a
    assert any("fcn" in chooser.combo.itemText(i) for i in range(chooser.combo.count()))


def test_values_that_are_typed_are_undone_one_by_one(opened):
    attack = opened.parts.attack
    for eps in (0.1, 0.2):
        attack.attack_changed.emit(opened.session.state.attack.with_options(eps=eps))
    opened.key("=")
    opened.key("=")
    opened.session.undo()
    assert opened.session.state.attack.options["eps"] == 0.2
    opened.session.undo()
    assert opened.session.state.attack.options["eps"] == 0.1


def test_what_is_painted_on_pictures_of_another_size_is_not_rubbed_out(opened):
    kept = Painted.of(np.ones((7, 5), bool))
    opened.change(with_attack, painted=kept)
    opened.parts.grid.painted.emit(np.zeros((36, 48), bool))
    opened.parts.attack.clear_mask.emit()
    assert opened.session.state.attack.painted == kept


def test_nobody_paints_on_the_pictures_of_a_clip(opened):
    goal = opened.parts.attack.goal
    goal.region.setCurrentIndex(goal.region.findData("painted"))
    goal.region.activated.emit(goal.region.currentIndex())
    assert opened.parts.grid._painting
    opened.controller.hold(True)
    assert not opened.parts.grid._painting
    goal.paint.click()
    goal.paint.click()
    assert not opened.parts.grid._painting
    opened.controller.hold(False)
    assert opened.parts.grid._painting
