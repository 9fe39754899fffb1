"""Exported pictures and figures."""

from dataclasses import replace

import numpy as np
import pytest
from export_parts import on_screen, pixels

from art_segplugin_gui.session.export import export
from art_segplugin_gui.session.export_pictures import layer, palette
from art_segplugin_gui.session.state import LAYERS, State


def test_pictures_are_exact(tmp_path):
    job = on_screen(options={"eps": 3.4 / 255})
    export(tmp_path, {"pictures"}, job)
    clean, attacked = pixels(tmp_path / "clean.png"), pixels(tmp_path / "adversarial.png")
    assert np.array_equal(clean, job.frame.image)
    assert np.array_equal(pixels(tmp_path / "labels.png"), job.frame.labels)
    assert np.abs(attacked - clean).max() == 3
    exact = job.shown.step.a.exact.transpose(1, 2, 0) * 255
    assert np.abs(attacked - exact).max() < 1
    side = job.shown.step.a
    newly = (side.prediction != side.reference) & (side.reference != 255)
    newly &= job.clean.a.prediction == job.clean.a.reference
    marked = pixels(tmp_path / "adversarial-newly-wrong.png")
    red = marked[..., 0] > marked[..., 1] + 60
    assert newly.any()
    assert np.array_equal(red, newly)
    assert np.array_equal(pixels(tmp_path / "adversarial-confidence.png"), side.confidence)
    assert np.array_equal(pixels(tmp_path / "adversarial-perturbation-x10.png"), side.delta)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_figures(suffix, start, tmp_path):
    job = on_screen()
    (path,) = export(tmp_path / f"panes{suffix}", (), job)
    assert path.read_bytes().startswith(start)
    if suffix == ".png":
        drawn = pixels(path)[..., :3]
        assert 1300 < drawn.shape[1] < 1480
        for edge in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]):
            assert (edge == 255).all()  # nothing is cut off
        assert drawn.std() > 20
        (other,) = export(tmp_path / "other.png", (), on_screen(share=0.2))
        assert pixels(other).shape != pixels(path).shape or (pixels(other) != pixels(path)).any()


def test_every_layer_is_a_picture_of_its_own():
    job = on_screen(number=1, b=None)
    side, clean = job.shown.step.a, job.clean.a
    drawn = {name: layer(side, clean, palette(job.clean), name, 0.6) for name in LAYERS}
    assert all(one.shape == side.image.shape and one.dtype == np.uint8 for one in drawn.values())
    assert len({one.tobytes() for one in drawn.values()}) == len(LAYERS)
    assert np.array_equal(drawn["image"], side.image)
    assert np.array_equal(drawn["weights"][..., 0], side.weights)


def test_the_figure_shows_the_layer_of_the_panes(tmp_path):
    job = on_screen(b=None)
    view = replace(State().view, layer="perturbation")
    (first,) = export(tmp_path / "first.png", (), job)
    (second,) = export(tmp_path / "second.png", (), replace(job, state=replace(State(), view=view)))
    assert pixels(first).shape == pixels(second).shape
    assert (pixels(first) != pixels(second)).mean() > 0.05
