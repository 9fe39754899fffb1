"""Mask2Former under SegPGD on its semantic logits, and under PGD on the set loss it was trained with.

python benchmarks/mask2former.py [--seconds 60]

A small network of transformers learns coloured shapes on noise for a minute. Both attacks take as many
steps of the same size within the same radius and begin at the same random points. The set loss matches
queries to masks anew at every step, as in training.
"""

import argparse
import time

import torch
import torch.nn.functional as F

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.metrics.confusion import count
from art_segplugin.models import Segmenter
from art_segplugin.models.optional import import_zoo

transformers = import_zoo("transformers")

CLASSES, SIDE, STEPS, TESTED = 4, 64, 20, 48
COLOURS = torch.tensor([[0.5, 0.5, 0.5], [0.7, 0.4, 0.4], [0.4, 0.7, 0.4], [0.4, 0.4, 0.7]])


def shapes(count, generator):
    """Images (n, 3, h, w) with one to three discs and rectangles, and their label maps."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    labels = torch.zeros(count, SIDE, SIDE, dtype=torch.long)
    for image in labels:
        for _ in range(int(torch.randint(1, 4, (), generator=generator))):
            y, x = torch.randint(8, SIDE - 8, (2,), generator=generator)
            radius, kind = (
                torch.randint(6, 16, (), generator=generator),
                torch.rand((), generator=generator),
            )
            far_y, far_x = (rows - y).abs(), (columns - x).abs()
            inside = (
                far_y**2 + far_x**2 < radius**2 if kind < 0.5 else far_y.maximum(far_x) < radius
            )
            image[inside] = torch.randint(1, CLASSES, (), generator=generator)
    noise = 0.1 * torch.randn(count, 3, SIDE, SIDE, generator=generator)
    return (COLOURS[labels].permute(0, 3, 1, 2) + noise).clamp(0, 1), labels


def network():
    """882,542 parameters."""
    backbone = transformers.SwinConfig(
        image_size=SIDE,
        patch_size=4,
        embed_dim=24,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=64,
        mask_feature_size=64,
        hidden_dim=64,
        encoder_feedforward_dim=64,
        encoder_layers=1,
        decoder_layers=3,
        num_attention_heads=4,
        dim_feedforward=64,
        num_queries=8,
        train_num_points=512,
        num_labels=CLASSES,
    )
    return transformers.Mask2FormerForUniversalSegmentation(config)


def set_loss(model, images, labels):
    """The loss of training: one mask a class that occurs, matched to the queries."""
    present = [image.unique() for image in labels]
    masks = [
        (image == found[:, None, None]).float()
        for image, found in zip(labels, present, strict=True)
    ]
    return model(pixel_values=(images - 0.5) / 0.25, mask_labels=masks, class_labels=present).loss


def train(model, seconds, generator):
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    began, used, steps = time.process_time(), 0.0, 0
    model.train()
    while used < seconds:
        optimiser.param_groups[0]["lr"] = 1e-3 * max(0.05, 1 - used / seconds)
        loss = set_loss(model, *shapes(8, generator))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        used, steps = time.process_time() - began, steps + 1
    print(f"{steps} steps of training in {used:.0f} s of processor time")
    return model.eval().requires_grad_(False)


def on_the_set_loss(model, images, labels, start, eps, size):
    """PGD in the maximum norm with steps of sign(gradient)."""
    x = start
    for _ in range(STEPS):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(set_loss(model, x, labels), x)
        x = (x.detach() + size * gradient.sign()).clamp(images - eps, images + eps).clamp(0, 1)
    return x.detach()


def scores(segmenter, images, labels):
    with torch.no_grad():
        logits = torch.cat([segmenter(part) for part in images.split(8)])
    counts = count(logits.argmax(1), labels, CLASSES)
    right = counts.diagonal()
    iou = right / (counts.sum(0) + counts.sum(1) - right)
    accuracy = (logits.argmax(1) == labels).float().mean()
    loss = F.cross_entropy(logits, labels)
    return f"{100 * accuracy:5.1f} %, mIoU {100 * iou.mean():5.1f} %, cross-entropy {loss:.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = train(network(), arguments.seconds, generator)
    segmenter = Segmenter(model, classes=CLASSES, mean=[0.5] * 3, std=[0.25] * 3).eval()
    images, labels = shapes(TESTED, torch.Generator().manual_seed(1))
    print(f"{'clean':36}", scores(segmenter, images, labels))
    for radius in (2, 4, 8):
        eps, size = radius / 255, radius / 4 / 255
        noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(2))
        start = (images + eps * (2 * noise - 1)).clamp(0, 1)
        made = {
            "SegPGD on the semantic logits": lambda x, y, s, e=eps, t=size: segpgd(e, t, STEPS)(
                segmenter, x, y, start=s
            ),
            "PGD on the semantic logits": lambda x, y, s, e=eps, t=size: pgd(e, t, STEPS)(
                segmenter, x, y, start=s
            ),
            "PGD on the set loss": lambda x, y, s, e=eps, t=size: on_the_set_loss(
                model, x, y, s, e, t
            ),
        }
        for name, attack in made.items():
            torch.manual_seed(0)  # the set loss is taken at random points
            parts = zip(images.split(8), labels.split(8), start.split(8), strict=True)
            adversarial = torch.cat([attack(*part) for part in parts])
            print(f"{radius}/255 {name:30} {scores(segmenter, adversarial, labels)}", flush=True)


if __name__ == "__main__":
    main()
