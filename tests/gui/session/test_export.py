import csv
import errno
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from session_parts import MODELS, engine, events, of, picture, run

from art_segplugin.errors import InputError
from art_segplugin.evaluation.batches import Batch
from art_segplugin.evaluation.clip import ClipAttack
from art_segplugin.evaluation.model_refs import ModelRef
from art_segplugin.evaluation.numbers import Numbers, differences
from art_segplugin.evaluation.reproduce import reproduce
from art_segplugin.evaluation.reproduction import Reproduction
from art_segplugin.evaluation.runner import attacked_result, clean_result
from art_segplugin_gui.session.class_table import class_rows
from art_segplugin_gui.session.export import KINDS, export, numbers, reproduction
from art_segplugin_gui.session.export_job import Exported, curves_of
from art_segplugin_gui.session.export_pictures import layer, palette
from art_segplugin_gui.session.frames import Clean, Faded, Step
from art_segplugin_gui.session.plan import plan_of
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.shown import Shown
from art_segplugin_gui.session.state import LAYERS, State


def on_screen(number=None, share=None, **values):
    """What a window would show of a run at a point, and at a strength."""
    values.setdefault("options", {})
    values["options"] = {"eps": 0.05, **values["options"]}
    request = run(b=values.pop("b", "two"), **values)
    made = engine()
    found = events(made, replace(request, pause_at=number))
    steps = of(Step, found)
    step = steps[-1] if number is None else next(s for s in steps if s.number == number)
    faded = None
    if share is not None:
        b = None if step.b is None else step.b.exact
        fade = Fade(2, request.frame, request.models, share, step.a.exact, b)
        (faded,) = of(Faded, events(made, fade))
    shown = Shown(request.frame, of(Clean, found)[0], step, faded, 1.0 if share is None else share)
    return Exported(shown, request, State(), curves_of(steps), threads=1)


def load(spec):
    return MODELS[spec]()


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


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
        {"region": "class", "region_class": 3},
        {"region": "painted", "mask": np.arange(18 * 22).reshape(18, 22) % 4 == 0},
        {"region": "painted"},
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
    job = Exported(Shown(request.frame, clean), request, State())
    export(tmp_path, KINDS, job)
    assert list(reproduce(Reproduction.load(tmp_path), load=load)) == ["A clean"]
    assert not (tmp_path / "adversarial.png").exists()


def test_everything_at_once(tmp_path):
    job = on_screen()
    written = export(tmp_path / "new" / "folder", KINDS, job)
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(
        p.name for p in written
    )
    names = {path.name for path in written}
    assert {
        "clean.png", "clean-prediction.png", "adversarial.png", "adversarial-prediction.png",
        "adversarial-error.png", "adversarial-newly-wrong.png", "adversarial-healed.png",
        "adversarial-confidence.png", "adversarial-perturbation-x10.png", "adversarial-b.png",
        "labels.png", "figure.png", "classes.csv", "curve.csv", "numbers.json", "repro.json",
    } <= names  # fmt: skip


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


def test_tables_hold_the_figures_on_screen(tmp_path):
    job = on_screen()
    export(tmp_path, {"tables"}, job)
    rows = list(csv.DictReader((tmp_path / "classes.csv").open()))
    assert [row["class"] for row in rows] == list(job.clean.classes)
    for index, row in enumerate(rows):
        for name, clean, attacked in job.rows:
            before, after = (side.scores.class_iou[index] for side in (clean, attacked))
            assert float(row[f"{name} clean IoU"]) == before
            assert float(row[f"{name} adversarial IoU"]) == after
            assert float(row[f"{name} drop"]) == before - after
    points = list(csv.DictReader((tmp_path / "curve.csv").open()))
    assert [int(row["point"]) for row in points] == list(job.curves[0].numbers)
    assert float(points[-1]["A mIoU"]) == job.shown.step.a.scores.miou
    assert float(points[-1]["B error"]) == job.shown.step.b.scores.mis_ratio


def test_numbers_say_what_they_are_of(tmp_path):
    job = on_screen(frame=picture(labelled=False), share=0.5, seed=4)
    (path,) = export(tmp_path / "all.json", (), job)
    tree = json.loads(path.read_text())
    assert tree["reference"] == "clean prediction"
    assert tree["fade"] == 0.5
    assert tree["plan"]["seed"] == 4
    assert tree["plan"]["options"]["eps"] == 0.05
    assert tree["numbers"]["A clean"]["mis_ratio"] == 0
    assert tree["numbers"]["A adversarial"]["labelled"] is False
    assert tree["curves"][0]["name"] == "A"


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


def test_a_table_of_its_own(tmp_path):
    (path,) = export(tmp_path / "iou.csv", (), on_screen(b=None))
    assert path.read_text().startswith("class,reference,A clean IoU")


def test_before_the_first_prediction_there_is_nothing(tmp_path):
    job = Exported(Shown(), run(), State())
    for kind in KINDS:
        with pytest.raises(InputError, match="nothing to export"):
            export(tmp_path, {kind}, job)
    assert list(tmp_path.iterdir()) == []


def test_unknown_kinds_are_named(tmp_path):
    with pytest.raises(InputError, match="'song' cannot be exported"):
        export(tmp_path, {"song"}, on_screen())


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(kind, tmp_path, monkeypatch):
    job = on_screen()

    def full(method):
        def write(self, data, *rest, **more):
            method(self, data[:5], *rest, **more)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return write

    for name in ("write_bytes", "write_text"):
        monkeypatch.setattr(Path, name, full(getattr(Path, name)))
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device\.$"):
        export(tmp_path / "out", {kind}, job)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "out", tmp_path / "file" / "figure.png"):
        with pytest.raises(InputError, match=r"cannot write .*(Not a directory|File exists)\.$"):
            export(target, {"pictures"}, on_screen())


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


def test_files_of_an_earlier_export_do_not_stay(tmp_path):
    export(tmp_path, KINDS, on_screen(region="painted", mask=np.ones((18, 22), bool)))
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "adversarial-mine.png").write_bytes(b"mine")
    request = replace(run(frame=picture(labelled=False)), attack=None)
    (clean,) = of(Clean, events(engine(), request))
    job = Exported(Shown(request.frame, clean), request, State())
    before = {path.name for path in tmp_path.iterdir()}
    assert export(tmp_path, {"numbers"}, job) == [tmp_path / "numbers.json"]
    assert {path.name for path in tmp_path.iterdir()} == before  # of a kind that is not exported
    written = export(tmp_path, KINDS, job)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.png", "adversarial-mine.png", *(path.name for path in written)
    }  # fmt: skip


def test_a_folder_that_is_named_as_a_picture_stays(tmp_path):
    (tmp_path / "adversarial-b.png").mkdir()
    export(tmp_path, {"pictures"}, on_screen(b=None))
    assert (tmp_path / "adversarial-b.png").is_dir()


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
    assert numbers(job)["A adversarial"].confusion == theirs.counts
    assert ours.numbers["A exact"] == numbers(job)["A adversarial"]
    assert ours.numbers["B exact"] == numbers(job)["B adversarial"]
    first = on_screen(frame=replace(frame, index=0), recipe="pgd", transfer=transfer)
    assert not np.array_equal(exact, first.shown.step.a.exact)


def test_the_hash_is_that_of_the_model_as_it_was_loaded(tmp_path):
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"trained further since")
    job = on_screen()
    models = replace(job.request.models, a=str(path))
    clean = replace(job.clean, sha256=("a" * 64, None))
    job = replace(
        job,
        shown=replace(job.shown, clean=clean),
        request=replace(job.request, models=models),
    )
    assert reproduction(job).models.a.sha256 == "a" * 64
    path.unlink()
    assert reproduction(job).models.a == ModelRef(str(path), "a" * 64)
    with pytest.raises(InputError, match=r"own\.safetensors is gone; put it back"):
        reproduction(
            replace(job, shown=replace(job.shown, clean=replace(clean, sha256=(None,) * 2)))
        )


def test_a_point_of_other_settings_is_one_sentence(tmp_path):
    job = on_screen()
    job = replace(job, request=replace(job.request, attack=None))
    with pytest.raises(InputError, match="attack once more"):
        export(tmp_path, {"reproduction"}, job)


def test_what_a_class_loses_is_the_same_for_pictures_and_clips():
    nan = float("nan")
    sides = {
        name: Numbers(0.5, 0.5, iou, [[1]])
        for name, iou in (
            ("A clean", [0.75, 0.0, nan, nan]),
            ("A exact", [0.5, 0.0, 0.0, nan]),
            ("A 8-bit", [0.25, nan, 0.0, nan]),
        )
    }
    rows = class_rows(("road", "car", "sky", "tree"), sides, "8-bit")
    assert [str(row["A drop"]) for row in rows] == ["0.5", "nan", "nan", "nan"]
    assert [row["A exact IoU"] for row in rows][:3] == [0.5, 0.0, 0.0]
    assert {row["reference"] for row in rows} == {"labels"}
    rows = class_rows(
        ("road",), {k.replace("8-bit", "adversarial"): v for k, v in sides.items()}, "adversarial"
    )
    assert rows[0]["A drop"] == 0.5
