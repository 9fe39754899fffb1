"""What one step does to the weights: forward, backward, exchange, update, average."""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from art_segplugin.distributed import Processes
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.batches import Batch, derived_seed
from art_segplugin.training.objective import Objective, TrainingBatch, mean
from art_segplugin.training.options import TrainingOptions, attack_strength, learning_rate

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Optimisation:
    """The weights of a run, and what changes them and is saved with them.

    Args:
        model: What is trained, on its device. With several processes on graphics cards its batch norm
            is made to count the images of all of them.
        objective: What is minimised.
        options: Options of the run.
        processes: Those that share the images of a step; all begin with the weights of the first.

    Raises:
        InputError: The objective needs more images than a step has, or another head.
    """

    def __init__(
        self, model: Segmenter, objective: Objective, options: TrainingOptions, processes: Processes
    ) -> None:
        images = processes.world * options.batch_size
        if images < objective.least_images:
            raise InputError(
                f"a step has {images} image, of which none would be attacked; give batch_size "
                f"{objective.least_images} or more, or attack all images instead of half."
            )
        objective.loss.check_head(model)
        self.device = model.device
        if processes.world > 1 and self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        processes.copy_from_first(model)
        self.model = model
        self.objective = objective
        self._options = options
        self._processes = processes
        self._optimiser = _optimiser(model, options)
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=options.precision == "float16"
        )
        self._average: AveragedModel | None = None
        if options.ema:
            rule = get_ema_multi_avg_fn(options.ema)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(model, multi_avg_fn=rule, use_buffers=True)

    @property
    def ema_model(self) -> Segmenter:
        """The model to validate and to save: that of the averaged weights if there are any."""
        return self.model if self._average is None else cast("Segmenter", self._average.module)

    def step(self, batch: Batch, places: Sequence[int], step: int) -> float:
        """Make one optimiser step.

        Args:
            batch: Images and labels of this process.
            places: Their places among the images of all processes.
            step: Number of the step, from 0.

        Returns:
            The loss before the update, over the images of all processes.

        Raises:
            InputError: The loss is not finite, or the gradients are not and no scaler skips them.
        """
        options = self._options
        lr = learning_rate(step, options)
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        whole = self._batch(batch, places, step)
        totals = self._processes.sum(self.objective.totals(whole))
        self._optimiser.zero_grad(set_to_none=True)
        self.model.train()
        loss = torch.zeros((), device=self.device)
        # Layers such as dropout draw from torch's global generator, which belongs to the caller.
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(derived_seed(options.seed, "layers", step, self._processes.rank))
            size = -(-len(places) // options.accumulate)
            for first in range(0, len(places), size):
                loss += self._backward(whole.part(slice(first, first + size)), totals)
        total = self._processes.sum(loss)
        self._processes.sum_gradients(self.model)
        # Together, for each answer makes the processor wait for the graphics card.
        value, norm = torch.stack([total, self._gradient_norm().to(total)]).tolist()
        for name, number in (("loss", value), ("norm of the gradients", norm)):
            if not math.isfinite(number):
                raise InputError(
                    f"the {name} is {number} at step {step + 1} with learning rate {lr:.3g}: lower lr "
                    "or give a longer warmup, and train in float32 if this was a half precision."
                )
        self.objective.updated()
        self._scaler.step(self._optimiser)
        self._scaler.update()
        # On CPUs each process has seen its own images; the next attack needs one model.
        self._processes.average_statistics(self.model)
        if self._average is not None:
            self._average.update_parameters(self.model)
        return float(value)

    def state(self) -> dict[str, Any]:
        """Return everything that the next steps depend on; every process must ask for it."""
        carried = self.objective.state()
        return {
            "model": self.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "objective": {name: self._processes.gather(rows) for name, rows in carried.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self.objective.restore(state["objective"])

    def _gradient_norm(self) -> Tensor:
        """Return the L2 norm, or 0 where the scaler itself looks for what is not finite."""
        found = [p.grad for p in self.model.parameters() if p.grad is not None]
        return torch.zeros(()) if self._scaler.is_enabled() else nn.utils.get_total_norm(found)

    def _batch(self, batch: Batch, places: Sequence[int], step: int) -> TrainingBatch:
        images, labels = (tensor.to(self.device, non_blocking=True) for tensor in batch)
        seeds = tuple(derived_seed(self._options.seed, "image", step, place) for place in places)
        strength = attack_strength(step, self._options)
        return TrainingBatch(images, labels, tuple(places), seeds, strength)

    def _backward(self, part: TrainingBatch, totals: Tensor) -> Tensor:
        half = _HALVES.get(self._options.precision)
        with torch.autocast(self.device.type, half, enabled=half is not None):
            terms = self.objective.terms(self.model, part)
        loss = mean(terms, totals)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()


def _optimiser(model: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW that spares biases and normalisation layers from weight decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=options.lr)
