"""Markdown tables of the cells that benchmarks/defences_cifar.py wrote.

python benchmarks/defences_cifar_tables.py
python benchmarks/defences_cifar_tables.py benchmarks/defences_cifar-12000.csv
"""

import argparse
import csv
from pathlib import Path

import torch

FRAMEWORKS = ("pgd-at", "trades", "alp", "free-at", "fast-at")
FIELDS = [
    "framework", "he", "seed", "parameters", "training_images", "test_images", "updates",
    "clean", "pgd", "temperature", "apgd", "autoattack", "worst", "unscaled",
]  # fmt: skip


def rows(path):
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def accuracy(text):
    return 100 * text.count("1") / len(text)


def paired(without, with_he, samples=10_000):
    """Difference of the mean accuracies over seeds (points), its 95 % bootstrap interval over images."""
    change = torch.zeros(len(without[0]), dtype=torch.float64)
    for texts, sign in ((without, -1), (with_he, 1)):
        for text in texts:
            change += sign * torch.tensor([int(c) for c in text]) / len(texts)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(change), (samples, len(change)), generator=generator)
    means = 100 * change[drawn].mean(1)
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return f"{100 * change.mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def tables(path):
    found = {(r["framework"], r["he"], int(r["seed"])): r for r in rows(path)}
    if not found:
        raise SystemExit(f"{path} holds no cells.")
    first = next(iter(found.values()))
    columns = [c for c in FIELDS[FIELDS.index("clean") :] if any(r[c] for r in found.values())]
    print(
        f"{first['parameters']} parameters, {first['training_images']} training and "
        f"{first['test_images']} test images, eps 8/255. Accuracy in percent: mean (each seed).\n"
    )
    print("| framework | HE | updates | " + " | ".join(columns) + " |")
    print("|---" * (3 + len(columns)) + "|")
    seeds = sorted({seed for _, _, seed in found})
    for name in FRAMEWORKS:
        for he in "01":
            cells = [found[name, he, seed] for seed in seeds if (name, he, seed) in found]
            if not cells:
                continue
            texts = []
            for column in columns:
                values = [accuracy(r[column]) for r in cells if r[column]]
                each = ", ".join(f"{value:.1f}" for value in values)
                texts.append(f"{sum(values) / len(values):.1f} ({each})" if values else "")
            updates = cells[0]["updates"]
            print(f"| {name} | {'yes' if he == '1' else ''} | {updates} | {' | '.join(texts)} |")
    print(
        "\nHE minus none, points: mean over the seeds that both have, 95 % interval over test images for "
        "these trainings (each seed).\n"
    )
    print("| framework | " + " | ".join(columns[:-1]) + " |")
    print("|---" * len(columns) + "|")
    for name in FRAMEWORKS:
        both = [s for s in seeds if (name, "0", s) in found and (name, "1", s) in found]
        if not both:
            continue
        texts = []
        for column in columns[:-1]:
            pairs = [[found[name, he, seed][column] for seed in both] for he in "01"]
            each = [
                f"{accuracy(he) - accuracy(none):+.1f}" for none, he in zip(*pairs, strict=True)
            ]
            texts.append(f"{paired(*pairs)} ({', '.join(each)})")
        print(f"| {name} | {' | '.join(texts)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).with_name("defences_cifar.csv")
    parser.add_argument("csv", type=Path, nargs="?", default=default)
    tables(parser.parse_args().csv)


if __name__ == "__main__":
    main()
