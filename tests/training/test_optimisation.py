import copy
import re

import pytest
import torch
from torch import nn
from training.toy import batch, network, objective_maker, options, plain_model

from art_segplugin.distributed import ONE_PROCESS
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.training import Objective, Supervised, WeightedCrossEntropy
from art_segplugin.training.optimisation import Optimisation
from art_segplugin.training.options import learning_rate

NAMES = [
    "cross-entropy",
    "pgd-at",
    "pgd-at half",
    "segpgd-at",
    "alp",
    "trades",
    "free-at",
    "fast-at",
]


def make(name, **values):
    name, _, half = name.partition(" ")
    return objective_maker(name, **values, **({"half": True} if half else {}))(None)


def optimisation(objective=None, model=None, **changes):
    objective = objective or Supervised(WeightedCrossEntropy())
    chosen = options(**{"batch_size": 4} | changes)
    return Optimisation(model or plain_model(), objective, chosen, ONE_PROCESS)


def take(running, steps, first=0):
    losses = []
    for step in range(first, first + steps):
        images = batch(seed=step)
        images.labels[0, : step + 3] = 255  # the parts of a step are unlike
        losses.append(running.step((images.images, images.labels), images.places, step))
    return losses


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("name", NAMES)
def test_accumulated_parts_are_the_whole_step(name):
    whole, parts = optimisation(make(name)), optimisation(make(name), accumulate=4)
    start = weights(whole.model)
    losses = take(whole, 3), take(parts, 3)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for one, other, first in zip(weights(whole.model), weights(parts.model), start, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
        assert not torch.allclose(one, first, rtol=1e-3)


def test_parts_of_unlike_sizes_are_the_whole_step_too():
    whole, parts = optimisation(make("alp")), optimisation(make("alp"), accumulate=3)
    assert take(whole, 2) == pytest.approx(take(parts, 2), rel=1e-6)


def test_is_a_step_of_adamw_with_the_rate_of_the_schedule():
    running = optimisation(weight_decay=0.1, lr=0.02, warmup=0.5)
    twin = copy.deepcopy(running.model)
    kernels = [p for p in twin.parameters() if p.ndim > 1]
    rest = [p for p in twin.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": kernels}, {"params": rest, "weight_decay": 0.0}])
    optimiser.param_groups[0]["weight_decay"] = 0.1
    for step in range(3):
        images = batch(seed=step)
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * (step + 1) / 6
        loss = Supervised(WeightedCrossEntropy())(twin, images)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found = running.step((images.images, images.labels), images.places, step)
        assert found == pytest.approx(loss.item(), rel=1e-6)
    for one, other in zip(weights(running.model), weights(twin), strict=True):
        torch.testing.assert_close(one, other)


def test_the_average_is_the_one_by_hand():
    running = optimisation(model=Segmenter(network(), classes=3).double(), ema=0.75)
    assert running.ema_model is not running.model
    by_hand = None
    for step in range(5):
        take(running, 1, first=step)
        now = {
            name: value.clone()
            for name, value in running.model.state_dict().items()
            if value.is_floating_point()
        }
        by_hand = now if by_hand is None else {k: 0.75 * by_hand[k] + 0.25 * now[k] for k in now}
    found = running.ema_model.state_dict()
    assert any("running_mean" in name for name in by_hand)
    for name, value in by_hand.items():
        torch.testing.assert_close(found[name], value)
        assert not torch.equal(found[name], now[name])


def test_without_an_average_the_model_is_the_answer():
    running = optimisation()
    assert running.ema_model is running.model


class Noted(Supervised):
    """Keeps the batches that it is given."""

    def __init__(self):
        super().__init__(WeightedCrossEntropy())
        self.seen = []

    def terms(self, model, batch):
        self.seen.append(batch)
        return super().terms(model, batch)


def test_seeds_belong_to_step_and_place():
    """Not to the part, so that an attack begins alike however a step is cut."""
    whole, parts = Noted(), Noted()
    take(optimisation(whole), 2)
    take(optimisation(parts, accumulate=2), 2)
    assert len(whole.seen) == 2
    assert len(parts.seen) == 4
    seeds = [seed for one in whole.seen for seed in one.seeds]
    assert seeds == [seed for one in parts.seen for seed in one.seeds]
    assert len(set(seeds)) == 8
    other = Noted()
    take(optimisation(other, seed=1), 2)
    assert not set(seeds) & {seed for one in other.seen for seed in one.seeds}


def test_the_strength_grows_with_the_steps():
    noted = Noted()
    take(optimisation(noted, steps=8, eps_warmup=0.5), 6)
    assert [one.strength for one in noted.seen] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_named_before_it_is_learnt(factor):
    class Broken(Supervised):
        def terms(self, model, batch):
            return super().terms(model, batch) * factor

    running = optimisation(Broken(WeightedCrossEntropy()), lr=0.02, warmup=0.5)
    before = weights(running.model)
    words = f"the loss is {factor} at step 2 with learning rate 0.00667: lower lr or give a longer"
    with pytest.raises(InputError, match=re.escape(words)):
        take(running, 1, first=1)
    assert learning_rate(1, options()) != 0.00667
    assert all(map(torch.equal, before, weights(running.model)))


def test_gradients_that_are_not_finite_are_named_before_they_are_learnt():
    """Though the loss is finite: else only the loss of a next step would tell."""
    running = optimisation(steps=1)
    before = weights(running.model)
    next(running.model.parameters()).register_hook(lambda g: g * float("nan"))
    with pytest.raises(InputError, match=r"the norm of the gradients is nan at step 1 with .*lr"):
        take(running, 1)
    assert all(map(torch.equal, before, weights(running.model)))


def test_half_of_one_image_is_refused():
    objective = make("pgd-at half")
    assert optimisation(objective, batch_size=2).objective is objective
    with pytest.raises(InputError, match=r"a step has 1 image, .* give batch_size 2 or more"):
        optimisation(objective, batch_size=1)


def test_a_margin_without_a_head_is_refused():
    with pytest.raises(InputError, match="no hypersphere head"):
        optimisation(make("pgd-at", margin=0.2))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_comes_near_single_precision(name, precision):
    """Of the network; the weights stay as they are."""
    losses, models = [], []
    for kind in ("float32", precision):
        running = optimisation(make(name), plain_model(torch.float32), precision=kind)
        found = []
        for step in range(4):
            images = batch(seed=step, dtype=torch.float32)
            found.append(running.step((images.images, images.labels), images.places, step))
        losses.append(found)
        models.append(running.model)
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert {p.dtype for p in models[1].parameters()} == {torch.float32}


def test_an_overflow_in_float16_skips_the_update():
    running = optimisation(model=plain_model(torch.float32), precision="float16")
    images = batch(dtype=torch.float32)
    for step in range(2):
        running.step((images.images, images.labels), images.places, step)
    before, scale = weights(running.model), running.state()["scaler"]["scale"]
    handle = next(running.model.parameters()).register_hook(lambda g: g * float("inf"))
    running.step((images.images, images.labels), images.places, 2)
    assert all(map(torch.equal, before, weights(running.model)))
    assert running.state()["scaler"]["scale"] == scale / 2
    handle.remove()
    running.step((images.images, images.labels), images.places, 3)
    assert not any(map(torch.equal, before, weights(running.model)))


def test_random_layers_do_not_touch_the_global_generator():
    running = optimisation(model=Segmenter(network(), classes=3).double())
    state = torch.get_rng_state()
    losses = take(running, 2)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(77)
    again = optimisation(model=Segmenter(network(), classes=3).double())
    torch.manual_seed(78)
    assert take(again, 2) == losses


def test_what_is_frozen_stays():
    model = plain_model()
    kernel = next(model.parameters()).requires_grad_(False)
    before = kernel.clone()
    take(optimisation(model=model), 2)
    assert torch.equal(kernel, before)


def test_objectives_of_others_need_totals_and_terms_only():
    class Brightness(Objective):
        name = "brightness"

        def totals(self, batch):
            return torch.tensor([float(batch.images.numel())])

        def terms(self, model, batch):
            return (model(batch.images) ** 2).sum()[None]

    model = Segmenter(nn.Conv2d(3, 3, 1), classes=3).double()
    running = optimisation(Brightness(WeightedCrossEntropy()), model, steps=40, warmup=0.0, lr=0.1)
    losses = take(running, 40)
    assert losses[-1] < 0.1 * losses[0]
