"""What a step costs: ours, ours on the accelerated copy, ART's and torchattacks', over the bare loop.

U-Net with a ResNet-18, 352 x 480, batch 2. Every round runs all loops in a random order; what is compared is
CPU time within a round, so that a busy machine disturbs little: the geometric mean of the ratios, with a 95 %
interval by drawing rounds anew. Times are those of the whole process, waiting threads included: on a machine with
other work, measure with one thread too.

With --strength, what PGD on the copy leaves of the mIoU beside PGD on the model, both judged by the model in
float32, with the same random starts.

    OMP_NUM_THREADS=2 python benchmarks/fast.py --rounds 15
    OMP_NUM_THREADS=2 python benchmarks/fast.py --strength --weights runs/strength --camvid FOLDER --images 6
"""

import argparse
import math
import random
from pathlib import Path

import torch
from shim import torchvision_on_cpu_torch
from step_cost import EPS, STEP, bare_loop, cpu_time

from art_segplugin.attacks import named
from art_segplugin.data.datasets import open_dataset
from art_segplugin.metrics import count
from art_segplugin.models import Segmenter, load_model
from art_segplugin.models.fast import accelerated, fastest

SIZE, BATCH, CLASSES = (352, 480), 2, 11
RESAMPLES = 4000


def unet(weights):
    """Trained where there are weights; normalisations that have seen noise where there are none."""
    if weights is not None and (weights / "camvid-unet.safetensors").exists():
        from strength_models import load

        return load("camvid-unet", weights)
    torchvision_on_cpu_torch()
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    network = smp.Unet("resnet18", encoder_weights=None, classes=CLASSES).train()
    with torch.no_grad():
        network(torch.rand(4, 3, 96, 128))
    return Segmenter(network, classes=CLASSES, mean=0.5, std=0.25, stride=32).eval()


def loops(model, copies, x, labels, steps):
    """Name -> function that takes `steps` steps."""
    import torchattacks
    from art.attacks.evasion import ProjectedGradientDescent

    from art_segplugin.wrappers.art import PyTorchSegmenter, SegmentationPGD

    estimator = PyTorchSegmenter(
        model,
        input_shape=tuple(x.shape[1:]),
        nb_classes=CLASSES,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    arts = ProjectedGradientDescent(
        estimator, eps=EPS, eps_step=STEP, max_iter=steps, verbose=False, batch_size=len(x)
    )
    through = SegmentationPGD(
        estimator, eps=EPS, eps_step=STEP, max_iter=steps, batch_size=len(x), verbose=False
    )
    theirs = torchattacks.PGD(model, eps=EPS, alpha=STEP, steps=steps)
    x_np, labels_np = x.numpy(), labels.numpy()

    def ours(attack, attacked):
        built = named(attack, eps=EPS, step_size=STEP, steps=steps).build()
        return lambda: built(attacked, x, labels)

    found = {
        "bare loop": lambda: bare_loop(model, x, labels, steps),
        "PGD": ours("pgd", model),
        "SegPGD": ours("segpgd", model),
        "CosPGD": ours("cospgd", model),
        "PGD through ART": lambda: through.generate(x_np, labels_np),
        "ART's PGD": lambda: arts.generate(x_np, labels_np),
        "torchattacks' PGD": lambda: theirs(x, labels),
    }
    for copy in copies:
        found[f"PGD, {copy.described}"] = ours("pgd", copy.model)
    return found


def interval(ratios):
    """Geometric mean of paired ratios with its 95 % interval."""
    logs = [math.log(ratio) for ratio in ratios]
    generator = random.Random(0)
    means = sorted(sum(generator.choices(logs, k=len(logs))) / len(logs) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
    mean, low, high = (math.exp(value) for value in (sum(logs) / len(logs), low, high))
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


def cost(given):
    model = unet(given.weights)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, 3, *SIZE, generator=generator)
    labels = torch.randint(0, CLASSES, (BATCH, *SIZE), generator=generator)
    copies = [
        accelerated(model, x, fold=fold, channels_last=last)
        for fold, last in ((True, True), (True, False), (False, True))
    ]
    functions = loops(model, copies, x, labels, given.steps)
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    order, shuffle = list(functions), random.Random(1)
    for _ in range(given.rounds):
        shuffle.shuffle(order)
        for name in order:
            times[name].append(cpu_time(functions[name]))
    bare = times["bare loop"]
    print(f"\n{'loop':52}{'ms a step':>10}{'over the bare loop':>28}{'PGD over it':>28}")
    for name, taken in times.items():
        middle = 1000 * sorted(taken)[len(taken) // 2] / given.steps
        over = interval([a / b for a, b in zip(taken, bare, strict=True)])
        ours = interval([a / b for a, b in zip(times["PGD"], taken, strict=True)])
        print(f"{name:52}{middle:>10.0f}{over:>28}{ours:>28}")


def problem(name, given):
    """A model, images (n, 3, h, w) and labels."""
    if name == "camvid-unet":
        from strength_models import camvid

        samples, model = camvid(given.camvid, "test"), unet(given.weights)
    else:
        model = load_model(name).eval()
        samples = open_dataset("scenes", "test", count=given.images, scale=0.5)
    samples = [samples[i] for i in range(given.images)]
    images, labels = (torch.stack([getattr(s, of) for s in samples]) for of in ("image", "labels"))
    return model, images, labels.long()


def left(model, images, labels):
    """mIoU in per cent, judged in float32 an image at a time."""
    counts = torch.zeros(model.classes, model.classes)
    with torch.no_grad():
        for image, truth in zip(images, labels, strict=True):
            prediction = model(image[None]).argmax(1)
            counts += count(prediction, truth[None], model.classes, model.ignore_index)
    hits, union = counts.diag(), counts.sum(0) + counts.sum(1) - counts.diag()
    return 100 * float((hits[union > 0] / union[union > 0]).mean())


def strength(given):
    print(
        f"\n{'model':16}{'attack':14}{'eps':>7}{'clean':>8}{'model':>8}  copies: mIoU left (difference)"
    )
    for name in given.models:
        model, images, labels = problem(name, given)
        clean = left(model, images, labels)
        attacked = [model, accelerated(model, images).model]
        if given.bfloat16:
            attacked.append(accelerated(model, images, precision="bfloat16").model)
        for eps in given.eps:
            for attack in given.attacks:
                built = named(attack, eps=eps / 255, step_size=min(eps / 4, 2) / 255).build()
                found = []
                for one in attacked:
                    parts = [
                        built(one, image[None], truth[None], seeds=[place])
                        for place, (image, truth) in enumerate(zip(images, labels, strict=True))
                    ]
                    found.append(left(model, torch.cat(parts), labels))
                rest = "".join(f"{value:>8.2f} ({value - found[0]:+.2f})" for value in found[1:])
                print(f"{name:16}{attack:14}{eps:>5g}/255{clean:>8.2f}{found[0]:>8.2f}{rest}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--weights", type=Path, help="folder of camvid-unet.safetensors")
    parser.add_argument("--strength", action="store_true")
    parser.add_argument("--camvid", help="folder of CamVid, for --strength")
    parser.add_argument("--models", nargs="+", default=["small-scenes", "camvid-unet"])
    parser.add_argument("--attacks", nargs="+", default=["pgd-10", "cospgd-10"])
    parser.add_argument("--eps", nargs="+", type=float, default=[2.0])
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument(
        "--bfloat16", action="store_true", help="also in bfloat16, slow without units"
    )
    given = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32")
    if given.strength:
        strength(given)
        return
    x = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    chosen = fastest(unet(given.weights), x)
    print(
        f"--fast takes: {chosen.described} ({chosen.share:.3f} of the time)",
        *chosen.left_out,
        sep="\n  ",
    )
    cost(given)


if __name__ == "__main__":
    main()
