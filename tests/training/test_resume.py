"""A run that was left or killed goes on as if nothing had happened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training import toy
from training.toy import RUNS, run, same_state

ROOT = Path(toy.__file__).parents[2]


def _weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def _identical(first, second):
    return all(torch.equal(first[name], second[name]) for name in first | second)


@pytest.fixture(scope="module")
def unbroken(_one_thread, tmp_path_factory):
    """Weights, steps and folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    model, steps = run(folder)
    states = list(steps)
    return _weights(model), states, folder


@pytest.mark.parametrize("stop", [2, 6, 11])
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
    last = (torch.load(path / "last.pt", weights_only=True) for path in (tmp_path, folder))
    assert same_state(*last)


@pytest.fixture(scope="module")
def killed_runs(tmp_path_factory):
    """Folders of runs that were killed after their sixth step, by kind."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, toy.__file__, str(folder)], check=True, env=environment)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_a_killed_run_resumed_is_the_unbroken_one(tmp_path, killed_runs, kind):
    """Bit for bit: the weights, and all that the saved state holds besides."""
    whole, steps = run(tmp_path / "whole", **RUNS[kind])
    states = list(steps)
    folder = killed_runs / kind
    model, steps = run(folder, resume=True, **RUNS[kind])
    resumed = list(steps)
    assert resumed[0].step > 4
    assert resumed == states[-len(resumed) :]
    assert _identical(_weights(model), _weights(whole))
    whole_folder = tmp_path / "whole"
    assert same_state(
        *(torch.load(f / "last.pt", weights_only=True) for f in (whole_folder, folder))
    )
    best = [f / "best.safetensors" for f in (whole_folder, folder)]
    assert best[0].read_bytes() == best[1].read_bytes()
