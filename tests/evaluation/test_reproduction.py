import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import TinyNet

from art_segplugin.attacks import RECIPES, named
from art_segplugin.attacks.registry import parameters
from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import AttackPlan, shown
from art_segplugin.evaluation.goal import ANY_WRONG, Goal
from art_segplugin.evaluation.json_tree import from_plain, to_plain
from art_segplugin.evaluation.model_refs import ModelPair, ModelRef, is_code, model_ref, open_model
from art_segplugin.evaluation.numbers import Numbers, differences, numbers_from
from art_segplugin.evaluation.picture import clean_picture
from art_segplugin.evaluation.reproduce import reproduce
from art_segplugin.evaluation.reproduction import Reproduction, kind_of, torch_threads
from art_segplugin.models import Segmenter

CLASSES = 4


def load(spec):
    """Model "a" or "b": random weights, the same each time."""
    torch.manual_seed(ord(spec[-1]))
    network = TinyNet(CLASSES)
    with torch.no_grad():
        network.head.weight *= 4
    return Segmenter(network, classes=CLASSES).eval()


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (14, 18, 3), dtype=np.uint8)


def label_map():
    labels = np.random.default_rng(1).integers(0, CLASSES, (14, 18), dtype=np.uint8)
    labels[0] = 255
    return labels


def plan(recipe="segpgd", goal=ANY_WRONG, region="everywhere", region_class=0, **options):
    options = {"steps": 3, "eps": 0.05, **options}
    attack = named(recipe, targeted=goal.targeted, **options)
    return AttackPlan.of(attack, goal, region, region_class, seed=7)


def reproduction(**values):
    values = {
        "image": picture(),
        "labels": label_map(),
        "models": ModelPair(ModelRef("a"), ModelRef("b")),
        "plan": plan(),
        "threads": 1,
        "numbers": {},
        **values,
    }
    made = Reproduction(**values)
    return replace(made, numbers=reproduce(made, load=load))


def again(made, folder):
    made.save(folder)
    read = Reproduction.load(folder)
    return read, reproduce(read, load=load)


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


def edited(folder, **changes):
    path = folder / "repro.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"kind": "song"}, "no repro.json"),
        ({"kind": "clip"}, "is of a clip"),
        ({"threads": "two"}, "damaged"),
        ({"more": 1}, "damaged"),
        ({"image": {"name": "../x.png", "sha256": ""}}, "not in the folder"),
        ({"plan": {"recipe": "segpgd"}}, "damaged"),
    ],
)
def test_bad_values_are_said(changes, message, tmp_path):
    reproduction().save(tmp_path)
    edited(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        Reproduction.load(tmp_path)


def test_missing_and_changed_files_are_said(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        Reproduction.load(tmp_path)
    made = reproduction()
    json_file, image, *_ = made.save(tmp_path)
    assert json_file.name == "repro.json"
    image.write_bytes(image.read_bytes() + b" ")
    with pytest.raises(InputError, match="was changed"):
        Reproduction.load(json_file)
    image.unlink()
    with pytest.raises(InputError, match="missing"):
        Reproduction.load(json_file)
    json_file.write_text("no json")
    with pytest.raises(InputError, match="no repro"):
        Reproduction.load(json_file)


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
    assert not is_code("hf:name")
    assert not is_code("small-scenes")
    with pytest.raises(InputError, match="--run-code"):
        open_model(ref, "cpu", load=lambda _: load("a"))
    assert open_model(ref, "cpu", run_code=True, load=lambda _: load("a")).classes == CLASSES


counts = st.lists(st.lists(st.integers(0, 2**40), min_size=3, max_size=3), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(counts, st.floats(0, 3), st.booleans())
def test_figures_come_back_from_json_to_the_last_bit(table, distance, labelled):
    made = numbers_from(torch.tensor(table), distance, labelled=labelled)
    text = json.dumps(to_plain(made), allow_nan=False)
    read = from_plain(Numbers, json.loads(text))
    assert differences({"A": made}, {"A": read}) == []
    assert str(read) == str(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"targeted": True}}, "option 'targeted' follows from the goal"),
        ({"options": {"ignore_index": 0}}, "option 'ignore_index' follows"),
        ({"options": {"bounds": 3}}, "option 'bounds' follows"),
        ({"seed": 10**30}, "seed is 1000000000000000000000000000000; give a whole number from 0"),
        ({"seed": -1}, "seed is -1"),
        ({"region": "moon"}, "region 'moon' is unknown"),
        ({"options": {"norm": [1]}}, r"options \{'norm': \[1\].* do not fit attack 'segpgd'"),
        ({"options": {"eps": True}}, "option 'eps' is True; give a value such as"),
        ({"options": {"eps": 10**30}}, "option 'eps' is 1000"),
        ({"recipe": "pgd", "options": {"weighting": "x"}}, "'weighting'"),
        ({"options": {"steps": "x"}}, "steps.* 'x'"),
        ({"region": "class", "region_class": 77}, "region 77 is no class; give 0 to 3"),
    ],
    ids=str,
)
def test_plans_of_strangers_are_one_sentence(changes, message, tmp_path):
    reproduction().save(tmp_path)
    tree = json.loads((tmp_path / "repro.json").read_text())
    edited(tmp_path, plan=tree["plan"] | changes)
    with pytest.raises(InputError, match=message):
        reproduce(Reproduction.load(tmp_path), load=load)


OPTIONS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.lists(st.integers(-2, 2), max_size=2), st.dictionaries(st.just("a"), st.just(1)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(RECIPES)), st.data())
def test_any_option_is_an_attack_or_a_sentence(recipe, data):
    name = data.draw(st.sampled_from(sorted(parameters(recipe))))
    value = data.draw(OPTIONS.filter(lambda v: type(v) is not int or name != "steps" or v < 9))
    try:
        attack = AttackPlan(recipe, {name: value}).attack
    except InputError as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert attack.options[name] == value or value != value


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900])
def test_json_that_is_nested_too_deeply_is_one_sentence(text, tmp_path):
    (tmp_path / "repro.json").write_text(text)
    with pytest.raises(InputError, match=r"no repro\.json"):
        kind_of(text)
    with pytest.raises(InputError, match=r"no repro\.json"):
        Reproduction.load(tmp_path)


def test_regions_that_are_nowhere_are_said():
    absent = replace(plan(region="class"), region_class=2)
    clean = clean_picture(load("a"), picture(), np.zeros((14, 18), np.uint8))
    with pytest.raises(InputError, match="no pixel of the picture is of class 2"):
        absent.iterates(clean)
    with pytest.raises(InputError, match="no pixel of the picture is of class 2"):
        absent.answer(clean)
    with pytest.raises(InputError, match="nothing is painted yet; paint a region"):
        plan(region="painted").iterates(clean, np.zeros((14, 18), bool))
    with pytest.raises(InputError, match="picture -1 is no position"):
        plan().iterates(clean, first=-1)


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
