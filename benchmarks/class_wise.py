"""Who is hurt, by whom, and what helps: trains models, attacks them, and tries two remedies.

python benchmarks/class_wise.py --cifar FOLDER --camvid FOLDER --out runs/class-wise
python benchmarks/class_wise.py --cifar FOLDER --camvid FOLDER --out runs/class-wise --full

FOLDER of CIFAR-10 holds train.zip and test.zip of class/image files. Every job is one command of
`art-segplugin`, printed before it runs; finished ones are skipped, interrupted ones go on. The default
sizes fit 2 CPU cores (trainings about an hour); --full needs a GPU. benchmarks/class_wise_tables.py
makes the tables of the README from what this leaves.
"""

import argparse
from pathlib import Path

import jobs

SWEEP = ("10", "5", "2", "0.5", "0.2", "0.1", "0.02")  # 1 is PGD, which is there as the baseline
TEMPERED = [word for t in SWEEP for word in ("--temperature", t)]
ATTACKS = ["--attack", "pgd-20", "--attack", "temperature-pgd-20", *TEMPERED]
STRENGTHS = ["--attack", "fgsm", "--attack", "pgd-20", "--attack", "pgd-100"]

SMALL = {
    "network": "resnet",
    "second network": "resnet:width=16,stem_stride=1",
    "inner": "pgd-3",
    "zoom": "1-1",
    "plain": 1400,
    "at": 1800,
    "second at": 1200,
    "reweighted": 600,
    "camvid": 1800,
    "camvid at": 400,
    "scenes at": 500,
    "held out": 2000,
    "test": 2000,
    "strengths": 1000,
    "scenes": 16,
    "of the plain": 0.5,
    "precision": "bfloat16",
}
FULL = SMALL | {
    "network": "resnet:width=64,stem_stride=1",
    "second network": "resnet:width=96,stem_stride=1",
    "inner": "pgd-10",
    "zoom": "0.85-1.15",
    "plain": 20000,
    "at": 40000,
    "second at": 40000,
    "reweighted": 8000,
    "camvid": 10000,
    "camvid at": 10000,
    "scenes at": 10000,
    "held out": 5000,
    "test": 10000,
    "strengths": 10000,
    "scenes": 200,
    "of the plain": 1,
    "precision": "float32",
}


def experiments(cifar, camvid, out, sizes):
    """Yield (file that shows that it is done, resumable, words of the command)."""
    data = ["--data", cifar, "--batch-size", 128, "--class-weighting", "none"]
    data += ["--precision", sizes["precision"], "--val-count", 1000, "--validate-every", 400]
    # A short training sees an image too rarely to learn it by heart.
    wide, narrow = ["--zoom", "0.85-1.15"], ["--zoom", sizes["zoom"]]
    at = ["--objective", "pgd-at", "--attack", sizes["inner"]]
    scores = ["diagnose", "--data", cifar, "--split", "test", "--count", sizes["test"]]
    scores += ["--batch-size", 250]
    held_out = [
        "--data",
        cifar,
        "--split",
        "val",
        "--count",
        sizes["held out"],
        "--batch-size",
        250,
    ]

    def best(name):
        return out / name / "best.safetensors"

    def train(name, *words):
        return best(name).with_name("finished"), True, ["train", *words, "--out", out / name]

    def diagnose(name, *words):
        return out / name / "diagnosis.html", True, [*words, "--out", out / name]

    yield train(
        "cifar-plain", *data, *wide, "--network", sizes["network"], "--steps", sizes["plain"]
    )
    yield train(
        "cifar-at", *data, *narrow, *at, "--network", sizes["network"], "--steps", sizes["at"]
    )
    yield train(
        "cifar-at-2", *data, *narrow, *at, "--network", sizes["second network"], "--steps",
        sizes["second at"], "--seed", 1,
    )  # fmt: skip
    for name in ("cifar-plain", "cifar-at", "cifar-at-2"):
        yield diagnose(f"diagnosis-{name}", *scores, "--model", best(name), *ATTACKS)
    # At 8/255 nothing is left of a plain model, which says nothing about its classes.
    yield diagnose(
        "diagnosis-cifar-plain-1", *scores, "--count", sizes["strengths"], "--model",
        best("cifar-plain"), *ATTACKS, "--eps", "1/255",
    )  # fmt: skip
    yield diagnose(
        "diagnosis-strengths", *scores, "--count", sizes["strengths"], "--model", best("cifar-at"),
        "--model", best("cifar-at-2"), *STRENGTHS,
    )  # fmt: skip

    yield diagnose(
        "held-out", "diagnose", *held_out, "--model", best("cifar-at"), "--attack", "pgd-20"
    )
    yield train(
        "cifar-reweighted", *data, *narrow, *at, "--init", best("cifar-at"), "--steps", sizes["reweighted"],
        "--lr", "1e-3", "--strength", "1",
        "--class-robustness", out / "held-out" / "diagnosis.json",
    )  # fmt: skip
    # As long, without the weights: what of the gain is only more training?
    yield train(
        "cifar-longer", *data, *narrow, *at, "--init", best("cifar-at"), "--steps",
        sizes["reweighted"], "--lr", "1e-3",
    )  # fmt: skip
    adjusted = out / "cifar-adjusted.safetensors"
    yield adjusted, False, [
        "adjust", "--model", best("cifar-at"), *held_out, "--attack", "pgd-20", "--out", adjusted,
    ]  # fmt: skip
    yield diagnose(
        "diagnosis-remedies", *scores, "--model", best("cifar-at"), "--model",
        best("cifar-reweighted"), "--model", adjusted, "--model", best("cifar-longer"),
        "--attack", "pgd-20",
        "--attack", "temperature-pgd-20", "--temperature", "0.5", "--temperature", "2",
    )  # fmt: skip

    half = ["--data", camvid, "--scale", "0.5"]
    fast = ["--precision", sizes["precision"]]
    small_eps = ["--eps", "4/255"]
    yield train("camvid", *half, "--steps", sizes["camvid"], *fast, "--validate-every", 300)
    yield train(
        "camvid-at", *half, *at, *small_eps, "--init", best("camvid"), "--steps",
        sizes["camvid at"], "--lr", "1e-3", *fast, "--validate-every", 200, "--val-count", 25,
    )  # fmt: skip
    yield train(
        "scenes-at", *at, *small_eps, "--init", "small-scenes", "--count", 300, "--val-count", 20,
        "--steps", sizes["scenes at"], "--batch-size", 4, "--crop", "240x320", "--zoom", "0.9-1.3",
        "--lr", "1e-3", *fast, "--validate-every", 250,
    )  # fmt: skip
    # Any of these attacks breaks a plain model, so some of the images tell enough.
    for data_set, count, words in (
        ("camvid", 101, [*half, "--background", "sky"]),
        ("scenes", sizes["scenes"], ["--split", "test", "--background", "sky"]),
    ):
        plain = best("camvid") if data_set == "camvid" else "small-scenes"
        fewer = round(count * sizes["of the plain"])
        for name, model, images in (
            (data_set, plain, fewer),
            (f"{data_set}-at", best(f"{data_set}-at"), count),
        ):
            yield diagnose(
                f"diagnosis-{name}", "diagnose", *words, "--count", images, "--model", model,
                *ATTACKS, *small_eps,
            )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    jobs.add_options(parser)
    given = parser.parse_args()
    out = given.out.with_name(given.out.name + "-full") if given.full else given.out
    jobs.run(experiments(given.cifar, given.camvid, out, FULL if given.full else SMALL), given)


if __name__ == "__main__":
    main()
