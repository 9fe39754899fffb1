"""PGD-AT against SegPGD-AT, half against all images attacked, with and without HE, on label maps.

python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes
python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes --full
python benchmarks/defences_scenes.py --camvid FOLDER --out runs/defences-scenes --tables

All arms start from the same clean weights and have the same number of passes through the network per
image: 3 attack steps on all images cost 4 passes an update, on half of them 2.5, so half makes more updates.
Every job is one resumable command of `art-segplugin`, printed before it runs. The default sizes fit 2 CPU
cores (about an hour); --full needs a GPU.
"""

import argparse
from pathlib import Path

import jobs

from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.report.diagnosis_words import points

EPS = ["--eps", "4/255"]
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
    for data, words in (("scenes", ["scenes", "--split", "test"]), ("camvid", [camvid])):
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
        print(
            f"\n{data}, mIoU in percent\n\n| training | clean | PGD-100 | SegPGD-100 |\n|---|---|---|---|"
        )
        for model in report.models:
            cells = [f"{100 * result.mean_iou:.1f}" for result in model.results]
            name = Path(model.model).parent.name.removeprefix(f"{data}-")
            print(f"| {name} | {' | '.join(cells)} |")
        print(
            "\nPoints of mIoU against the first, 95 % interval of a paired bootstrap over the frames:\n"
        )
        print("| training | clean | PGD-100 | SegPGD-100 |\n|---|---|---|---|")
        for number, model in enumerate(report.models):
            cells = [
                points(one.comparison.mean_iou)
                for one in report.model_comparisons
                if one.model == number
            ]
            name = Path(model.model).parent.name.removeprefix(f"{data}-")
            print(f"| {name} | {' | '.join(cells)} |" if cells else "", end="\n" if cells else "")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", action="store_true", help="print tables and stop")
    jobs.add_options(parser)
    given = parser.parse_args()
    if given.tables:
        tables(given.out)
        return
    jobs.run(experiments(given.camvid, given.out, FULL if given.full else SMALL), given)


if __name__ == "__main__":
    main()
