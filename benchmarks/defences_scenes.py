"""PGD-AT against SegPGD-AT, half against all images attacked, with and without HE, on label maps.

python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes
python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes --full
python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes --tables

All arms start from the same clean weights and make the same number of passes through the network: 3 attack
steps on all images cost 4 passes an update, on half of them 2.5, so half makes more updates. The frames that are
reported are not those that chose the checkpoints. One seed an arm: the intervals are over frames only.
Every job is one resumable command of `art-segplugin`, printed before it runs. The default sizes fit 2 CPU
cores (about an hour); --full needs a GPU.
"""

import argparse
import json
from pathlib import Path

import jobs
import torch

from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.metrics import ClassCounts, paired_difference
from art_segplugin.metrics.class_scores import mean_iou_of
from art_segplugin.report.diagnosis_tables import points

EPS = ["--eps", "4/255"]
PAIRS = (
    ("segpgd", "pgd"),
    ("pgd+half", "pgd"),
    ("segpgd+half", "segpgd"),
    ("segpgd+half", "pgd+half"),
    ("pgd+he", "pgd"),
    ("segpgd+he", "segpgd"),
)
SMALL = {"scale": 0.25, "steps": 350, "batch": 16, "scenes": 400, "frames": 25, "clean": 900}
FULL = {"scale": 1.0, "steps": 20000, "batch": 16, "scenes": 3000, "frames": 100, "clean": 20000}
ATTACKS = ["--attack", "pgd-100", "--attack", "segpgd-100"]


def experiments(camvid, out, sizes):
    """Yield (file that shows that it is done, resumable, words of the command)."""
    on_scenes = ["--data", "scenes", "--count", sizes["scenes"], "--val-count", 25]
    on_camvid = ["--data", camvid, "--val-count", 25]
    fast = ["--batch-size", sizes["batch"], "--precision", "bfloat16", "--zoom", "0.9-1.3"]
    fast += ["--scale", sizes["scale"], "--report-count", 0]

    def train(name, *words):
        return out / name / "finished", True, ["train", *words, "--out", out / name]

    def best(name):
        return out / name / "best.safetensors"

    for data, words in (("scenes", on_scenes), ("camvid", on_camvid)):
        start = ["--init", "small-scenes"] if data == "scenes" else []
        steps = sizes["clean"] // (3 if data == "scenes" else 1)
        yield train(
            f"{data}-clean", *words, *fast, *start, "--steps", steps, "--validate-every", 300
        )
        for arm in arms(data):
            name, *rest = arm.split("+")
            objective = ["--objective", f"{name}-at", "--attack", f"{name}-3", *EPS]
            half = "half" in rest
            objective += ["--half"] if half else []
            objective += ["--he"] if "he" in rest else []
            steps = round(sizes["steps"] * (4 / 2.5 if half else 1))
            yield train(
                f"{data}-{arm}", *words, *fast, *objective, "--init", best(f"{data}-clean"),
                "--val-attack", "pgd-10", "--steps", steps, "--lr", "2e-3",
                "--validate-every", -(-steps // 4),
            )  # fmt: skip
    # CamVid has no third part: the first 25 validation frames choose, others are reported.
    unseen = {"scenes": ["scenes", "--split", "test"], "camvid": [camvid, "--skip", 25]}
    for data, words in unseen.items():
        models = [w for arm in arms(data) for w in ("--model", best(f"{data}-{arm}"))]
        folder = out / f"result-{data}"
        yield folder / "diagnosis.html", True, [
            "diagnose", *models, "--model", best(f"{data}-clean"), "--data", *words,
            "--scale", sizes["scale"], "--count", sizes["frames"], *ATTACKS, *EPS, "--out", folder,
        ]  # fmt: skip


def arms(data):
    """Attack, and after a + whether half of the images stay clean and whether there is HE."""
    if data == "camvid":
        return ["pgd", "segpgd"]
    return ["pgd", "pgd+half", "segpgd", "segpgd+half", "pgd+he", "segpgd+he"]


def tables(out):
    for data in ("scenes", "camvid"):
        path = out / f"result-{data}" / "diagnosis.json"
        if not path.exists():
            continue
        report = DiagnosisReport.load(path)
        models, stores = {}, {}
        for number, model in enumerate(report.models, 1):
            name = Path(model.model).parent.name.removeprefix(f"{data}-")
            models[name], stores[name] = model, path.with_name(f"batches-{number}.jsonl")
        print(f"\n{data}, mIoU in percent; {report.images} frames\n")
        print("| training | clean | PGD-100 | SegPGD-100 |\n|---|---|---|---|")
        for name, model in models.items():
            print(f"| {name} | {' | '.join(f'{100 * r.mean_iou:.1f}' for r in model.results)} |")
        print("\npoints of mIoU, 95 % interval of a paired bootstrap over the frames\n")
        print("| difference | clean | PGD-100 | SegPGD-100 |\n|---|---|---|---|")
        for one, other in PAIRS:
            if one in models and other in models:
                cells = [
                    points(paired_difference(before, after, mean_iou_of))
                    for before, after in zip(
                        images(stores[other]), images(stores[one]), strict=True
                    )
                ]
                print(f"| {one} - {other} | {' | '.join(cells)} |")


def images(store):
    """Counts of each image (n, 3, c), clean and under each attack, from a store of `diagnose`."""
    found = {}
    for line in store.read_text().splitlines()[1:]:
        batch = json.loads(line)
        counts = ClassCounts.from_json(batch["class_counts"])
        found.setdefault(batch["attack"], []).append((batch["first"], counts.images))
    return [
        torch.cat([part for _, part in sorted(parts, key=lambda one: one[0])])
        for parts in found.values()
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", action="store_true", help="print tables and stop")
    jobs.add_options(parser)
    given = parser.parse_args()
    out = given.out.with_name(given.out.name + "-full") if given.full else given.out
    if given.tables:
        tables(out)
        return
    jobs.run(experiments(given.camvid, out, FULL if given.full else SMALL), given)


if __name__ == "__main__":
    main()
