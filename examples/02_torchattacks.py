"""torchattacks users: SegPGD against torchattacks' own PGD on rendered street scenes.

Run: python examples/02_torchattacks.py [--smoke]
"""

import argparse

import torch
import torchattacks

from art_segplugin.data.scenes import SceneDataset
from art_segplugin.metrics import ConfusionMatrix, mean_iou, pixel_accuracy
from art_segplugin.models import load_model
from art_segplugin.wrappers.torchattacks import SegMultiAttack, SegPGD, for_segmentation


def report(name, model, images, labels):
    """Pixel accuracy and mIoU over the valid pixels."""
    with torch.no_grad():
        logits = model(images)
    matrix = ConfusionMatrix(logits.shape[1])
    matrix.update(logits.argmax(1), labels)
    accuracy, miou = pixel_accuracy(matrix.counts), mean_iou(matrix.counts)
    print(f"{name:30} pixel accuracy {accuracy:6.1%}, mIoU {miou:6.1%}")


def main(smoke):
    count, size, steps = (1, (96, 128), 2) if smoke else (4, (360, 480), 20)
    scenes = list(SceneDataset(count, split="test", size=size))
    images = torch.stack([scene.image for scene in scenes])
    labels = torch.stack([scene.labels for scene in scenes])  # 255 marks void pixels
    model = load_model("small-scenes")

    # An unmodified torchattacks attack, brought to label maps, and ours in the same manner.
    options = {"eps": 2 / 255, "alpha": 0.5 / 255, "steps": steps}
    pgd = for_segmentation(torchattacks.PGD)(model, **options)
    segpgd = SegPGD(model, **options)
    attacks = {
        "torchattacks.PGD": pgd,
        "SegPGD": segpgd,
        "the worse of both, per image": SegMultiAttack([pgd, segpgd]),
    }

    report("clean", model, images, labels)
    torch.manual_seed(0)  # the random starts
    for name, attack in attacks.items():
        report(name, model, attack(images, labels), labels)

    # torchattacks' targeted modes work too: every pixel towards a class it does not have.
    segpgd.set_mode_targeted_least_likely(quiet=True)
    report("targeted", model, segpgd(images, labels), labels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="one small scene, two steps")
    main(parser.parse_args().smoke)
