"""Run a model in training or evaluation mode without leaving a trace."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from torch import nn

from art_segplugin.core.modes import evaluation_mode


def in_mode(model: nn.Module, *, training: bool) -> AbstractContextManager[None]:
    """Every module in this mode for a while; each gets its own mode back."""
    return _training(model) if training else evaluation_mode(model)


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    evaluating_modules = [module for module in model.modules() if not module.training]
    for module in evaluating_modules:
        module.training = True
    try:
        yield
    finally:
        for module in evaluating_modules:
            module.training = False
