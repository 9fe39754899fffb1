import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction_problem import CLASSES, again, label_map, load, picture, plan, reproduction

from art_segplugin.errors import InputError
from art_segplugin.evaluation.documents import from_plain, to_plain
from art_segplugin.evaluation.model_refs import ModelPair, ModelRef, is_code, model_ref, open_model
from art_segplugin.evaluation.pipeline import Goal, clean_picture, shown
from art_segplugin.evaluation.repro import Reproduction, kind_of, reproduce, torch_threads
from art_segplugin.evaluation.scores import Scores, differences, scores_from


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"labels": None},
        {"plan": None},
        {"point": 2},
        {"point": 0},
        {"fade": 0.5, "point": 2},
        {"fade": 1.0},
        {"models": ModelPair(ModelRef("a"))},
        {"models": ModelPair(ModelRef("a"), ModelRef("b"), transfer=False)},
        {"plan": plan(restarts=2, norm="L2", eps=1.0)},
        {"plan": plan(restarts=2), "point": 6},
        {"plan": plan("apgd")},
        {"plan": plan("temperature-sweep", steps=2)},
        {"plan": plan(goal=Goal(1, 2))},
        {"plan": plan(region="class", region_class=3)},
        {"plan": plan(region="painted"), "mask": np.arange(14 * 18).reshape(14, 18) % 3 == 0},
    ],
    ids=str,
)
def test_replays_to_identical_figures_from_its_file(values, tmp_path):
    made = reproduction(**values)
    read, found = again(made, tmp_path)
    assert list(found) == list(made.numbers)
    assert differences(made.numbers, found) == []
    assert differences(read.numbers, found) == []
    for side, numbers in found.items():  # NaN is no number, so compared as text
        assert str(numbers) == str(read.numbers[side])
    if made.plan is not None:
        assert found["A adversarial"].distance > 0


def test_the_answer_is_what_the_library_s_attack_gives():
    made = reproduction(plan=plan(restarts=2))
    model = load("a").requires_grad_(False)
    clean = clean_picture(model, made.image, made.labels)
    attack = made.plan.build(clean)
    x_adv = attack(
        model, clean.x, clean.reference, generator=torch.Generator().manual_seed(7 * 1_000_003)
    )
    wrong = (model(x_adv).argmax(1) != clean.reference) & (clean.reference != 255)
    share = float(wrong.sum() / (clean.reference != 255).sum())
    assert made.numbers["A adversarial"].mis_ratio == pytest.approx(share, abs=1e-7)
    assert made.numbers["A clean"].mis_ratio < share


def test_points_and_strengths_give_other_figures():
    sides = [
        reproduction(**values).numbers["A adversarial"]
        for values in ({"point": 0}, {"point": 3}, {"fade": 0.5}, {"fade": 1.5})
    ]
    assert len({(one.mis_ratio, one.distance) for one in sides}) == 4
    assert sides[2].distance < 0.05 < sides[3].distance


def test_only_the_painted_pixels_change():
    mask = np.zeros((14, 18), bool)
    mask[:5] = True
    clean = clean_picture(load("a"), picture(), None)
    *_, last = plan(region="painted").iterates(clean, mask)
    change = (shown(clean, last, answer=True)[0] - clean.x).abs().amax((0, 1)).numpy()
    assert change[mask].max() > 0
    assert change[~mask].max() == 0


def test_labels_that_are_no_classes_are_not_used():
    labels = np.full((14, 18), 77, np.uint8)
    clean = clean_picture(load("a"), picture(), labels, "street")
    assert not clean.labelled
    assert "The labels of street are not used" in clean.warning
    assert bool((clean.reference == clean.logits.argmax(1)).all())


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_another_number_is_named():
    made = reproduction()
    numbers = dict(made.numbers)
    side = numbers["A adversarial"]
    iou = [0.25, *side.class_iou[1:]]
    numbers["A adversarial"] = replace(side, miou=side.miou + 1e-3, class_iou=iou)
    lines = differences(made.numbers, numbers)
    assert [line.split(" ")[2] for line in lines] == ["mIoU", "IoU"]
    assert differences(made.numbers, numbers, tolerance=1.0) == []
    del numbers["B clean"]
    assert "B clean: recorded, but not there now" in differences(made.numbers, numbers)
    counts = replace(side, confusion=[[0] * CLASSES] * CLASSES)
    changed = made.numbers | {"A adversarial": counts}
    assert differences(made.numbers, changed) == ["A adversarial: other confusion counts"]


def test_the_file_holds_no_nan(tmp_path):
    labels = np.where(label_map() == 2, 1, label_map())
    made = reproduction(labels=labels, models=ModelPair(ModelRef("a")), plan=None)
    made = replace(
        made, numbers={"A clean": replace(made.numbers["A clean"], class_iou=[math.nan])}
    )
    path, *_ = made.save(tmp_path)
    assert "NaN" not in path.read_text()
    assert math.isnan(Reproduction.load(path).numbers["A clean"].class_iou[0])
    assert kind_of(path.read_text()) == "picture"


def test_models_are_told_by_their_files(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"one")
    ref = model_ref(str(path))
    assert ref.spec == str(path)
    assert len(ref.sha256) == 64
    path.write_bytes(b"two")
    with pytest.raises(InputError, match="not the one that was recorded"):
        open_model(ref, "cpu", load=lambda _: load("a"))
    path.unlink()
    with pytest.raises(InputError, match="is not there"):
        open_model(ref, "cpu", load=lambda _: load("a"))
    assert model_ref("small-scenes").spec == "small-scenes"
    assert model_ref("torchvision:fcn") == ModelRef("torchvision:fcn")


def test_code_is_run_on_demand_only(tmp_path):
    code = tmp_path / "own.py"
    code.write_text("def make(): ...")
    ref = model_ref(f"{code}:make")
    assert ref.spec == f"{code}:make"
    assert ref.sha256
    assert is_code(ref.spec)
    assert is_code("package.module:function")
    assert is_code("hub:owner/repo:entry")
    assert not is_code("hf:name")
    assert not is_code("small-scenes")
    with pytest.raises(InputError, match="--run-code"):
        open_model(ref, "cpu", load=lambda _: load("a"))
    assert open_model(ref, "cpu", run_code=True, load=lambda _: load("a")).classes == CLASSES


counts = st.lists(st.lists(st.integers(0, 2**40), min_size=3, max_size=3), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(counts, st.floats(0, 3), st.booleans())
def test_figures_come_back_from_json_to_the_last_bit(table, distance, labelled):
    made = scores_from(torch.tensor(table), distance, labelled=labelled)
    text = json.dumps(to_plain(made), allow_nan=False)
    read = from_plain(Scores, json.loads(text))
    assert differences({"A": made}, {"A": read}) == []
    assert str(read) == str(made)


def test_the_position_of_the_picture_is_kept(tmp_path):
    made = reproduction(index=7, labels=None, plan=plan(steps=1))
    read, found = again(made, tmp_path)
    assert read.index == 7
    assert differences(made.numbers, found) == []
    first = reproduction(labels=None, plan=plan(steps=1))
    assert differences(made.numbers, first.numbers)
    tree = json.loads((tmp_path / "repro.json").read_text())
    del tree["index"]  # as format 1 was
    (tmp_path / "repro.json").write_text(json.dumps(tree | {"format": 1}))
    read = Reproduction.load(tmp_path)
    assert read.index == 0
    assert differences(first.numbers, reproduce(read, load=load)) == []


def test_a_hash_that_is_known_is_not_read_again(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"other")
    assert model_ref(str(path), "a" * 64) == ModelRef(str(path), "a" * 64)
    path.unlink()
    assert model_ref(str(path), "a" * 64) == ModelRef(str(path), "a" * 64)
    with pytest.raises(InputError, match="is gone; put it back"):
        model_ref(str(path))
    assert model_ref("torchvision:fcn", None) == ModelRef("torchvision:fcn")
