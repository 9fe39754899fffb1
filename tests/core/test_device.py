"""The loop never waits for the device, and CUDA gives what the CPU gives."""

import pytest
import torch
from oracles import tiny_problem
from torch.utils._python_dispatch import TorchDispatchMode

from art_segplugin.attacks import (
    alma_prox,
    dag,
    fmn,
    mce_bal_pgd,
    pdpgd,
    sea,
    segpgd,
    spherical_pgd,
    temperature_sweep,
    tsallis_pgd,
)
from art_segplugin.core.ensemble import Cascade

SYNCHRONISING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "index.Tensor")


class Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.operators = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        if "index.Tensor" in name and not any(
            i is not None and i.dtype == torch.bool for i in args[1]
        ):
            name = "integer index"
        self.operators.add(name)
        return func(*args, **(kwargs or {}))


def synchronising_operators(run):
    with Recorder() as recorder:
        run()
    assert recorder.operators
    return {o for o in recorder.operators if any(s in o for s in SYNCHRONISING)}


@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_loop_never_waits_for_the_device(norm):
    model, x, labels = tiny_problem()
    attack = segpgd(0.1, 0.02, 3, norm=norm, restarts=2, decay=1.0)
    run = attack.iterates(model, x, labels, mask=labels != 3)
    next(run)  # what was given has been checked; the second restart does the rest once more
    assert not synchronising_operators(lambda: list(run))


@pytest.mark.parametrize("schedule", [None, "linear"])
def test_a_sweep_never_waits_for_the_device_either(schedule):
    model, x, labels = tiny_problem()
    attack = temperature_sweep(0.1, 0.02, 2, temperatures=(5, 0.1), schedule=schedule, restarts=2)
    run = attack.iterates(model, x, labels)
    next(run)  # later members are given what was checked for the first
    assert not synchronising_operators(lambda: list(run))


def test_a_cascade_waits_between_its_members_alone():
    """Where it reads one number an image; the recorder of the CPU does not see a list being made."""
    model, x, labels = tiny_problem()
    members = [segpgd(0.1, 0.02, 2), segpgd(0.1, 0.02, 2, restarts=2)]
    run = Cascade(members).iterates(model, x, labels)
    next(run)
    assert not synchronising_operators(lambda: list(run))


@pytest.mark.parametrize("class_pixels", [(), (10, 20, 30, 40)])
def test_sea_never_waits_for_the_device_either(class_pixels):
    model, x, labels = tiny_problem()
    run = sea(0.1, 4, class_pixels=class_pixels).iterates(model, x, labels)
    next(run)  # later stages and members are given what was checked for the first
    assert not synchronising_operators(lambda: list(run))


@pytest.mark.parametrize("factory", [mce_bal_pgd, tsallis_pgd, spherical_pgd])
def test_losses_of_segmentation_never_wait_for_the_device_either(factory):
    model, x, labels = tiny_problem()
    run = factory(0.1, 0.02, 3, restarts=2).iterates(model, x, labels)
    next(run)
    assert not synchronising_operators(lambda: list(run))


@pytest.mark.parametrize("attack", [dag, alma_prox, fmn, pdpgd])
@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_attacks_without_a_radius_never_wait_for_the_device(attack, norm):
    if attack in (dag, alma_prox) and norm != "inf":
        pytest.skip("made for Linf alone")
    model, x, labels = tiny_problem()
    run = attack(12, norm, share=0.5).iterates(model, x, labels, mask=labels != 3)
    next(run)
    assert not synchronising_operators(lambda: list(run))


def test_recorder_would_see_a_synchronising_operator():
    assert synchronising_operators(lambda: torch.ones(1).item())
    assert synchronising_operators(lambda: torch.ones(3)[torch.tensor([True, False, True])])


@pytest.mark.gpu
def test_a_sweep_on_cuda_equals_cpu_and_never_synchronises():
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = temperature_sweep(0.1, 0.02, 3, random_start=False, schedule="log")
    expected = attack(model, x, labels)
    model, x, labels = model.cuda(), x.cuda(), labels.cuda()
    attack(model, x, labels)  # first-use initialisation of the libraries may synchronise
    run = attack.iterates(model, x, labels)
    next(run)
    torch.cuda.set_sync_debug_mode("error")
    try:
        answer = list(run)[-1].best
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(answer.cpu(), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.gpu
@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_on_cuda_equals_cpu_and_never_synchronises(norm):
    model, x, labels = tiny_problem(dtype=torch.float64)
    eps = torch.tensor([0.05, 0.1], dtype=torch.float64)
    attack = segpgd(eps, 0.02, 5, norm=norm, random_start=False, restarts=2, decay=1.0)
    expected = attack(model, x, labels)
    model, x, labels = model.cuda(), x.cuda(), labels.cuda()
    mask = labels != 3
    free = segpgd(0.1, 0.02, 2, norm=norm)
    free(model, x, labels, mask=mask)  # first-use initialisation of the libraries may synchronise
    runs = [free.iterates(model, x, labels, mask=mask), attack.iterates(model, x, labels)]
    firsts = [next(run) for run in runs]  # checks what was given, which waits for the device once
    torch.cuda.set_sync_debug_mode("error")
    try:
        answer = [[first, *run] for first, run in zip(firsts, runs, strict=True)][-1][-1].best
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(answer.cpu(), expected, atol=1e-9, rtol=1e-9)
