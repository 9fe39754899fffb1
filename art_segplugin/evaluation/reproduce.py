"""The numbers of a `Reproduction`, computed once more."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from torch import Tensor

from art_segplugin.core.iterate import Iterate
from art_segplugin.core.types import Images, Logits
from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import faded, shown
from art_segplugin.evaluation.model_refs import ModelPair, open_model, validate
from art_segplugin.evaluation.numbers import Numbers, numbers_of
from art_segplugin.evaluation.picture import CleanPicture, clean_picture, finite_logits, image_batch
from art_segplugin.evaluation.reproduction import SIDES, Reproduction, torch_threads
from art_segplugin.models import Segmenter, load_model

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def reproduce(
    reproduction: Reproduction,
    device: str = "cpu",
    *,
    progress: Progress | None = None,
    run_code: bool = False,
    load: Callable[[str], Segmenter] = load_model,
) -> dict[str, Numbers]:
    """Do again what was shown; on the same machine the figures are the same to the last bit.

    Args:
        reproduction: what to do.
        device: where.
        progress: is told after every point of the attack.
        run_code: models of own code may be run, see `open_model`.
        load: loads a model by its spec.

    Returns:
        Figures by the names in SIDES.

    Raises:
        InputError: a model is not the recorded one, or does not fit the picture.
    """
    with torch_threads(reproduction.threads):
        a, b = open_models(reproduction.models, device, run_code=run_code, load=load)
        return _numbers(reproduction, _clean(reproduction, a), _clean(reproduction, b), progress)


def open_models(
    models: ModelPair, device: str, *, run_code: bool, load: Callable[[str], Segmenter]
) -> tuple[Segmenter, Segmenter | None]:
    """Both models; see `open_model`."""
    a = open_model(models.a, device, run_code=run_code, load=load)
    if models.b is None:
        return a, None
    return a, open_model(models.b, device, run_code=run_code, load=load)


def _clean(reproduction: Reproduction, model: Segmenter | None) -> CleanPicture | None:
    if model is None:
        return None
    device = next(iter(model.buffers())).device
    validate(model, image_batch(reproduction.image, device))
    return clean_picture(model, reproduction.image, reproduction.labels, reproduction.name)


def _numbers(
    reproduction: Reproduction,
    a: CleanPicture | None,
    b: CleanPicture | None,
    progress: Progress | None,
) -> dict[str, Numbers]:
    a_clean, a_adversarial, b_clean, b_adversarial = SIDES
    assert a is not None
    found = {a_clean: numbers_of(a, a.logits)}
    if b is not None:
        found[b_clean] = numbers_of(b, b.logits)
    if reproduction.plan is None:
        return found
    images, logits = _point(reproduction, a, progress)
    found[a_adversarial] = _scored(reproduction, a, images, logits)
    if b is not None:
        other: Logits | None = None
        if not reproduction.models.transfer:
            images, other = _point(reproduction, b, progress)
        found[b_adversarial] = _scored(reproduction, b, images, other)
    return {side: found[side] for side in SIDES if side in found}


def _point(
    reproduction: Reproduction, clean: CleanPicture, progress: Progress | None
) -> tuple[Images, Logits]:
    """The point that was shown, and the model's logits for it."""
    plan, wanted = reproduction.plan, reproduction.point
    assert plan is not None
    attack = plan.build(clean)
    last = attack.restarts * (attack.steps + 1) - 1 if wanted is None else wanted
    with closing(
        _generator(plan.iterates(clean, reproduction.mask, reproduction.index))
    ) as iterates:
        found = None
        for number, iterate in enumerate(iterates):
            if progress is not None:
                progress(min(number, last) + 1, last + 1)
            if number == wanted:
                return shown(clean, iterate, answer=False)
            if wanted is None:  # the logits are freed when the attack goes on
                found = shown(clean, iterate, answer=True) if number >= last else iterate
    if found is None or wanted is not None:
        raise InputError(f"the attack has no point {wanted}; this repro.json is damaged.")
    return (
        found if isinstance(found, tuple) else (found.best, finite_logits(clean.model, found.best))
    )


def _generator(iterates: Iterator[Iterate]) -> Generator[Iterate, None, None]:
    yield from iterates


def _scored(
    reproduction: Reproduction, clean: CleanPicture, x_adv: Tensor, logits: Logits | None
) -> Numbers:
    plan, share = reproduction.plan, reproduction.fade
    assert plan is not None
    if share is not None:
        x_adv, logits = faded(clean.x, x_adv, share), None
    if logits is None:
        logits = finite_logits(clean.model, x_adv)
    return numbers_of(clean, logits, x_adv, plan.build(clean).threat_model.p)
