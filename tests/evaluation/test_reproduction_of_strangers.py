"""What may be wrong with a `repro.json` that somebody else wrote."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction_problem import load, picture, plan, reproduction

from art_segplugin.attacks import RECIPES
from art_segplugin.attacks.registry import parameters
from art_segplugin.errors import InputError
from art_segplugin.evaluation.pipeline import AttackPlan, clean_picture
from art_segplugin.evaluation.repro import Reproduction, kind_of, reproduce

OPTIONS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.lists(st.integers(-2, 2), max_size=2), st.dictionaries(st.just("a"), st.just(1)),
)  # fmt: skip


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
        ({"options": {"eps": True}}, "eps is True; give a finite number"),
        ({"options": {"steps": True}}, "option 'steps' is True; give a value such as"),
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
