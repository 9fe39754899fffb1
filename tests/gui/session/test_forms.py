import inspect
from collections.abc import Sequence
from typing import Literal

import pytest

from art_segplugin.attacks.registry import PARTS, RECIPES, named, parameters
from art_segplugin.core.threat_model import NORMS
from art_segplugin.errors import InputError
from art_segplugin_gui.session.attack_forms import BASIC, SET_BY_WINDOW, attack_forms
from art_segplugin_gui.session.forms import Hint, ParameterForm, norm_name, parameter_form


@pytest.fixture(scope="module")
def forms() -> dict[str, ParameterForm]:
    return {form.name: form for form in attack_forms()}


def test_every_recipe_has_a_form_in_the_order_of_the_registry(forms):
    assert list(forms) == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_parameter_is_asked_for_unless_the_window_sets_it(forms, name):
    wanted = [
        key
        for key, parameter in parameters(name).items()
        if key not in SET_BY_WINDOW
        and not (key in PARTS and not isinstance(parameter.default, str))
    ]
    assert [field.name for field in forms[name].fields] == wanted


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_form_begins_with_is_the_recipe_itself(forms, name):
    options = {field.name: field.default for field in forms[name].fields}
    assert named(name, **options).described() == named(name).described() | {"norm": options["norm"]}


@pytest.mark.parametrize("name", RECIPES)
def test_every_choice_is_one_that_the_recipe_takes(forms, name):
    for field in forms[name].fields:
        for choice in field.choices:
            assert named(name, **{field.name: choice})


@pytest.mark.parametrize("name", RECIPES)
def test_every_field_is_explained_and_within_its_range(forms, name):
    assert forms[name].title
    assert forms[name].summary in inspect.getdoc(RECIPES[name])
    assert any(where in forms[name].reference for where in ("arXiv:", "https://"))
    for field in forms[name].fields:
        assert field.help, field.name
        assert "  " not in field.help
        if field.kind in ("float", "integer"):
            assert field.low <= field.default <= field.high


def test_kinds_follow_from_the_annotations(forms):
    kinds = {field.name: field.kind for field in forms["temperature-sweep"].fields}
    assert kinds == {
        "eps": "float",
        "step_size": "optional-float",
        "steps": "integer",
        "norm": "choice",
        "random_start": "boolean",
        "restarts": "integer",
        "decay": "optional-float",
        "step_schedule": "choice",
        "temperatures": "numbers",
        "scale": "float",
        "schedule": "schedule",
    }


def test_norms_and_losses_are_those_that_the_recipe_takes(forms):
    assert forms["pgd"].field("norm").choices == ("Linf", "L2", "L1")
    assert forms["apgd"].field("norm").choices == ("Linf", "L2")
    losses = ("ce", "dlr", "mce", "mce-bal", "js", "spherical", "cos", "tsallis")
    assert forms["apgd"].field("loss").choices == losses
    assert set(forms["red-eps-apgd"].field("loss").choices) == set(losses)
    assert forms["pgd"].field("step_schedule").choices == ("constant", "cosine", "linear")
    assert forms["pgd"].field("loss") is None


def test_titles_are_spelled_as_in_the_papers(forms):
    titles = [form.title for form in forms.values()]
    assert titles[:4] == ["FGSM", "PGD", "SegFGSM", "SegPGD"]
    assert "Temperature sweep" in titles


def made_up(
    eps: float = 0.1,
    norm: "float | str" = "L2",
    mode: str = "soft",
    kind: Literal["one", "two"] = "one",
    rates: Sequence[float] = (1.0, 2.0),
    depth: int = 3,
    untyped=0.5,
    bounds: tuple[float, float] = (0.0, 1.0),
    callback: object = None,
):
    """Does nothing at all.

    Longer words about it.

    Args:
        eps: radius,
            over two lines.
        mode: "soft" or "hard", never "other".
        depth (int): how deep.

    Raises:
        InputError: a bad value.
    """
    if mode not in ("soft", "hard"):
        raise InputError(f"mode is {mode!r}; give soft or hard.")
    if NORMS[norm] == 1:
        raise InputError("norm is 1; give another.")


def test_a_new_recipe_just_appears(monkeypatch):
    monkeypatch.setitem(RECIPES, "made-up", made_up)
    form = attack_forms()[-1]
    assert (form.name, form.title, form.summary) == ("made-up", "Made up", "Does nothing at all.")
    kinds = {field.name: field.kind for field in form.fields}
    assert kinds == {
        "eps": "float",
        "norm": "choice",
        "mode": "choice",
        "kind": "choice",
        "rates": "numbers",
        "depth": "integer",
        "untyped": "float",
    }
    assert form.field("eps").help == "radius, over two lines."
    assert form.field("depth").help == "how deep."
    assert form.field("mode").choices == ("soft", "hard")
    assert form.field("kind").choices == ("one", "two")
    assert form.field("norm").choices == ("Linf", "L2")
    assert form.field("norm").default == "L2"


def fog(density: float = 0.2, steps: int = 4, colour: Literal["grey", "brown"] = "grey"):
    """Mix every pixel with a colour.

    Args:
        density: how much of it.
        steps: layers.
    """


def test_any_callable_has_a_form():
    hints = {"density": Hint((0.0, 1.0, 0.05), unit="1/m")}
    form = parameter_form(fog, "fog", leave_out=["colour"], hints=hints)
    assert (form.title, form.summary) == ("Fog", "Mix every pixel with a colour.")
    density, steps = form.fields
    assert (density.low, density.high, density.step) == (0.0, 1.0, 0.05)
    assert (density.caption, density.help) == ("Density (1/m)", "how much of it.")
    assert (steps.kind, steps.high, steps.caption) == ("integer", 1e6, "Steps")
    assert form.basic is None
    assert parameter_form(fog, "fog").field("colour").choices == ("grey", "brown")


def test_basic_parameters_are_those_that_the_attack_has(forms):
    assert forms["pgd"].basic == BASIC
    assert forms["fgsm"].basic == tuple(name for name in BASIC if forms["fgsm"].field(name))


def test_known_options_leave_out_other_recipes_and_own_values(forms):
    options = {"eps": 0.5, "steps": 20, "temperature": 3.0}
    assert forms["pgd"].known(options) == {"eps": 0.5}


@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_has_one_name(norm):
    assert NORMS[norm_name(norm)] == NORMS[norm]
