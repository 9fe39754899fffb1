"""Run a model in evaluation mode without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluation_mode(model: object) -> Iterator[None]:
    """Evaluation mode for one forward pass; every module gets its own mode back.

    Writes no flag when every module is in evaluation mode already, so that threads can share a
    model. Never held across a yield.
    """
    training = [m for m in model.modules() if m.training] if isinstance(model, nn.Module) else []
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
