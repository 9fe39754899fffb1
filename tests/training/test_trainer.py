import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import nn
from training import toy
from training.toy import Toy, run

from art_segplugin.errors import InputError
from art_segplugin.models.checkpoint import load_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training import CrossEntropy, train


def _weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def _identical(first, second):
    return all(torch.equal(first[name], second[name]) for name in first | second)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Sums depend on how many threads share them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def unbroken(_one_thread, tmp_path_factory):
    """Weights, steps and folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    model, steps = run(folder)
    states = list(steps)
    return _weights(model), states, folder


def test_yields_every_step(unbroken):
    _, states, folder = unbroken
    assert [state.step for state in states] == list(range(1, 13))
    assert [state.step for state in states if state.scores is not None] == [5, 10, 12]
    assert max(state.scores["miou"] for state in states if state.scores) == states[-1].best
    assert max(state.lr for state in states) == 0.02
    assert sorted(path.name for path in folder.iterdir()) == ["best.safetensors", "last.pt"]


def test_the_best_checkpoint_is_described(unbroken):
    _, states, folder = unbroken
    loaded = load_checkpoint(folder / "best.safetensors", model=toy.network())
    assert loaded.info.scores == {"miou": states[-1].best}
    assert loaded.info.training["batch_size"] == 2
    assert loaded.info.classes == ("red", "green", "blue")


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


def test_learns(tmp_path):
    _, steps = run(tmp_path, steps=60, validate_every=60)
    states = list(steps)
    assert states[-1].loss < 0.6 * states[0].loss
    assert states[-1].scores["miou"] > 0.8


def test_bfloat16_learns_and_keeps_float32_weights(tmp_path):
    model, steps = run(tmp_path, steps=60, validate_every=60, precision="bfloat16")
    assert list(steps)[-1].scores["miou"] > 0.8
    assert {value.dtype for value in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("stop", [2, 4, 6, 11])
def test_a_run_left_and_resumed_is_the_unbroken_one(tmp_path, unbroken, stop):
    weights, states, folder = unbroken
    for state in run(tmp_path)[1]:
        if state.step == stop:
            break
    model, steps = run(tmp_path, resume=True)
    resumed = list(steps)
    assert resumed == states[-len(resumed) :]
    # Saved every 4 steps and at validations, every 5.
    assert resumed[0].step == 1 + max(saved for saved in (0, 4, 5, 8, 10) if saved <= stop)
    assert _identical(_weights(model), weights)
    best = [path / "best.safetensors" for path in (tmp_path, folder)]
    assert best[0].read_bytes() == best[1].read_bytes()
    last = [torch.load(path / "last.pt", weights_only=True) for path in (tmp_path, folder)]
    moments = [state["optimiser"]["state"] for state in last]
    assert all(_identical(moments[0][key], moments[1][key]) for key in moments[1])


def test_a_killed_run_resumed_is_the_unbroken_one(tmp_path, unbroken):
    weights, states, _ = unbroken
    root = Path(toy.__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, toy.__file__, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )
    for line in process.stdout:
        if line == "6\n":
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    model, steps = run(tmp_path, resume=True)
    resumed = list(steps)
    assert resumed[0].step > 4
    assert resumed == states[-len(resumed) :]
    assert _identical(_weights(model), weights)


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

    class Noisy(CrossEntropy):
        name = "noisy"

        @classmethod
        def unweighted(cls, weights):
            return cls()

        def __call__(self, model, images, labels, generator):
            noise = torch.rand(images.shape, generator=generator)
            draws.append(noise.sum().item())
            return super().__call__(model, (images + 0.1 * noise).clamp(0, 1), labels, generator)

    options = {"steps": 6, "validate_every": 6, "objective": Noisy.unweighted}
    for state in run(tmp_path, **options)[1]:
        if state.step == 5:
            break
    list(run(tmp_path, **options, resume=True)[1])
    # Five steps, then again from the state after the fourth: the fifth draws the same numbers.
    assert len(draws) == 7
    assert draws[5] == draws[4]
    assert len(set(draws)) == 6
    with pytest.raises(InputError, match="objective 'noisy', not 'cross-entropy'"):
        next(run(tmp_path, steps=6, validate_every=6, resume=True)[1])


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    class Broken(CrossEntropy):
        def __call__(self, *arguments):
            return super().__call__(*arguments) * float("inf")

    with pytest.raises(InputError, match=r"loss is inf at step 1: lower lr \(now"):
        next(run(tmp_path, objective=lambda weights: Broken())[1])
    assert list(tmp_path.iterdir()) == []


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
