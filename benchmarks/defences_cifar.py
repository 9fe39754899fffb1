"""Five ways of adversarial training, each with and without hypersphere embedding, on CIFAR-10.

python benchmarks/defences_cifar.py --cifar FOLDER                    # all cells, 2 CPU cores: about an hour
python benchmarks/defences_cifar.py --cifar FOLDER --seeds 1 --only trades
python benchmarks/defences_cifar.py --cifar FOLDER --full             # for a GPU: large nets, AutoAttack

Every cell (framework, HE or not, seed) trains a small residual net and attacks it. All cells make the same
number of passes (forward and backward) through the network: cheap methods make more updates. A pass of FreeAT,
which differentiates weights and images at once, takes about a fifth longer than the others'. The checkpoint is
chosen under PGD-10 on images held out of the training. A finished cell is one line of
benchmarks/defences_cifar.csv (-full.csv) with one bit per test image and attack; finished cells are
skipped, interrupted ones go on. benchmarks/defences_cifar_tables.py makes tables of it.
"""

import argparse
import csv
from pathlib import Path

import torch
from defences_cifar_tables import FIELDS, FRAMEWORKS, accuracy, rows

from art_segplugin.attacks import named
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.data.datasets import open_dataset
from art_segplugin.heads import to_hypersphere
from art_segplugin.models import CheckpointInfo, Classifier, load_checkpoint
from art_segplugin.models.checkpoint import ARCHITECTURES
from art_segplugin.training import (
    OBJECTIVES,
    TrainingOptions,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
    train,
)

EPS = 8 / 255
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
# Passes of one update, k attack steps: forward and backward 1, forward alone a third.
PASSES = {
    "pgd-at": lambda k: k + 1,
    "trades": lambda k: k + 2 + 1 / 3,
    "alp": lambda k: k + 2,
    "free-at": lambda k: 1,
    "fast-at": lambda k: 2,
}
SMALL = {
    "options": {"width": 16, "blocks": 1, "stem_stride": 2},
    "train": 2000,
    "val": 500,
    "test": 500,
    "passes": 3000,
    "inner": 3,
    "batch": 64,
    "apgd": "apgd-50",
    "precision": "float32",
    "autoattack": False,
}
FULL = SMALL | {
    "options": {"width": 64, "blocks": 2, "stem_stride": 1},
    "train": None,
    "val": 1000,
    "test": 10000,
    "passes": 200_000,
    "inner": 10,
    "batch": 128,
    "apgd": "apgd-100",
    "precision": "bfloat16",
    "autoattack": True,
}


class OneLabel(torch.nn.Module):
    """Logits (n, c), as torchattacks wants them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images).flatten(1)


def autoattacked(model, images, labels):
    """AutoAttack (Croce & Hein 2020, arXiv:2003.01690), standard version, by torchattacks."""
    from torchattacks import AutoAttack

    attack = AutoAttack(OneLabel(model), "Linf", EPS, "standard", n_classes=model.classes, seed=0)
    return attack(images, labels.flatten())


def attacks(sizes, scale):
    """Name -> attack; of unscaled cosines, which is the trap, only where there are cosines."""
    found = {
        "pgd": named("pgd-20", eps=EPS, step_size=2 / 255),
        "temperature": named("temperature-pgd-20", eps=EPS, step_size=2 / 255, temperature=0.2),
        "apgd": named(sizes["apgd"], eps=EPS),
    }
    if scale != 1:
        found["unscaled"] = named(
            "temperature-pgd-20", eps=EPS, step_size=2 / 255, temperature=scale
        )
    return found


def trained(cell, sizes, cifar, out, device):
    """The model of a cell with its best weights; goes on where it was interrupted."""
    name, he, seed = cell
    usual = OBJECTIVES[name]
    training = open_dataset(str(cifar), "train", count=sizes["train"])
    validation = open_dataset(str(cifar), "val", count=sizes["val"])
    classes = training.palette
    torch.manual_seed(seed)
    options = {"classes": len(classes), **sizes["options"]}
    network = ARCHITECTURES["resnet"](**options)
    if he:
        to_hypersphere(network, len(classes), scale=usual.scale)
    model = Classifier(network, classes=len(classes), mean=MEAN, std=STD).to(device)
    steps = round(sizes["passes"] / PASSES[name](sizes["inner"]))
    run = TrainingOptions(
        steps=steps,
        batch_size=sizes["batch"],
        scale=(1.0, 1.0),
        jitter=0.0,
        class_weighting="none",
        precision=sizes["precision"],
        seed=seed,
        validate_every=-(-steps // 8),
        save_every=-(-steps // 8),
    )
    scale, margin = (usual.scale, usual.margin) if he else (1.0, 0.0)
    attack = None if usual.fixed else f"pgd-{sizes['inner']}"

    def objective(weights):
        loss = WeightedCrossEntropy(classes.ignore_index, weights, scale, margin)
        return make_objective(name, loss, inner_attack(name, attack))

    folder = out / "-".join([name, "he" if he else "plain", str(seed)])
    info = CheckpointInfo(
        "resnet", classes.classes, classes.colours, options, task="classification"
    )
    judge = inner_attack("pgd-at", "pgd-10")
    for step in train(
        model, training, validation, folder, run,
        info=info, objective=objective, withstand=judge, resume=True,
    ):  # fmt: skip
        if step.scores is not None:
            scores = ", ".join(f"{k} {100 * v:.1f}" for k, v in step.scores.items())
            print(f"{folder.name} {step.step}/{steps}: loss {step.loss:.3f}, {scores}", flush=True)
    parameters = sum(p.numel() for p in network.parameters())
    return load_checkpoint(folder / "best.safetensors").to(device), scale, parameters, steps


def right(model, images, labels):
    with evaluation_mode(model), torch.no_grad():
        return model(images).argmax(1) == labels


def bits(values):
    return "".join("1" if value else "0" for value in values.flatten().tolist())


def row(cell, sizes, cifar, out, device):
    model, scale, parameters, steps = trained(cell, sizes, cifar, out, device)
    test = list(open_dataset(str(cifar), "test", count=sizes["test"]))
    kept = {}
    for first in range(0, len(test), 250):
        batch = test[first : first + 250]
        images = torch.stack([sample.image for sample in batch]).to(device)
        labels = torch.stack([sample.labels for sample in batch]).to(device)
        found = {"clean": right(model, images, labels)}
        for name, attack in attacks(sizes, scale).items():
            generator = torch.Generator(device).manual_seed(first)
            built = attack.build(ignore_index=-100)
            found[name] = right(model, built(model, images, labels, generator=generator), labels)
        if sizes["autoattack"]:
            found["autoattack"] = right(model, autoattacked(model, images, labels), labels)
        for name, values in found.items():
            kept.setdefault(name, []).append(values)
    kept = {name: torch.cat(values) for name, values in kept.items()}
    strongest = torch.stack([v for name, v in kept.items() if name != "unscaled"]).all(0)
    name, he, seed = cell
    return {
        "framework": name,
        "he": int(he),
        "seed": seed,
        "parameters": parameters,
        "training_images": sizes["train"] or "all",
        "test_images": len(test),
        "updates": steps,
        **{key: bits(values) for key, values in kept.items()},
        "worst": bits(strongest),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cifar", type=Path, help="folder of train.zip and test.zip")
    parser.add_argument("--out", type=Path, default=Path("runs/defences-cifar"))
    parser.add_argument("--csv", type=Path, help="default: defences_cifar.csv, -full.csv")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", default="", help="frameworks that have this in their name")
    parser.add_argument("--full", action="store_true", help="sizes for a GPU")
    parser.add_argument("--passes", type=int, help="another budget, in files of its own")
    parser.add_argument("--train-only", action="store_true", help="leave the attacks for later")
    given = parser.parse_args()
    suffix = ("-full" if given.full else "") + (f"-{given.passes}" if given.passes else "")
    path = given.csv or Path(__file__).with_name(f"defences_cifar{suffix}.csv")
    if given.cifar is None:
        parser.error("give --cifar FOLDER")
    sizes = FULL if given.full else SMALL
    sizes = sizes | {"passes": given.passes or sizes["passes"]}
    out = given.out.with_name(given.out.name + suffix)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    cells = [
        (name, he, seed)
        for seed in given.seeds
        for name in FRAMEWORKS
        for he in (False, True)
        if given.only in name
    ]
    for cell in cells:
        key = (cell[0], str(int(cell[1])), str(cell[2]))
        if any((r["framework"], r["he"], r["seed"]) == key for r in rows(path)):
            continue
        if given.train_only:
            trained(cell, sizes, given.cifar, out, device)
            continue
        finished = row(cell, sizes, given.cifar, out, device)
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(finished)
        shown = {k: f"{accuracy(v):.1f}" for k, v in finished.items() if k in FIELDS[7:] and v}
        print(f"{cell}: {shown}", flush=True)


if __name__ == "__main__":
    main()
