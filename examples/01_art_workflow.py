"""ART users: from a model to predictions, an attack, ART's own attacks and adversarial training.

Run: python examples/01_art_workflow.py [--smoke]
"""

import argparse

import numpy as np
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.defences.trainer import AdversarialTrainer

from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model
from art_segplugin.wrappers.art import PyTorchSegmenter, SegFGSM, SegPGD, square_attack


def arrays(split, count, size):
    """Images (n, 3, h, w) in [0, 1] and label maps (n, h, w), in which 255 is void."""
    scenes = list(SceneDataset(count, split=split, size=size))
    return (
        np.stack([scene.image.numpy() for scene in scenes]),
        np.stack([scene.labels.numpy() for scene in scenes]),
    )


def report(name, estimator, x, y):
    valid = y != 255
    right = (estimator.predict(x, batch_size=4, output="labels") == y) & valid
    print(f"{name:32} pixel accuracy {right.sum() / valid.sum():6.1%}")


def main(smoke):
    size, steps, n_train = ((96, 128), 2, 2) if smoke else ((180, 240), 10, 24)
    torch.manual_seed(0)  # random starts and the order of training
    np.random.seed(0)  # which images ART's trainer attacks

    # 1. Wrap the model: any net whose output is logits, {"out": ...}, an object with .logits ...
    model = load_model("small-scenes")
    estimator = PyTorchSegmenter(
        model,
        input_shape=(3, *size),
        nb_classes=len(SceneDataset.palette.classes),
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-4),
    )

    # 2. Predict.
    x, y = arrays("test", 1 if smoke else 6, size)
    report("clean", estimator, x, y)

    # 3. Attack; the parameters are those of ART's ProjectedGradientDescent.
    eps, options = 1 / 255, {"batch_size": 3, "verbose": False}
    fgsm = SegFGSM(estimator, eps=eps, **options)
    report("SegFGSM", estimator, fgsm.generate(x, y), y)
    segpgd = SegPGD(estimator, eps=eps, eps_step=eps / 4, max_iter=steps, **options)
    report(f"SegPGD-{steps}", estimator, segpgd.generate(x, y), y)
    lower_half = np.broadcast_to(np.arange(size[0])[:, None] >= size[0] // 2, y.shape)
    report("... on the lower half only", estimator, segpgd.generate(x, y, mask=lower_half), y)

    # 4. ART's own attacks take the estimator too.
    pgd = ProjectedGradientDescent(estimator, eps=eps, eps_step=eps / 4, max_iter=steps, **options)
    report(f"ART's PGD-{steps}", estimator, pgd.generate(x, y), y)
    square = square_attack(estimator, eps=eps, max_iter=20 * steps, verbose=False)
    report(f"ART's Square-{20 * steps}", estimator, square.generate(x, y), y)

    # 5. Train against the attack, half of each batch clean, with ART's trainer.
    quick = SegPGD(estimator, eps=eps, eps_step=eps / 2, max_iter=3, **options)
    trainer = AdversarialTrainer(estimator, quick, ratio=0.5)
    trainer.fit(
        *arrays("train", n_train, size), batch_size=min(6, n_train), nb_epochs=1 if smoke else 4
    )
    report("trained: clean", estimator, x, y)
    report(f"trained: SegPGD-{steps}", estimator, segpgd.generate(x, y), y)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="one small scene, two steps")
    main(parser.parse_args().smoke)
