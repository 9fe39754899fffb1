"""The painted region of a run."""

import numpy as np
from director_parts import rerun
from gui_parts import FakeSource

from art_segplugin_gui.session.session import with_attack, with_source


def test_a_painted_region_reaches_the_run(qtbot, rig):
    made = rig()
    mask = np.zeros((18, 22), bool)
    mask[3:6] = True
    made.director.paint(mask)
    qtbot.wait(90)
    assert len(made.runs) == 1  # nobody asked for a painted region yet
    (found,) = rerun(qtbot, made, lambda: made.change(with_attack, region="painted"))
    assert found.mask is mask
    made.director.paint(None)
    qtbot.wait(90)
    assert len(made.runs) == 2  # nothing is painted: nothing is run
    assert made.shown.outdated
    made.director.run()  # but who asks gets an answer
    qtbot.waitUntil(lambda: len(made.runs) == 3)
    assert not made.runs[-1].mask.any()


def test_a_region_painted_on_a_picture_of_another_size_is_forgotten(qtbot, rig):
    made = rig(fake=FakeSource(), other=FakeSource("other", 2, shape=(20, 30)))
    made.director.paint(np.ones((18, 22), bool))
    rerun(qtbot, made, lambda: made.change(with_source, spec="other"))
    assert made.director.mask is None
    made.change(with_attack, region="painted")
    (found,) = rerun(qtbot, made, made.director.run)
    assert found.mask.shape == (20, 30)
