"""The painted region of a run."""

import numpy as np
from controller_parts import rerun
from gui_parts import FakeSource
from session_parts import picture

from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.session import with_attack, with_source


def test_a_painted_region_reaches_the_run(qtbot, rig):
    made = rig()
    mask = np.zeros((18, 22), bool)
    mask[3:6] = True
    made.change(with_attack, painted=Painted.of(mask))
    qtbot.wait(90)
    assert len(made.runs) == 1  # nobody asked for a painted region yet
    (found,) = rerun(qtbot, made, lambda: made.change(with_attack, region="painted"))
    assert np.array_equal(found.attack.mask, mask)
    (found,) = rerun(qtbot, made, lambda: made.change(with_attack, painted=Painted.of(~mask)))
    assert np.array_equal(found.attack.mask, ~mask)
    made.change(with_attack, painted=None)
    qtbot.wait(90)
    assert len(made.runs) == 3  # nothing is painted: nothing is run
    assert made.shown.outdated
    made.controller.run()  # but who asks gets an answer
    qtbot.waitUntil(lambda: len(made.runs) == 4)
    assert made.runs[-1].attack.mask is None


def test_a_region_counts_for_pictures_of_its_size(qtbot, rig):
    made = rig(fake=FakeSource(), other=FakeSource("other", 2, shape=(20, 30)))
    told = []
    made.controller.mask_changed.connect(told.append)
    made.change(with_attack, painted=Painted.of(np.ones((18, 22), bool)), region="painted")
    qtbot.waitUntil(lambda: made.at_rest)
    made.change(with_source, spec="other")
    qtbot.waitUntil(lambda: made.shown.frame.name == "other-0")
    assert made.controller.mask is None
    (found,) = rerun(qtbot, made, lambda: made.change(with_source, spec="fake"))
    assert found.attack.mask.all()
    assert [mask is None for mask in told] == [False, True, False]


def test_the_region_goes_and_comes_with_the_picture_on_show(rig):
    made, told = rig(), []
    made.change(with_attack, painted=Painted.of(np.ones((18, 22), bool)))
    made.controller.mask_changed.connect(told.append)
    here = made.shown.frame
    made.controller.show(frame=picture((20, 30)), clean=None, step=None)  # as a clip shows its own
    made.controller.show(frame=here)
    assert [mask is None for mask in told] == [True, False]
