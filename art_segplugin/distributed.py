"""Several processes that work on one task; the only importer of accelerate."""

import os
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from art_segplugin.errors import InputError

_OF_TORCHRUN = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class Processes(Protocol):
    """The processes of a run, as one of them sees them."""

    rank: int
    """Number of this process, from 0."""

    world: int
    """How many there are."""

    def share(self, count: int) -> range:
        """Which of `count` things are this process's: every world-th, none twice, none left out."""

    def sum(self, values: Tensor) -> Tensor:
        """Sum over the processes, the same on each; shape, dtype and device of `values`."""

    def gather(self, values: Tensor) -> Tensor:
        """Concatenation over the processes along the first axis, in the order of their ranks."""

    def copy_from_first(self, model: nn.Module) -> None:
        """Replace parameters and buffers by those of the first process."""

    def sum_gradients(self, model: nn.Module) -> None:
        """Replace each gradient by its sum over the processes."""

    def average_statistics(self, model: nn.Module) -> None:
        """Replace buffers of floating-point numbers, such as batch norm's, by their mean."""

    def wait(self) -> None:
        """Return once all processes have come here."""


class OneProcess:
    """A run that has one process: nothing to exchange."""

    rank = 0
    world = 1

    def share(self, count: int) -> range:
        """All of them."""
        return range(count)

    def sum(self, values: Tensor) -> Tensor:
        """The values themselves."""
        return values

    def gather(self, values: Tensor) -> Tensor:
        """The values themselves."""
        return values

    def copy_from_first(self, model: nn.Module) -> None:
        """This is the first one."""

    def sum_gradients(self, model: nn.Module) -> None:
        """Nothing to add."""

    def average_statistics(self, model: nn.Module) -> None:
        """Nothing to average."""

    def wait(self) -> None:
        """Nobody to wait for."""


ONE_PROCESS = OneProcess()


class ManyProcesses:
    """Processes that `torchrun` or `accelerate launch` started, on one machine or on several.

    Gradients are summed after the backward pass instead of during it: attacks differentiate the same
    network many times in between, which hooks on its weights would take for training.
    """

    def __init__(self) -> None:
        try:
            from accelerate import PartialState
        except ImportError as error:
            raise InputError(
                "several processes need accelerate: pip install art-segplugin[train]."
            ) from error
        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.rank: int = self._state.process_index
        self.world: int = self._state.num_processes

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        device: torch.device = self._state.device
        return device

    def share(self, count: int) -> range:
        """Every world-th, from the rank on: no thing is counted twice to fill up a batch."""
        return range(self.rank, count, self.world)

    def sum(self, values: Tensor) -> Tensor:
        """All-reduce of a copy."""
        from accelerate.utils import reduce

        total: Tensor = reduce(values.detach().clone().to(self.device), reduction="sum")
        return total.to(values.device)

    def gather(self, values: Tensor) -> Tensor:
        """All-gather; the first axis has the same length on each process."""
        from accelerate.utils import gather

        gathered: Tensor = gather(values.detach().to(self.device).contiguous())
        return gathered.to(values.device)

    def copy_from_first(self, model: nn.Module) -> None:
        """One broadcast for each dtype."""
        from accelerate.utils import broadcast

        for tensors in _by_dtype([*model.parameters(), *model.buffers()]):
            _write(tensors, broadcast(_flat(tensors).to(self.device)))

    def sum_gradients(self, model: nn.Module) -> None:
        """One all-reduce for each dtype; parameters without a gradient anywhere stay without."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        # An optimiser leaves alone what has no gradient, and decays what has a gradient of 0.
        found = self.sum(torch.tensor([float(p.grad is not None) for p in parameters]))
        used = [p for p, count in zip(parameters, found.tolist(), strict=True) if count]
        for parameter in used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for tensors in _by_dtype([p.grad for p in used if p.grad is not None]):
            _write(tensors, self.sum(_flat(tensors)))

    def average_statistics(self, model: nn.Module) -> None:
        """One all-reduce for each dtype; constants, which a state dict leaves out, stay exact."""
        saved = model.state_dict()
        buffers = [b for name, b in model.named_buffers() if name in saved]
        for tensors in _by_dtype([b for b in buffers if b.is_floating_point()]):
            _write(tensors, self.sum(_flat(tensors)) * (1.0 / self.world))

    def wait(self) -> None:
        """A barrier."""
        self._state.wait_for_everyone()


def processes() -> OneProcess | ManyProcesses:
    """The processes that this one belongs to.

    Raises:
        InputError: There are several, and accelerate is not installed, or the environment is not the
            one that `torchrun` makes.
    """
    world = os.environ.get("WORLD_SIZE", "1")
    if world.isdecimal() and int(world) <= 1:
        return ONE_PROCESS
    missing = [name for name in _OF_TORCHRUN if not os.environ.get(name)]
    if missing or not world.isdecimal():
        problem = f"without {', '.join(missing)}" if world.isdecimal() else "and no number"
        raise InputError(
            f"WORLD_SIZE is {world!r} {problem}: start several processes with torchrun "
            "--nproc-per-node 2 -m art_segplugin train ..., or unset WORLD_SIZE for one."
        )
    return ManyProcesses()


def _by_dtype(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        yield [tensor.detach() for tensor in tensors if tensor.dtype == dtype]


def _flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _write(tensors: list[Tensor], flat: Tensor) -> None:
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, values in zip(tensors, torch.split(flat, sizes), strict=True):
        tensor.copy_(values.view_as(tensor))
