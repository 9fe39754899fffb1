"""Stop a model in the middle of a forward or backward pass, between any two of its layers."""

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from art_segplugin_gui.session.jobs import CancelToken


class CurrentToken:
    """The token of the request that runs, for all models of an engine."""

    def __init__(self) -> None:
        self.token: CancelToken | None = None

    def check(self) -> None:
        """Raise `Cancelled` if the request that runs was cancelled."""
        if self.token is not None:
            self.token.check()


class Interruptible:
    """Hooks in a model's layers that ask the current token; they cost a few microseconds each.

    An attack step of a large model takes a second and more; asked only between steps, a cancelled
    attack would keep the user waiting for as long.

    Args:
        model: hooks are put into all modules without children.
        current: what they ask.
    """

    def __init__(self, model: nn.Module, current: CurrentToken) -> None:
        self._current = current
        self._handles = []
        for module in model.modules():
            if next(module.children(), None) is None:
                self._handles.append(module.register_forward_pre_hook(self._before))
                self._handles.append(module.register_forward_hook(self._after))

    def remove(self) -> None:
        """Take the hooks out: the model may live on elsewhere."""
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, inputs: Any) -> None:
        self._current.check()

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(self._in_backward)  # type: ignore[no-untyped-call]

    def _in_backward(self, gradient: Tensor) -> None:
        self._current.check()
