"""A classifier as the attacks see it: a segmenter of one pixel, with labels (n, 1, 1)."""

import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.core.types import NO_VOID


class TinyClassifier(nn.Module):
    """Logits (n, c, 1, 1): the mean of a small net's over the image."""

    def __init__(self, classes=4):
        super().__init__()
        self.net = TinyNet(classes)

    def forward(self, x):
        return self.net(x).mean((2, 3), keepdim=True)


def one_label_problem(n=6, size=(7, 8), dtype=torch.float32, seed=0):
    """A classifier that is right on all images but the last, which has no label (void)."""
    torch.manual_seed(seed)
    model = TinyClassifier().to(dtype).eval()
    x = 0.1 + 0.8 * torch.rand(n, 3, *size, dtype=dtype)
    with torch.no_grad():  # classes that the images are spread over
        logits = model(x)
        model.net.head.bias -= logits.mean((0, 2, 3))
        model.net.head.weight *= 8
        model.net.head.bias *= 8
    labels = model(x).argmax(1)
    labels[-1] = NO_VOID  # negative: 255 would be a class
    return model, x, labels
