"""Lets PyPI's CUDA-built torchvision import beside a CPU build of torch."""

import torch

_kept_alive = []


def torchvision_on_cpu_torch():
    """Declare the two operators that torchvision's compiled part would have declared."""
    if torch.version.cuda is not None or _kept_alive:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept_alive.append(library)
