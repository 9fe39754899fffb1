"""Pixel accuracy of the shipped model under several attacks, with its logits multiplied by a factor.

The class that each pixel is given does not change, only how sure of it the softmax is. Two test scenes
of 180 x 240, 20 steps, all attacks from the same random start.

python benchmarks/saturated.py [eps in 1/255, 2] [factors, 1 30 100]
"""

import sys

import torch

from art_segplugin.attacks import cospgd, padam_cos, pgd, segpgd, temperature_pgd
from art_segplugin.attacks.cospgd import CosineWeights
from art_segplugin.attacks.temperature_pgd import TemperedWeights
from art_segplugin.core.losses import TemperedCrossEntropy, difference_of_logits_ratio
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model


class Multiplied(torch.nn.Module):
    def __init__(self, model, factor):
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, images):
        return self.factor * self.model(images)


def attacks(budget, factor):
    exact = TemperedCrossEntropy(1.0)
    logarithms = TemperedWeights(exact, CosineWeights())
    return {
        "PGD": pgd(**budget),
        "SegPGD": segpgd(**budget),
        "CosPGD": cospgd(**budget),
        "CosPGD, weights as logarithms": pgd(**budget, loss=exact, weighting=logarithms),
        "PGD, DLR": pgd(**budget, loss=difference_of_logits_ratio),
        "PAdam-Cos": padam_cos(**budget),
        "Temperature-PGD, T the factor": temperature_pgd(**budget, temperature=factor),
    }


def main():
    eps = float(sys.argv[1]) / 255 if len(sys.argv) > 1 else 2 / 255
    factors = [float(one) for one in sys.argv[2:]] or [1.0, 30.0, 100.0]
    scenes = list(SceneDataset(2, "test", (180, 240)))
    images = torch.stack([scene.image for scene in scenes])
    labels = torch.stack([scene.labels for scene in scenes])
    valid = labels != 255
    noise = torch.empty_like(images)
    noise.uniform_(-eps, eps, generator=torch.Generator().manual_seed(0))
    start = (images + noise).clamp(0, 1)
    budget = {"eps": eps, "step_size": eps / 4, "steps": 20}
    columns = list(attacks(budget, 1))
    print(f"| factor, {eps * 255:g}/255 | p_y is 1 | {' | '.join(columns)} |")
    print("|---" * (2 + len(columns)) + "|", flush=True)
    for factor in factors:
        model = Multiplied(load_model("small-scenes"), factor)
        of_label = labels.masked_fill(~valid, 0).unsqueeze(1)
        with evaluation_mode(model), torch.no_grad():
            sure = model(images).softmax(1).gather(1, of_label).squeeze(1) == 1
        cells = [f"{factor:g}", f"{sure[valid].double().mean().item():.3f}"]
        for attack in attacks(budget, factor).values():
            x_adv = attack(model, images, labels, start=start)
            with evaluation_mode(model), torch.no_grad():
                right = (model(x_adv).argmax(1) == labels)[valid]
            cells.append(f"{right.double().mean().item():.3f}")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
