"""What the window says is what the library computes for the same request."""

import numpy as np
import pytest
import torch
from session_parts import MODELS

from art_segplugin.attacks import named
from art_segplugin.evaluation.dataset import Batch, attacked_result, clean_result
from art_segplugin.evaluation.pipeline import Goal
from art_segplugin.metrics import iou_per_class, mean_iou, mis_ratio
from art_segplugin_gui.session.figures import percent, share
from art_segplugin_gui.session.session import with_attack, with_models


def library(frame, spec, attack):
    """Counts of the clean and the attacked picture, by the functions behind `evaluate`."""
    model = MODELS[spec]()
    image = torch.from_numpy(frame.image.astype(np.float32) / 255).movedim(-1, 0)[None].contiguous()
    labels = torch.from_numpy(frame.labels.astype(np.int64))[None]
    batch = Batch(0, [frame.name], image, labels)
    clean, reference = clean_result(model, batch)
    attacked = attacked_result(model, batch, reference, attack, 0, 1, Goal(), None)
    return torch.tensor(clean.counts), torch.tensor(attacked.counts)


def written(counts):
    return f"mIoU {share(mean_iou(counts))}  error {percent(mis_ratio(counts))}"


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("segpgd", {"steps": 3}),
        ("pgd", {"steps": 4, "eps": 0.02, "step_size": 0.01}),
        ("segpgd", {"steps": 3, "norm": "2", "eps": 0.5, "step_size": 0.2}),
        ("fgsm", {}),
    ],
)
def test_captions_bars_confusion_and_status(qtbot, open_window, recipe, options):
    made = open_window()
    before = made.shown.step
    made.change(with_attack, recipe=recipe, options=options)
    if (recipe, options) != ("segpgd", {"steps": 3}):
        qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)
    clean, attacked = library(made.shown.frame, "one", named(recipe, **options))
    panes = made.parts.grid.panes
    assert panes[0].caption.figures == written(clean)
    assert panes[1].caption.figures == written(attacked)
    area = made.parts.bars.area
    for index, (first, second) in enumerate(
        zip(iou_per_class(clean).tolist(), iou_per_class(attacked).tolist(), strict=True)
    ):
        assert f"{share(first)} clean, {share(second)} adversarial" in area.words(index)
    made.parts.charts.setCurrentWidget(made.parts.confusion)
    made.parts.confusion.set_shown("adversarial")
    pixels = int(attacked[1, 2])
    matrix = made.parts.confusion.matrix
    qtbot.mouseMove(matrix, matrix.cell_rect(1, 2).center().toPoint())
    assert matrix._data.words(1, 2, "adversarial").split(": ")[1].startswith(f"{pixels} px")
    np.testing.assert_array_equal(made.shown.attacked_a.scores.confusion, attacked.numpy())
    legend = [key.value for key in made.parts.curve.legend.shown()]
    assert legend == [share(mean_iou(attacked)), percent(mis_ratio(attacked))]
    rate = made.window.view.adversarial_rates[0]
    assert rate == mis_ratio(attacked)
    assert "ms/step" in made.parts.status.pace.text()


def test_b_under_its_own_attack(qtbot, open_window):
    made = open_window()
    made.change(with_models, b="two", transfer=False)
    qtbot.waitUntil(lambda: made.answered and made.shown.step.b is not None)
    for pane, spec in ((0, "one"), (2, "two")):
        clean, attacked = library(made.shown.frame, spec, named("segpgd", steps=3))
        assert made.parts.grid.panes[pane].caption.figures == written(clean)
        assert made.parts.grid.panes[pane + 1].caption.figures == written(attacked)
