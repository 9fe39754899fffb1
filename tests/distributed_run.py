"""What `test_distributed.py` starts: alone, or as one of two processes. Argument: a folder."""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from training.toy import INFO, Toy, inner_attack, objective_maker, plain_network

from art_segplugin.distributed import Processes, processes
from art_segplugin.models import Segmenter
from art_segplugin.training import Supervised, TrainingOptions, WeightedCrossEntropy, train
from art_segplugin.training.optimisation import Optimisation

NAMES = ("pgd-at", "pgd-at half", "trades", "free-at")
WITHSTAND = inner_attack("pgd-at", "pgd-2", 0.1)


def options(world, **changes):
    values = {"steps": 20, "batch_size": 4 // world, "validate_every": 10, "save_every": 7}
    return TrainingOptions(**values | {"lr": 0.02, "accumulate": 4 // world} | changes)


def training(folder, name, world, *, net=None, resume=False, **changes):
    """Model and steps, on an odd number of validation images."""
    name, _, half = name.partition(" ")
    maker = objective_maker(name, **{"half": True} if half else {})
    model = Segmenter(net or plain_network(), classes=3)
    steps = train(
        model, Toy(7), Toy(3, seed=1), folder, options(world.world, **changes), info=INFO,
        objective=maker, withstand=WITHSTAND, resume=resume, processes=world,
    )  # fmt: skip
    return model, steps


def with_statistics():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1)
    )


def main(folder: Path, world: Processes) -> None:
    found = {}
    for name in NAMES:
        model, steps = training(folder / name, name, world)
        states = list(steps)
        found[name] = {
            "weights": model.state_dict(),
            "losses": [state.loss for state in states],
            "scores": [dict(state.scores) for state in states if state.scores],
        }
    if world.world > 1:
        found["exchange"] = exchange(world)
        found["begin"] = begin(world)
        found["broken"] = broken(folder / "broken", world)
        found["early stop"] = len(
            list(training(folder / "early", "cross-entropy", world, patience=1, lr=1e-12,
                          validate_every=2)[1])
        )  # fmt: skip
    torch.save(found, folder / f"{world.rank}.pt")


def exchange(world):
    """What each kind of exchange gives on this process."""
    rank = world.rank
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Linear(1, 1))
    net.register_buffer("constant", torch.tensor([1.0 + rank]), persistent=False)
    net.register_buffer("precise", torch.tensor([1.0 + rank], dtype=torch.float64))
    for number, parameter in enumerate(net[0].parameters()):
        parameter.grad = torch.full_like(parameter, (rank + 1) * 10.0**number)
    if rank == 1:  # of a layer that the other process did not use
        for parameter in net[2].parameters():
            parameter.grad = torch.ones_like(parameter)
    net[1].running_mean.fill_(rank)
    net[1].num_batches_tracked.fill_(rank)
    world.sum_gradients(net)
    world.average_statistics(net)
    original = torch.tensor([rank, 10])
    return {
        "sum": world.sum(original),
        "scalar": world.sum(torch.tensor(0.5 + rank)),
        "original": original,
        "gather": world.gather(torch.tensor([[rank, rank], [7, 7]])),
        "shares": list(world.share(5)),
        "gradients": [None if p.grad is None else p.grad.flatten()[0] for p in net.parameters()],
        "statistics": [net[1].running_mean, net[1].num_batches_tracked, net.constant, net.precise],
    }


def begin(world):
    """What a model that differs from process to process holds once its training begins."""
    model = Segmenter(with_statistics(), classes=3)
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            tensor.fill_(3 + world.rank)
    model.model[0].to(memory_format=torch.channels_last)
    Optimisation(model, Supervised(WeightedCrossEntropy()), options(world.world), world)
    return [*model.parameters(), *model.buffers()]


def broken(folder, world):
    """Weights of an unbroken run and of one that was left and resumed, with batch norm and FreeAT."""
    runs = {"net": with_statistics, "name": "free-at", "world": world, "ema": 0.5}

    def begin(place, **more):
        values = {**runs, **more}
        return training(folder / place, values.pop("name"), values.pop("world"),
                        net=values.pop("net")(), **values)  # fmt: skip

    whole, steps = begin("whole")
    list(steps)
    for state in begin("left")[1]:
        if state.step == 15:
            break
    resumed, steps = begin("left", resume=True)
    numbers = [state.step for state in steps]
    often, steps = begin("often", save_every=1)  # how often it saves changes nothing
    list(steps)
    return {
        "whole": whole.state_dict(),
        "resumed": resumed.state_dict(),
        "often": often.state_dict(),
        "numbers": numbers,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    world = processes()
    main(Path(sys.argv[1]), world)
    loaded = "accelerate" in sys.modules
    print(json.dumps({"rank": world.rank, "world": world.world, "accelerate": loaded}), flush=True)
    if world.world > 1:
        torch.distributed.destroy_process_group()
