"""One class for another: how much of it is reached, and what else changes, with and without keeping the rest.

Scenes are the first of the test split with enough pixels of the class in their labels, the same for all
models. The attacks know no labels: source and rest are the model's clean prediction. `reached` is the
share of the source that is predicted as the target, `collateral` the share of the rest that is predicted
as another class than before, both of the image as it is written, in 8 bits; means over the scenes, and
the worst scene. A cell that is in the CSV file already is not computed again, unless it has other options.

    python benchmarks/targeted.py --models small-scenes --radii 8 4
    python benchmarks/targeted.py --size 360x480 --attacks keep-pgd-50+keep
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

import torch

from art_segplugin.attacks import named
from art_segplugin.data.sample import Sample
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.evaluation.dataset import attack_samples
from art_segplugin.evaluation.pipeline import Goal
from art_segplugin.models import load_model

FIELDS = (
    "size", "model", "eps", "attack", "keep", "options", "seed", "source", "target", "scene",
    "source_pixels", "reached", "collateral", "reached_exact", "collateral_exact", "seconds",
)  # fmt: skip
KEY = FIELDS[:10]
LOOKED_AT = 400


def chosen_scenes(size, source, pixels, count):
    """The first scenes of the test split with so many pixels of the class, by their number."""
    data = SceneDataset(LOOKED_AT, "test", size=size)
    found = []
    for index in range(LOOKED_AT):
        sample = data[index]
        if int((sample.labels == source).sum()) >= pixels:
            found.append((index, sample))
            if len(found) == count:
                return found
    raise SystemExit(f"only {len(found)} of {LOOKED_AT} scenes have {pixels} such pixels")


def attack_and_goal(name, eps, source, target):
    """From "cospgd-50:step_schedule=cosine+keep" the attack, its goal and its options as text."""
    rest, plus, _ = name.partition("+keep")
    recipe, _, given = rest.partition(":")
    options = dict(pair.split("=") for pair in given.split(",") if pair)
    values = {key: _value(value) for key, value in options.items()}
    attack = named(recipe, eps=eps / 255, targeted=True, **values)
    return attack, Goal(source, target, bool(plus)), given


def _value(text):
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)


def measured(model, index, sample, attack, goal, seed):
    """Scores of one scene, exact and in 8 bits, and the seconds that the attack took."""
    unlabelled = [Sample(sample.name, sample.image, None)]
    started = time.perf_counter()
    (done,) = attack_samples(model, unlabelled, attack, seed, first=index, goal=goal)
    seconds = time.perf_counter() - started
    _, exact, rounded = (result.images[0].target for result in done.results)
    return {
        "source_pixels": exact.source,
        "reached": rounded.reached,
        "collateral": rounded.collateral,
        "reached_exact": exact.reached,
        "collateral_exact": exact.collateral,
        "seconds": round(seconds, 2),
    }


def earlier(path):
    """Rows by what they are of."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {tuple(row[name] for name in KEY): row for row in csv.DictReader(file)}


def add(path, row):
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def line(title, rows):
    reached, harmed = ([float(row[name]) for row in rows] for name in ("reached", "collateral"))
    seconds = statistics.fmean(float(row["seconds"]) for row in rows)
    return (
        f"| {title} | {len(rows)} | {100 * statistics.fmean(reached):.1f} | {100 * min(reached):.1f} "
        f"| {100 * statistics.fmean(harmed):.2f} | {100 * max(harmed):.2f} | {seconds:.1f} |"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["small-scenes"])
    parser.add_argument("--radii", nargs="+", type=float, default=[8, 4], help="of 255")
    parser.add_argument(
        "--attacks",
        nargs="+",
        default=["segpgd-50", "keep-pgd-50+keep"],
        help="NAME-STEPS[:OPTION=VALUE,...][+keep]",
    )
    parser.add_argument("--source", default="car")
    parser.add_argument("--target", default="vegetation")
    parser.add_argument("--size", default="180x240", help="height x width")
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument(
        "--pixels", type=int, default=400, help="of the source, at least, in labels"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("targeted.csv"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    classes = SceneDataset.palette.classes
    source, target = classes.index(args.source), classes.index(args.target)
    size = tuple(int(side) for side in args.size.split("x"))
    scenes = chosen_scenes(size, source, args.pixels, args.scenes)
    done = earlier(args.out)
    print(
        f"{args.source} to {args.target}, {args.size}, scenes {[i for i, _ in scenes]}", flush=True
    )
    print("| model, eps, attack | scenes | reached % | least | collateral % | most | s a scene |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for model_name in args.models:
        model = load_model(model_name).to(args.device).eval()
        for eps in args.radii:
            for text in args.attacks:
                attack, goal, options = attack_and_goal(text, eps, source, target)
                rows = []
                for index, sample in scenes:
                    cell = (args.size, model_name, f"{eps:g}", attack.name, str(goal.keep), options)
                    cell = (*cell, str(args.seed), args.source, args.target, sample.name)
                    row = dict(zip(KEY, cell, strict=True))
                    key = tuple(row.values())
                    if key not in done:
                        row |= measured(model, index, sample, attack, goal, args.seed)
                        add(args.out, row)
                        done[key] = row
                    rows.append(done[key])
                print(line(f"{model_name}, {eps:g}/255, {text}", rows), flush=True)


if __name__ == "__main__":
    main()
