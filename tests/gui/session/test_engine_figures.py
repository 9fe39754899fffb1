"""The figures of the engine are the library's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from session_parts import MODELS, engine, events, of, picture, run

from art_segplugin.attacks import RECIPES, named
from art_segplugin.attacks.registry import parameters
from art_segplugin.evaluation.dataset import Batch, attacked_result, clean_result
from art_segplugin.evaluation.pipeline import Goal
from art_segplugin.metrics import iou_per_class, mean_iou, mis_ratio
from art_segplugin.scores import target_text
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.figures import summary
from art_segplugin_gui.session.frames import Clean, Faded, Step
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.request import Fade


def library(frame, spec, attack, goal=None, mask=None):
    """Counts of the clean and the attacked picture by the functions behind `evaluate`."""
    model = MODELS[spec]()
    image = torch.from_numpy(frame.image.astype(np.float32) / 255).movedim(-1, 0)[None].contiguous()
    labels = None if frame.labels is None else torch.from_numpy(frame.labels.astype(np.int64))[None]
    batch = Batch(0, [frame.name], image, labels)
    clean, reference = clean_result(model, batch)
    mask = None if mask is None else torch.from_numpy(mask)[None]
    attacked = attacked_result(model, batch, reference, attack, 0, 1, goal or Goal(), mask)
    return torch.tensor(clean.counts), torch.tensor(attacked.counts), attacked


def same(scores, counts):
    np.testing.assert_array_equal(scores.confusion, counts.numpy())
    assert scores.miou == mean_iou(counts)
    assert scores.mis_ratio == mis_ratio(counts)
    np.testing.assert_array_equal(scores.class_iou, iou_per_class(counts).numpy())


@pytest.mark.parametrize("recipe", RECIPES)
def test_figures_are_those_of_evaluate(recipe):
    frame = picture()
    found = events(engine(), run(frame=frame, recipe=recipe))
    options = {"steps": 3} if "steps" in parameters(recipe) else {}
    clean, attacked, result = library(frame, "one", named(recipe, **options))
    (first,), last = of(Clean, found), of(Step, found)[-1]
    assert first.labelled
    same(first.a.scores, clean)
    assert last.answer
    assert last.number == last.total
    same(last.a.scores, attacked)
    np.testing.assert_array_equal(last.a.exact, result.adversarial[0].numpy())
    assert last.a.distance == pytest.approx(result.largest_distance)
    assert of(Step, found)[0].number == 0


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_other_values_reach_the_attack(norm):
    frame = picture()
    options = {"eps": 0.2 if norm == "2" else 0.01, "step_size": 0.1, "norm": norm, "restarts": 2}
    last = of(Step, events(engine(), run(frame=frame, options=options)))[-1]
    _, attacked, result = library(frame, "one", named("segpgd", steps=3, **options))
    same(last.a.scores, attacked)
    assert last.total == 2 * (3 + 1) - 1
    assert last.a.distance == pytest.approx(result.largest_distance)
    assert last.a.distance <= options["eps"] * 1.0001


def test_one_class_taken_for_another_and_only_where_a_class_is():
    frame = picture()
    request = run(frame=frame, goal="class", from_class=1, to_class=2, region="class")
    request = replace(request, attack=replace(request.attack, region_class=3))
    last = of(Step, events(engine(), request))[-1]
    mask = frame.labels == 3
    _, attacked, _ = library(
        frame, "one", named("segpgd", steps=3, targeted=True), Goal(1, 2), mask
    )
    same(last.a.scores, attacked)
    changed = (last.a.delta != 127).any(2)
    assert changed.any()
    assert not changed[~mask].any()


def test_what_a_target_came_to_is_shown_beside_the_image():
    frame = picture()
    chosen = {"goal": "class", "from_class": 1, "to_class": 2, "keep": True}
    request = run(frame=frame, recipe="keep-pgd", options={"eps": 0.3}, **chosen)
    found = events(engine(), request)
    (first,), last = of(Clean, found), of(Step, found)[-1]
    attack = named("keep-pgd", steps=3, eps=0.3, targeted=True)
    _, attacked, result = library(frame, "one", attack, Goal(1, 2, keep=True))
    same(last.a.scores, attacked)
    assert last.a.scores.target == result.images[0].target
    assert last.a.scores.reached > 0
    assert first.a.scores.target is None
    line = summary(last.a, labelled=True)
    assert line.startswith(target_text(last.a.scores))
    assert "  mIoU " in line


def test_a_painted_region_keeps_the_rest_as_it_was():
    frame = picture()
    mask = np.zeros(frame.image.shape[:2], dtype=bool)
    mask[4:9, 3:12] = True
    last = of(Step, events(engine(), run(frame=frame, region="painted", painted=Painted.of(mask))))[
        -1
    ]
    np.testing.assert_array_equal(last.a.image[~mask], frame.image[~mask])
    assert (last.a.image[mask] != frame.image[mask]).any()


def test_without_labels_the_clean_prediction_is_the_reference():
    frame = picture(labelled=False)
    found = events(engine(), run(frame=frame))
    (clean,) = of(Clean, found)
    assert not clean.labelled
    assert clean.a.scores.mis_ratio == 0
    np.testing.assert_array_equal(clean.a.reference, clean.a.prediction)
    _, attacked, _ = library(frame, "one", named("segpgd", steps=3))
    same(of(Step, found)[-1].a.scores, attacked)


def test_quick_is_one_step_of_the_length_of_the_radius():
    frame = picture()
    found = of(Step, events(engine(), run(frame=frame, quick=True, options={"eps": 0.05})))
    attack = named("segpgd", steps=1, eps=0.05, step_size=0.05)
    _, attacked, _ = library(frame, "one", attack)
    assert [step.number for step in found][-1] == 1
    same(found[-1].a.scores, attacked)


def test_fade_is_a_forward_of_the_blend():
    frame, made = picture(), engine()
    last = of(Step, events(made, run(frame=frame)))[-1]
    request = Fade(2, frame, run().models, 0.5, last.a.exact)
    (faded,) = of(Faded, events(made, request))
    x = torch.from_numpy(frame.image.astype(np.float32) / 255).movedim(-1, 0)
    blend = (x + 0.5 * (torch.from_numpy(last.a.exact) - x)).clamp(0, 1)
    np.testing.assert_allclose(faded.a.exact, blend.numpy(), atol=1e-7)
    logits = MODELS["one"]()(blend[None])
    np.testing.assert_array_equal(faded.a.prediction, logits.argmax(1)[0].numpy())
    assert faded.a.distance == pytest.approx(last.a.distance / 2, rel=0.1)
    (whole,) = of(Faded, events(made, replace(request, rev=3, share=1.0)))
    assert whole.a.scores.miou == last.a.scores.miou


def test_what_was_sent_is_not_written_into_again():
    made, kept = engine(), []
    for event in run().run(made, CancelToken()):
        if isinstance(event, Step):
            arrays = (event.a.exact, event.a.image, event.a.prediction, event.a.weights)
            kept.append([(array, None if array is None else array.copy()) for array in arrays])
    assert len(kept) >= 2
    for pairs in kept:
        for array, copy in pairs:
            np.testing.assert_array_equal(array, copy)


@pytest.mark.gpu
def test_on_cuda_the_figures_stay_close_to_those_of_the_cpu():
    on_gpu = Engine("cuda", load=lambda spec: MODELS[spec]())
    request = run(options={"steps": 1, "random_start": False})
    gpu, cpu = (of(Step, events(made, request))[-1] for made in (on_gpu, engine()))
    assert (gpu.a.prediction == cpu.a.prediction).mean() > 0.99


def test_the_random_start_is_that_of_the_picture_in_its_source():
    frame = picture(index=5)
    last = of(Step, events(engine(), run(frame=frame)))[-1]
    model = MODELS["one"]()
    image = torch.from_numpy(frame.image.astype(np.float32) / 255).movedim(-1, 0)[None]
    labels = torch.from_numpy(frame.labels.astype(np.int64))[None]
    batch = Batch(5, ["five"], image.contiguous(), labels)
    model.validate(batch.images)
    result = attacked_result(model, batch, labels, named("segpgd", steps=3), 0, 1)
    np.testing.assert_array_equal(last.a.exact, result.adversarial[0].numpy())
