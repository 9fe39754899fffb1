"""Run a model in training or evaluation mode without leaving a trace."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from torch import nn

_lock = threading.Lock()
_borrowers: Counter[tuple[nn.Module, bool]] = Counter()


@contextmanager
def in_mode(model: object, *, training: bool) -> Iterator[None]:
    """Every module of the model in this mode for a while; each gets its own mode back.

    Writes no flag when every module is in this mode already. Threads that borrow a module for the
    same mode share it: the first one switches, the last one switches back. Borrow a part of the
    model within for another mode of that part. Never hold it across a yield.

    Args:
        model: The model; a callable that is no module has no modes and is left alone.
        training: True for training mode, False for evaluation mode.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modules = [m for m in modules if hasattr(m, "training")]  # frozen TorchScript has no modes
    with _lock:
        borrowed = [m for m in modules if m.training != training or (m, training) in _borrowers]
        for module in borrowed:
            _borrowers[module, training] += 1
            if module.training != training:
                module.training = training
    try:
        yield
    finally:
        with _lock:
            for module in borrowed:
                _borrowers[module, training] -= 1
                if not _borrowers[module, training]:
                    del _borrowers[module, training]
                    module.training = not training


def evaluation_mode(model: object) -> AbstractContextManager[None]:
    """Evaluation mode for one forward pass; see `in_mode`."""
    return in_mode(model, training=False)
