"""Models whose answer is known, and attacks written out straight from the papers."""

import torch
import torch.nn.functional as F
from torch import nn


class LinearSegmenter(nn.Module):
    """Two live classes; z1 - z0 = w . x(pixel) - 0.2, so the smallest change of a pixel is known."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -0.3, 0.2]))

    def margin(self, x):
        return torch.einsum("nchw,c->nhw", x, self.w) - 0.2

    def forward(self, x):
        m = self.margin(x)
        return torch.stack([-m / 2, m / 2, torch.full_like(m, -5.0)], 1)

    def smallest_linf(self, x):
        return self.margin(x).abs() / self.w.abs().sum()


class TinyNet(nn.Module):
    """A small net with batch norm and dropout, whose mode therefore matters."""

    def __init__(self, classes=4):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2)
        )
        self.head = nn.Conv2d(8, classes, 3, padding=1)

    def forward(self, x):
        return self.head(self.body(x))


def tiny_problem(classes=4, n=2, size=(12, 14), dtype=torch.float32, seed=0):
    """A trained-looking model, images, labels with a void row."""
    torch.manual_seed(seed)
    model = TinyNet(classes).to(dtype).eval()
    with torch.no_grad():
        model.head.weight *= 4
    x = 0.1 + 0.8 * torch.rand(n, 3, *size, dtype=dtype)
    labels = model(x).argmax(1)
    flip = torch.rand(labels.shape) < 0.1
    labels = torch.where(flip, (labels + 1) % classes, labels)
    labels[:, 0] = 255
    return model, x, labels


def straight_segpgd(model, x, labels, start, eps, step_size, steps, ignore_index=255):
    """Algorithm 1 and equation 4 of arXiv:2207.12391 line by line, mean over H*W; no shared code."""
    x_adv = start.clone()
    for t in range(1, steps + 1):
        x_adv = x_adv.detach().requires_grad_(True)
        logits = model(x_adv)
        predicted = logits.argmax(1)
        loss = 0.0
        lam = (t - 1) / (2 * steps)
        for n in range(len(x)):
            ce = F.cross_entropy(
                logits[n : n + 1], labels[n : n + 1], ignore_index=ignore_index, reduction="none"
            )[0]
            right = (predicted[n] == labels[n]) & (labels[n] != ignore_index)
            wrong = (predicted[n] != labels[n]) & (labels[n] != ignore_index)
            pixels = labels[n].numel()
            loss = loss + (1 - lam) / pixels * ce[right].sum() + lam / pixels * ce[wrong].sum()
        loss.backward()
        moved = x_adv.detach() + step_size * x_adv.grad.sign()
        x_adv = (x + (moved - x).clamp(-eps, eps)).clamp(0, 1)
    return x_adv.detach()
