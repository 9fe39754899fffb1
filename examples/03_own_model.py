"""Attack a model of your own: a transformers SegFormer, here made from a config.

Run `python examples/03_own_model.py`; with `--smoke` it is as short as can be.
"""

import argparse

import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.evaluation import predict
from art_segplugin.metrics import count, mean_iou, pixel_accuracy
from art_segplugin.models import Segmenter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke

    # 1. Images (n, 3, h, w) in [0, 1] and label maps (n, h, w); 255 marks void pixels.
    scenes = SceneDataset(1 if smoke else 4, split="test", size=(96, 128) if smoke else (180, 240))
    classes = len(scenes.palette)
    images = torch.stack([sample.image for sample in scenes])
    labels = torch.stack([sample.labels for sample in scenes])

    # 2. Your model. With weights of your own: SegformerForSemanticSegmentation.from_pretrained(...).
    torch.manual_seed(0)
    net = SegformerForSemanticSegmentation(
        SegformerConfig(num_labels=classes, hidden_sizes=[16, 32, 40, 64], depths=[1, 1, 1, 1])
    )

    # 3. The wrapper normalises inside and scales the quarter-size logits of SegFormer to the image.
    model = Segmenter(net, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)).eval()
    model.validate(images, labels)

    # The net above knows nothing yet, so it is attacked against its own prediction.
    labels = predict(model, images)

    # 4. Attack and score.
    steps = 2 if smoke else 8
    adversarial = {
        "clean": images,
        f"PGD-{steps}": pgd(steps=steps)(model, images, labels),
        f"SegPGD-{steps}": segpgd(steps=steps)(model, images, labels),
    }
    for name, changed in adversarial.items():
        counts = count(predict(model, changed), labels, classes)
        print(
            f"{name:10} pixel accuracy {pixel_accuracy(counts):6.1%}, mIoU {mean_iou(counts):6.1%}, "
            f"largest change {255 * (changed - images).abs().max().item():.2f}/255"
        )


if __name__ == "__main__":
    main()
