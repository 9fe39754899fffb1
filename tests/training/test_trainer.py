import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn
from training import toy
from training.toy import Toy, objective_maker, run

from art_segplugin.attacks import named
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.heads import to_hypersphere
from art_segplugin.models.checkpoint import load_checkpoint, read_info
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training import (
    Supervised,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
    train,
)
from art_segplugin.training.batches import SampleCache
from art_segplugin.training.trainer import validation_scores


@pytest.fixture(scope="module")
def unbroken(_one_thread, tmp_path_factory):
    """Steps and folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    return list(run(folder)[1]), folder


def test_yields_every_step(unbroken):
    states, folder = unbroken
    assert [state.step for state in states] == list(range(1, 13))
    assert [state.step for state in states if state.scores is not None] == [5, 10, 12]
    assert max(state.scores["miou"] for state in states if state.scores) == states[-1].best
    assert max(state.lr for state in states) == 0.02
    assert sorted(path.name for path in folder.iterdir()) == ["best.safetensors", "last.pt"]


def test_the_best_checkpoint_is_described(unbroken):
    states, folder = unbroken
    loaded = load_checkpoint(folder / "best.safetensors", model=toy.network())
    assert loaded.info.scores == {"miou": states[-1].best}
    assert loaded.info.training["batch_size"] == 2
    assert loaded.info.classes == ("red", "green", "blue")
    assert loaded.info.training["objective"].startswith("cross-entropy {")
    assert loaded.info.training["withstand"] is None


def test_the_best_checkpoint_keeps_the_normalisation(tmp_path):
    model = Segmenter(toy.network(), classes=3, mean=(0.5,) * 3, std=(0.1,) * 3, stride=5)
    options = toy.options(steps=2)
    list(train(model, Toy(), Toy(2, seed=1), tmp_path, options, info=toy.INFO))
    loaded = load_checkpoint(tmp_path / "best.safetensors", model=toy.network())
    images = Toy()[0].image[None]
    assert torch.equal(loaded(images), model.eval()(images))
    other = Segmenter(toy.network(), classes=3)
    steps = train(other, Toy(), Toy(2, seed=1), tmp_path, options, info=toy.INFO, resume=True)
    with pytest.raises(InputError, match="holds a run with mean"):
        next(steps)


def test_the_kept_checkpoints_say_what_they_learnt(tmp_path):
    maker = objective_maker("pgd-at", attack="pgd-1")
    list(run(tmp_path, objective=maker, withstand=named("pgd-2"), steps=1, keep_every=1)[1])
    training = read_info(tmp_path / "step-000001.safetensors").training
    assert training["objective"].startswith("adversarial training {")
    assert '"pgd-1"' in training["objective"]
    assert training["withstand"][0] == "pgd-2"


def test_learns(tmp_path):
    _, steps = run(tmp_path, steps=60, validate_every=60)
    states = list(steps)
    assert states[-1].loss < 0.6 * states[0].loss
    assert states[-1].scores["miou"] > 0.8


def test_bfloat16_learns_and_keeps_float32_weights(tmp_path):
    model, steps = run(tmp_path, steps=60, validate_every=60, precision="bfloat16")
    assert list(steps)[-1].scores["miou"] > 0.8
    assert {value.dtype for value in model.parameters()} == {torch.float32}


def test_a_finished_run_has_nothing_left(tmp_path):
    list(run(tmp_path, steps=2)[1])
    assert list(run(tmp_path, steps=2, resume=True)[1]) == []


def test_an_existing_run_is_never_overwritten(tmp_path):
    list(run(tmp_path, steps=2)[1])
    with pytest.raises(InputError, match="holds a run already: resume it or choose another"):
        run(tmp_path, steps=2)
    with pytest.raises(InputError, match=r"holds a run with lr 0.02, not 0.1"):
        next(run(tmp_path, steps=2, resume=True, lr=0.1)[1])


def test_leaves_the_global_random_state_alone(tmp_path):
    _, steps = run(tmp_path, steps=3)
    state = torch.get_rng_state()
    list(steps)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.is_grad_enabled()


def test_the_objective_is_replaceable(tmp_path):
    draws = []

    class Noisy(Supervised):
        name = "noisy"

        @classmethod
        def unweighted(cls, weights):
            return cls(WeightedCrossEntropy())

        def terms(self, model, batch):
            noise = torch.rand(batch.images.shape)
            draws.append((noise.sum().item(), batch.seeds))
            changed = replace(batch, images=(batch.images + 0.1 * noise).clamp(0, 1))
            return super().terms(model, changed)

    options = {"steps": 6, "validate_every": 6, "objective": Noisy.unweighted}
    for state in run(tmp_path, **options)[1]:
        if state.step == 5:
            break
    list(run(tmp_path, **options, resume=True)[1])
    # Five steps, then again from the state after the fourth: the fifth draws the same numbers.
    assert len(draws) == 7
    assert draws[5] == draws[4]
    assert len({noise for noise, _ in draws}) == len({seeds for _, seeds in draws}) == 6
    with pytest.raises(InputError, match="objective 'noisy', not 'cross-entropy"):
        next(run(tmp_path, steps=6, validate_every=6, resume=True)[1])


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    class Broken(Supervised):
        def terms(self, model, batch):
            return super().terms(model, batch) * float("inf")

    with pytest.raises(InputError, match=r"loss is inf at step 1 with learning rate .*: lower lr"):
        next(run(tmp_path, objective=lambda weights: Broken(WeightedCrossEntropy()))[1])
    assert list(tmp_path.iterdir()) == []


def test_the_average_is_validated_and_saved(tmp_path):
    """Of one step it is the weights themselves, later it lags behind."""
    options = {"ema": 0.9, "validate_every": 6, "steps": 6, "net": toy.plain_network()}
    model, steps = run(tmp_path, **options)
    states = list(steps)
    average = torch.load(tmp_path / "last.pt", weights_only=True)["average"]
    best = load_checkpoint(tmp_path / "best.safetensors", model=toy.plain_network())
    for name, value in best.model.state_dict().items():
        assert torch.equal(value, average[f"module.model.{name}"])
        assert not torch.equal(value, model.model.state_dict()[name])
    with ThreadPoolExecutor(1) as maker:
        samples = SampleCache(Toy(2, seed=1), 2**20)
        assert states[-1].scores == validation_scores(best, samples, maker, 2)
        assert states[-1].scores != validation_scores(model, samples, maker, 2)


def test_patience_ends_a_run_for_good(tmp_path):
    """Nothing gets better at a rate of nearly 0; validated every 2 steps, the first score is the best."""
    options = {"lr": 1e-12, "validate_every": 2, "steps": 20, "patience": 3}
    states = list(run(tmp_path, **options)[1])
    assert states[-1].step == 8
    assert list(run(tmp_path, **options, resume=True)[1]) == []
    more = next(run(tmp_path, **options | {"patience": 4}, resume=True)[1])
    assert more.step == 9


def test_a_run_that_gets_better_goes_on(tmp_path):
    options = {"validate_every": 2, "steps": 10, "patience": 1, "lr": 0.003, "warmup": 0.0}
    states = list(run(tmp_path, **options, net=toy.plain_network())[1])
    scores = [state.scores["miou"] for state in states if state.scores]
    worse = [later <= max(scores[:i]) for i, later in enumerate(scores) if i]
    assert len(scores) > 2
    assert not any(worse[:-1])
    assert states[-1].step == (2 * (1 + worse.index(True) + 1) if any(worse) else 10)


def test_the_radius_of_each_step_is_told(tmp_path):
    options = {"steps": 4, "eps_warmup": 0.5, "objective": objective_maker("fast-at")}
    assert [state.strength for state in run(tmp_path, **options)[1]] == [0.5, 1.0, 1.0, 1.0]


def test_class_weights_reach_the_objective(tmp_path):
    given = []

    def maker(weights):
        given.append(weights)
        return objective_maker("pgd-at", attack="pgd-1")(weights)

    for kind in ("none", "median"):
        next(run(tmp_path / kind, objective=maker, class_weighting=kind)[1])
    assert given[0] is None
    assert given[1].shape == (3,)


@pytest.mark.parametrize(
    ("network", "options", "data", "info", "message"),
    [
        (toy.network(), {}, Toy(0), toy.INFO, "training data set is empty"),
        (toy.network(), {}, Toy(), CheckpointInfo("x", ("a", "b")), "those of the model: a, b"),
        (toy.network(), {"ignore_index": -1}, Toy(), toy.INFO, "void is 255 .* and -1 in the"),
        (toy.network(), {"classes": None}, Toy(), toy.INFO, "None classes and the data have 3"),
        (nn.Identity(), {}, Toy(), toy.INFO, "no parameters to train"),
    ],
)
def test_refuses_what_cannot_be_trained(tmp_path, network, options, data, info, message):
    model = Segmenter(network, **{"classes": 3} | options)
    with pytest.raises(InputError, match=message):
        train(model, data, Toy(2), tmp_path, toy.options(), info=info)


def test_a_judge_that_cannot_be_used_is_refused_at_once(tmp_path):
    with pytest.raises(
        InputError, match="restarts is 3 in 'pgd-2'; training starts each attack once"
    ):
        run(tmp_path, withstand=named("pgd-2", eps=0.1, restarts=3))


@pytest.mark.parametrize("weighting", ["none", "sqrt"])
def test_data_without_a_label_are_refused(tmp_path, weighting):
    class Void(Toy):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return Sample(sample.name, sample.image, torch.full_like(sample.labels, 255))

    with pytest.raises(InputError, match=r"training data hold void pixels \(255\) only"):
        next(run(tmp_path, data=Void(), class_weighting=weighting)[1])


def test_half_of_one_image_is_refused(tmp_path):
    maker = objective_maker("pgd-at", attack="pgd-1", half=True)
    with pytest.raises(InputError, match="a step has 1 image"):
        next(run(tmp_path, objective=maker, batch_size=1)[1])
    assert list(tmp_path.iterdir()) == []


def test_the_usual_objective_has_the_scale_of_the_head(tmp_path):
    net = to_hypersphere(toy.plain_network(), 3, scale=9.0)
    list(run(tmp_path, steps=1, net=net)[1])
    objective = read_info(tmp_path / "best.safetensors").training["objective"]
    assert '"scale": 9.0' in objective


def test_all_samples_are_made_in_one_thread(tmp_path):
    threads = set()

    class Watched(Toy):
        def __getitem__(self, index):
            threads.add(threading.get_ident())
            return super().__getitem__(index)

    model = Segmenter(toy.network(), classes=3)
    options = toy.options(steps=4)
    list(train(model, Watched(), Watched(2, seed=1), tmp_path, options, info=toy.INFO))
    assert len(threads) == 1


def test_learns_with_a_hypersphere_head_and_a_margin(tmp_path):
    """The margin is in the loss only: scores are those of the cosines themselves."""

    def maker(weights):
        loss = WeightedCrossEntropy(255, weights, 15.0, 0.2)
        return make_objective("fast-at", loss, inner_attack("fast-at", eps=0.03))

    net = to_hypersphere(toy.plain_network(), 3, scale=15.0)
    model, steps = run(tmp_path, steps=60, validate_every=60, objective=maker, net=net)
    states = list(steps)
    assert states[-1].scores["miou"] > 0.8
    assert states[-1].loss < 0.5 * states[0].loss
    assert model(Toy()[0].image[None]).abs().max() <= 15
