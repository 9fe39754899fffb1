"""What is exported replays to the figures on screen."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from export_parts import load, on_screen
from session_parts import engine, events, of, picture, run

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipAttack
from art_segplugin.evaluation.dataset import Batch, attacked_result, clean_result
from art_segplugin.evaluation.model_refs import ModelRef
from art_segplugin.evaluation.repro import Reproduction, reproduce
from art_segplugin.evaluation.scores import differences
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.export import KINDS, export, numbers, reproduction
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.frames import Clean
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.plan import plan_of
from art_segplugin_gui.session.state import State


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"b": None},
        {"number": 2},
        {"number": 0, "transfer": False},
        {"transfer": False},
        {"share": 0.4},
        {"share": 1.5, "number": 1},
        {"share": 0.5, "transfer": False, "options": {"restarts": 2}},
        {"frame": picture(labelled=False), "seed": 4},
        {"recipe": "apgd"},
        {"recipe": "temperature-sweep", "options": {"steps": 1}},
        {"quick": True},
        {"goal": "class", "from_class": 1, "to_class": 2},
        {"goal": "class", "from_class": 1, "to_class": 2, "keep": True},
        {"region": "class", "region_class": 3},
        {"region": "painted", "painted": Painted.of(np.arange(18 * 22).reshape(18, 22) % 4 == 0)},
    ],
    ids=lambda values: "-".join(values) or "answer",
)
def test_replays_to_the_figures_on_screen(values, tmp_path):
    job = on_screen(**values)
    export(tmp_path, {"reproduction"}, job)
    read = Reproduction.load(tmp_path)
    assert differences(numbers(job), read.numbers) == []
    found = reproduce(read, load=load)
    assert differences(read.numbers, found) == []
    assert found["A adversarial"].mis_ratio == job.shown.attacked_a.scores.mis_ratio
    assert found["A adversarial"].distance == job.shown.attacked_a.distance > 0
    assert ("B clean" in found) is (values.get("b", "two") is not None)


def test_a_clean_prediction_replays_too(tmp_path):
    request = replace(run(), attack=None)
    (clean,) = of(Clean, events(engine(), request))
    job = Exported(DisplayState(request.frame, clean), request, State())
    export(tmp_path, KINDS, job)
    assert list(reproduce(Reproduction.load(tmp_path), load=load)) == ["A clean"]
    assert not (tmp_path / "adversarial.png").exists()


def test_a_model_whose_file_was_changed_is_said(tmp_path):
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"weights")
    job = on_screen(b=None)
    models = replace(job.request.models, a=str(path))
    export(
        tmp_path / "out",
        {"reproduction"},
        replace(job, request=replace(job.request, models=models)),
    )
    path.write_bytes(b"others")
    with pytest.raises(InputError, match="not the one that was recorded"):
        reproduce(Reproduction.load(tmp_path / "out"), load=lambda _: load("one"))


def test_classes_that_are_nowhere_have_no_figure(tmp_path):
    frame = picture()
    frame = replace(frame, labels=np.zeros_like(frame.labels))
    job = on_screen(frame=frame, b=None)
    export(tmp_path, {"tables", "numbers", "reproduction"}, job)
    assert "NaN" not in (tmp_path / "numbers.json").read_text()
    found = reproduce(Reproduction.load(tmp_path), load=load)
    assert [math.isnan(v) for v in found["A clean"].class_iou] == [
        bool(v) for v in np.isnan(job.clean.a.scores.class_iou)
    ]


@pytest.mark.parametrize("transfer", [True, False])
def test_the_position_of_the_picture_is_that_of_evaluate(transfer, tmp_path):
    """The same start for picture 7 live, in an export, in a clip and in a data set."""
    frame = picture(index=7)
    job = on_screen(frame=frame, recipe="pgd", transfer=transfer)
    export(tmp_path, {"reproduction"}, job)
    assert Reproduction.load(tmp_path).index == 7
    assert reproduce(Reproduction.load(tmp_path), load=load) == numbers(job)
    plan = plan_of(job.request.attack)
    model = load("one").requires_grad_(False)
    image = torch.from_numpy(frame.image / np.float32(255)).movedim(-1, 0)[None].contiguous()
    batch = Batch(7, ["7"], image, torch.from_numpy(frame.labels.astype(np.int64))[None])
    _, reference = clean_result(model, batch)
    theirs = attacked_result(model, batch, reference, plan.attack, 0, 1)
    other = load("two").requires_grad_(False)
    clip = ClipAttack(model, other, plan, transfer=transfer)
    ours = clip.attack(7, frame.image, frame.labels)
    exact = job.shown.step.a.exact
    np.testing.assert_array_equal(exact, theirs.adversarial[0].numpy())
    np.testing.assert_array_equal(exact, ours.a.x_adv[0].numpy())
    assert numbers(job)["A adversarial"].confusion.tolist() == theirs.counts
    assert ours.numbers["A exact"] == numbers(job)["A adversarial"]
    assert ours.numbers["B exact"] == numbers(job)["B adversarial"]
    first = on_screen(frame=replace(frame, index=0), recipe="pgd", transfer=transfer)
    assert not np.array_equal(exact, first.shown.step.a.exact)


def with_hashes(clean, hashes):
    return replace(clean, identity=clean.identity.loaded(hashes))


def test_the_hash_is_that_of_the_model_as_it_was_loaded(tmp_path):
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"trained further since")
    job = on_screen()
    models = replace(job.request.models, a=str(path))
    clean = with_hashes(job.clean, ("a" * 64, None))
    job = replace(
        job,
        shown=replace(job.shown, clean=clean),
        request=replace(job.request, models=models),
    )
    assert reproduction(job).models.a.sha256 == "a" * 64
    path.unlink()
    assert reproduction(job).models.a == ModelRef(str(path), "a" * 64)
    with pytest.raises(InputError, match=r"own\.safetensors is gone; put it back"):
        reproduction(replace(job, shown=replace(job.shown, clean=with_hashes(clean, (None, None)))))


def test_a_point_of_other_settings_is_one_sentence(tmp_path):
    job = on_screen()
    job = replace(job, request=replace(job.request, attack=None))
    with pytest.raises(InputError, match="attack once more"):
        export(tmp_path, {"reproduction"}, job)
