"""How many images to attack together, where nobody says so."""

import torch

from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images
from art_segplugin.errors import out_of_memory
from art_segplugin.models.segmenter import Segmenter

MOST = 64

PIXELS_ON_A_CPU = 2**20
"""Of a batch: more images together are no faster there, and take more memory."""

SHARE_OF_MEMORY = 0.7
"""Of the free memory of a graphics card; attacks hold a few more copies of the images than is measured."""


def automatic_batch_size(model: Segmenter, image: Images) -> int:
    """Images of this size that are attacked together.

    On a CPU as many as have a million pixels. On a graphics card as many as its free memory holds, by
    what one forward and backward pass of one image takes.

    Args:
        model: on the device to use, validated.
        image: one image (1, ch, h, w) in [0, 1].

    Returns:
        1 to MOST.
    """
    if model.device.type != "cuda":
        return min(max(PIXELS_ON_A_CPU // image[0, 0].numel(), 1), MOST)
    free, _ = torch.cuda.mem_get_info(model.device)
    free += torch.cuda.memory_reserved(model.device) - torch.cuda.memory_allocated(model.device)
    taken = _taken(model, image.to(model.device))
    return min(max(int(SHARE_OF_MEMORY * free / taken), 1), MOST)


def _taken(model: Segmenter, image: Images) -> int:
    """Bytes at the peak of one pass; all there are where one image alone is too much."""
    before = torch.cuda.memory_allocated(model.device)
    torch.cuda.reset_peak_memory_stats(model.device)
    try:
        with evaluation_mode(model), torch.enable_grad():
            leaf = image.detach().requires_grad_()
            logits = model(leaf)
            loss = cross_entropy(logits, logits.detach().argmax(1)).sum()
            torch.autograd.grad(loss, leaf)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    return max(torch.cuda.max_memory_allocated(model.device) - before, 1)
