"""torchattacks' targeted modes, for label maps and labels of images."""

from collections.abc import Callable

import torch
from torch import Tensor
from torchattacks.attack import Attack

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images, Labels, Logits
from art_segplugin.errors import InputError


class LabelMapTargets(Attack):
    """Chooses a wanted class for every label; void pixels stay void in every targeted mode.

    The modes are switched as in torchattacks: `set_mode_targeted_random()`,
    `set_mode_targeted_least_likely(kth_min)`, `set_mode_targeted_by_label()`,
    `set_mode_targeted_by_function(function)` and `set_mode_default()`.
    """

    ignore_index: int

    def get_target_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """The wanted classes, shaped as `labels`, of the mode that is switched on; void where these are.

        Raises:
            ValueError: no targeted mode is switched on.
            InputError: the function given to `set_mode_targeted_by_function` returned another shape.
        """
        if labels is None:
            return super().get_target_label(inputs, labels)
        # Void pixels show class 0 meanwhile, so that a table of targets may be indexed with them.
        void = self._void(labels)
        targets = super().get_target_label(inputs, labels.masked_fill(void, 0))
        if not isinstance(targets, Tensor) or targets.shape != labels.shape:
            raise InputError(
                f"the target function returned {described(targets)} for labels of shape "
                f"{tuple(labels.shape)}; return one class for each."
            )
        return torch.where(void, labels, targets.to(labels))

    @torch.no_grad()
    def get_random_target_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """A uniformly drawn class for every label, never that of `labels` (the predicted one if None).

        Raises:
            InputError: the model has one class only.
        """

        def drawn(logits: Logits, labels: Labels) -> Labels:
            draw = torch.randint(_other_classes(logits), labels.shape, device=labels.device)
            return draw + (draw >= labels)

        return self._chosen_targets(inputs, labels, drawn)

    @torch.no_grad()
    def get_least_likely_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """The class of the `kth_min`-th smallest logit, leaving out that of `labels`, for every label.

        Raises:
            InputError: `kth_min` is larger than the number of other classes.
        """

        def least_likely(logits: Logits, labels: Labels) -> Labels:
            if self._kth_min > _other_classes(logits):
                raise InputError(
                    f"kth_min is {self._kth_min}; the model has {_other_classes(logits)} classes "
                    "beside the true one."
                )
            others = logits.scatter(1, labels.unsqueeze(1), torch.inf)
            return others.kthvalue(self._kth_min, dim=1).indices

        return self._chosen_targets(inputs, labels, least_likely)

    @torch.no_grad()
    def get_output_with_eval_nograd(self, inputs: Images) -> Logits:
        """As `get_logits`, in evaluation mode; every module gets its own mode back."""
        with evaluation_mode(self.model):
            return self.get_logits(inputs)

    def _void(self, labels: Labels) -> Tensor:
        """Pixels of label maps without a class; a label of a whole image always is a class."""
        return (labels == self.ignore_index) & (labels.ndim > 1)

    def _chosen_targets(
        self,
        inputs: Images,
        labels: Labels | None,
        choose: Callable[[Logits, Labels], Labels],
    ) -> Labels:
        logits = self.get_output_with_eval_nograd(inputs)
        labels = logits.argmax(1) if labels is None else labels.to(logits.device)
        void = self._void(labels)
        return torch.where(void, labels, choose(logits, labels.masked_fill(void, 0)))


def _other_classes(logits: Logits) -> int:
    if logits.shape[1] < 2:
        raise InputError("the model has one class; a targeted attack needs another one to aim at.")
    return logits.shape[1] - 1


def described(value: object) -> str:
    """What something that does not fit is, in the words of an error."""
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
