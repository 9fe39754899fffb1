"""The models on which attacks are tuned, and the others on which what was found is reported.

python benchmarks/strength_models.py --camvid FOLDER --out runs/strength     # trains what is missing

Small, briefly trained networks; half of CamVid's resolution (240 x 180). What tunes an attack never
reports on it. The robust network of the report is trained by
`art-segplugin train --scale 0.5 --objective pgd-at --attack pgd-3 --eps 4/255 --init small-scenes
--count 300 --val-count 20 --steps 600 --batch-size 8 --crop 144x192 --zoom 0.9-1.3 --lr 1e-3 --seed 7
--validate-every 300 --out runs/strength/scenes-pgd-at`.
"""

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from shim import torchvision_on_cpu_torch

from art_segplugin.data.datasets import open_dataset
from art_segplugin.models import Segmenter, SmallSegNet, load_model

TUNING = ("small-scenes-segpgd", "small-scenes-textures", "camvid-fpn", "camvid-small")
REPORTING = ("scenes-pgd-at", "small-scenes", "camvid-unet", "camvid-segformer")
ROBUST = ("small-scenes-segpgd", "scenes-pgd-at")
CLASSES, CROP, BATCH, RATE = 11, (96, 128), 8, 2e-3


def unet():
    torchvision_on_cpu_torch()
    import segmentation_models_pytorch as smp

    return smp.Unet("resnet18", encoder_weights=None, classes=CLASSES)


def fpn():
    torchvision_on_cpu_torch()
    import segmentation_models_pytorch as smp

    return smp.FPN("resnet18", encoder_weights=None, classes=CLASSES)


def segformer():
    """SegFormer-B0's shape at half its depth, with the logits of a quarter of the resolution."""
    torchvision_on_cpu_torch()
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(depths=[1, 1, 1, 1], num_labels=CLASSES, drop_path_rate=0.0)
    return SegformerForSemanticSegmentation(config)


NETWORKS = {
    "camvid-small": (lambda: SmallSegNet(CLASSES), 1),
    "camvid-fpn": (fpn, 32),
    "camvid-unet": (unet, 32),
    "camvid-segformer": (segformer, 32),
}


def segmenter(name):
    network, stride = NETWORKS[name]
    return Segmenter(
        network(), classes=CLASSES, ignore_index=255, mean=0.5, std=0.25, stride=stride
    )


def load(name, out):
    """A model of either list, in evaluation mode."""
    if name in NETWORKS:
        model = segmenter(name)
        model.model.load_state_dict(load_file(Path(out) / f"{name}.safetensors"))
    elif name == "scenes-pgd-at":
        model = load_model(str(Path(out) / name / "best.safetensors"))
    else:
        model = load_model(name)
    return model.eval().requires_grad_(False)


def camvid(folder, split):
    return open_dataset(str(folder), split, scale=0.5)


def tensors(data, count=None):
    """Images and labels of the first samples, or of `count` spread evenly over the data."""
    among = range(len(data)) if count is None else [i * len(data) // count for i in range(count)]
    samples = [data[i] for i in among]
    return torch.stack([s.image for s in samples]), torch.stack([s.labels for s in samples])


def train(name, folder, out, steps):
    torch.manual_seed(sum(map(ord, name)))
    generator = torch.Generator().manual_seed(0)
    images, labels = tensors(camvid(folder, "train"))
    model = segmenter(name).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    frequency = labels.flatten().bincount(minlength=256)[:CLASSES] / labels.numel()
    weights = 1 / torch.log(1.02 + frequency)
    began = time.perf_counter()
    for step in range(steps):
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        top = int(torch.randint(images.shape[2] - CROP[0], (), generator=generator))
        left = int(torch.randint(images.shape[3] - CROP[1], (), generator=generator))
        here = (..., slice(top, top + CROP[0]), slice(left, left + CROP[1]))
        x, y = images[chosen][here], labels[chosen][here]
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        loss = F.cross_entropy(model(x), y, weights, ignore_index=255)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        scheduler.step()
        if step % 50 == 0:
            taken = time.perf_counter() - began
            print(f"{name}: step {step} of {steps}, loss {loss:.3f}, {taken:.0f} s", flush=True)
    weights = {key: value.contiguous() for key, value in model.model.state_dict().items()}
    save_file(weights, out / f"{name}.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/strength"))
    parser.add_argument("--only", nargs="+", default=list(NETWORKS))
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        if not (given.out / f"{name}.safetensors").exists():
            train(name, given.camvid, given.out, given.steps)


if __name__ == "__main__":
    main()
