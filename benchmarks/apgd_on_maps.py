"""Pixel accuracy of the shipped model under PGD, SegPGD and APGD: 20 steps, one random start.

python benchmarks/apgd_on_maps.py
"""

import torch

from art_segplugin.attacks import named
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model

COLUMNS = {"PGD": ("pgd", {}), "SegPGD": ("segpgd", {}), "APGD": ("apgd", {})}
COLUMNS["APGD, DLR"] = ("apgd", {"loss": "dlr"})


def main():
    scenes = list(SceneDataset(4, "test", (90, 120)))
    images = torch.stack([scene.image for scene in scenes])
    labels = torch.stack([scene.labels for scene in scenes])
    model, valid = load_model("small-scenes"), labels != 255
    print("| eps | " + " | ".join(COLUMNS) + " |\n" + "|---" * 5 + "|")
    for n in (1, 2, 4):
        cells = []
        for name, options in COLUMNS.values():
            sizes = {"eps": n / 255} | ({} if name == "apgd" else {"step_size": n / 4 / 255})
            attack = named(f"{name}-20", **sizes, **options).build()
            x_adv = attack(model, images, labels, generator=torch.Generator().manual_seed(0))
            with evaluation_mode(model), torch.no_grad():
                right = (model(x_adv).argmax(1) == labels)[valid]
            cells.append(f"{right.float().mean():.3f}")
        print(f"| {n}/255 | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
