"""From what the user chose to what the library attacks with and writes down."""

from typing import Any

from art_segplugin.attacks.registry import RECIPES, parameters
from art_segplugin.errors import InputError
from art_segplugin.evaluation.model_refs import ModelPair, model_ref
from art_segplugin.evaluation.pipeline import AttackPlan, Goal
from art_segplugin_gui.session.state import Attack, Models


def plan_of(choice: Attack, *, quick: bool = False) -> AttackPlan:
    """The attack that the state describes.

    Args:
        choice: the state's.
        quick: a single step of the length of the radius.

    Raises:
        InputError: an unknown recipe, a value outside its range, or nothing is painted.
    """
    if choice.region == "painted" and choice.painted is None:
        raise InputError("nothing is painted yet; paint a region, or choose everywhere.")
    plan = AttackPlan(
        choice.recipe,
        _options(choice, quick=quick),
        goal_of(choice),
        choice.region,
        choice.region_class,
        choice.seed,
    )
    return plan.complete()


def _options(choice: Attack, *, quick: bool) -> dict[str, Any]:
    """Values of the attack's parameters, `quick` for a single step of the length of the radius."""
    options = dict(choice.options)
    known = parameters(choice.recipe) if quick and choice.recipe in RECIPES else {}
    if "steps" in known:
        options |= {"steps": 1, "restarts": 1}
        if "step_size" in known:
            options["step_size"] = options.get("eps", known["eps"].default)
    return options


def goal_of(choice: Attack) -> Goal:
    """What the state says that the adversary wants."""
    if choice.goal != "class":
        return Goal()
    keep = choice.keep and choice.from_class is not None  # of all classes there is no rest
    return Goal(choice.from_class, choice.to_class, keep)


def model_pair(
    models: Models, *, b: bool = True, sha256: tuple[str | None, str | None] = (None, None)
) -> ModelPair:
    """The models with the hashes of their files.

    Args:
        models: of the state.
        b: whether there is a second one; False leaves it out.
        sha256: of the files of A and B when they were loaded; None where it is not known, to read
            the file as it is now.

    Raises:
        InputError: a file whose hash is not known cannot be read.
    """
    second = None if models.b is None or not b else model_ref(models.b, sha256[1])
    return ModelPair(model_ref(models.a, sha256[0]), second, models.transfer)
