"""How much strength a gradient evaluation buys: which steps, loss and weights pay, and on whom.

python benchmarks/strength.py tune   --camvid FOLDER --models-in runs/strength   # choose
python benchmarks/strength.py report --camvid FOLDER --models-in runs/strength   # judge, on other models
python benchmarks/strength.py tables                                             # both, from the file
python benchmarks/strength.py plot --plot docs/images/strength.png               # mIoU left over steps

Every run of an attack is one line of OUT/strength.jsonl; what is there is not run again, so it may be
stopped at any time. Images are 240 x 180: the test split of the rendered scenes, and CamVid's validation
frames at half size; for the report the middle 160 x 120 pixels of 16 of them. The answer of a run is its best point, by pixel accuracy; an ensemble's mIoU is that
of the answers of its members which together leave the lowest. Scores are in float32. Radii: 4/255 for
robust models, 1/255 and 2/255 for the others.
"""

import argparse
import json
import time
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import torch
from strength_models import REPORTING, ROBUST, TUNING, camvid, load, tensors

from art_segplugin.attacks import ATTACKS, named
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.selectors import LowestAccuracy
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.errors import InputError
from art_segplugin.metrics import count
from art_segplugin.metrics.bootstrap import interval, paired_difference
from art_segplugin.metrics.class_scores import accuracy, mean_iou_of, totals_of
from art_segplugin.metrics.worst_case import chosen, lowest_mean_iou

BATCH, REPORTED = 4, 16


@dataclass(frozen=True)
class Job:
    """One attack on one model."""

    model: str
    attack: str  # as `named` takes it, with the number of steps
    eps: float  # in 1/255
    options: dict = field(default_factory=dict)
    images: int = 6
    seed: int = 0

    @property
    def key(self):
        parts = [self.model, self.attack, self.eps, self.options, self.images, self.seed]
        return json.dumps(parts, sort_keys=True)

    @property
    def label(self):
        said = [
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.options.items()
        ]
        return " ".join([self.attack, *said])


def attacked(job, model, images, labels, class_pixels):
    """Totals (answers, images, 3, classes) of each member's answer and of the attack's, and seconds."""
    options = dict(job.options)
    if "begin" in options:  # the first step, in radii
        options["step_size"] = options.pop("begin") * job.eps / 255
    if "class_pixels" in options:  # of the training set, as SEA's balanced loss counts them
        options["class_pixels"] = class_pixels()
    attack = named(job.attack, eps=job.eps / 255, **options).build()
    if isinstance(attack, GradientAttack):
        attack = replace(attack, select=LowestAccuracy())
    found, began = [], time.process_time()
    for first in range(0, len(images), BATCH):
        x, y = images[first : first + BATCH], labels[first : first + BATCH]
        seeds = [job.seed * 1_000_003 + first + i for i in range(len(x))]
        answers = {}
        for iterate in attack.iterates(model, x, y, seeds=seeds):
            answers[iterate.member] = iterate.answer_of_member
        answers = [*answers.values(), iterate.best] if len(answers) > 1 else [iterate.best]
        found.append(torch.stack([totals(model, one, y) for one in answers]))
    most = max(len(one) for one in found)  # a cascade may end early
    found = [torch.cat([one, one[-1:].expand(most - len(one), -1, -1, -1)]) for one in found]
    return torch.cat(found, 1), time.process_time() - began


def opened(folder, images):
    return camvid(folder, "val") if folder else SceneDataset(images, "test", (180, 240))


@cache
def trained_on(folder):
    """Pixels of each class in the training images, or in 60 of the rendered ones."""
    data = camvid(folder, "train") if folder else SceneDataset(60, "train", (180, 240))
    labels = tensors(data)[1]
    return labels[labels != 255].bincount(minlength=11).clamp(min=1).tolist()


def totals(model, images, labels):
    with torch.no_grad():
        prediction = model(images).argmax(1)
    return torch.stack(
        [
            totals_of(count(p[None], y[None], model.classes))
            for p, y in zip(prediction, labels, strict=True)
        ]
    )


def run(jobs, given):
    """Run what is not there yet, one model after the other."""
    path = given.out / "strength.jsonl"
    given.out.mkdir(parents=True, exist_ok=True)
    done = {row["key"] for row in rows(path)}
    jobs = [job for job in jobs if job.key not in done and given.only in job.key]
    data, began = {}, time.perf_counter()
    for number, job in enumerate(jobs):
        if data.get("model") != (job.model, job.images):
            data = {"model": (job.model, job.images), "net": load(job.model, given.models_in)}
            folder = given.camvid if job.model.startswith("camvid") else None
            data["images"], data["labels"] = tensors(opened(folder, job.images), job.images)
            if job.images == REPORTED:
                data |= {name: data[name][..., 30:150, 40:200] for name in ("images", "labels")}
        try:
            class_pixels = partial(trained_on, folder)
            found, seconds = attacked(
                job, data["net"], data["images"], data["labels"], class_pixels
            )
        except InputError as error:
            print(f"{job.label} is skipped: {error}", flush=True)
            continue
        row = {"key": job.key, "label": job.label, "totals": found.tolist(), "cpu_seconds": seconds}
        with path.open("ab", buffering=0) as file:  # whole, though several may run at once
            file.write((json.dumps(row) + "\n").encode())
        left = (time.perf_counter() - began) / (number + 1) * (len(jobs) - number - 1)
        acc, iou = (100 * value for value in scores(found))
        print(f"{number + 1}/{len(jobs)} {job.model} {job.eps:g}/255 seed {job.seed} {job.label}: "
              f"{acc:.1f}/{iou:.1f}, {left / 60:.0f} min left", flush=True)  # fmt: skip


def rows(path):
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]  # a cut line is run again


def answer(found):
    """Totals (images, 3, classes) of the choice that leaves the lowest mIoU."""
    return found[-1] if len(found) == 1 else chosen(found, lowest_mean_iou(found))


def scores(found):
    """Pixel accuracy of the attack's own answer, and the mIoU of the worst case."""
    return float(accuracy(found[-1].sum(0))), float(mean_iou_of(answer(found).sum(0).double()))


def radii(model):
    return (4.0,) if model in ROBUST else (2.0,) if model.startswith("camvid") else (1.0,)


def tuning():
    """Which first step, shape, loss and weights pay, at which budget."""
    for model in TUNING:
        for eps in radii(model):
            yield Job(model, "pgd-1", eps, {"begin": 0.0, "random_start": False})  # as it is
            for steps in (10, 20, 50):
                for attack in ("pgd", "segpgd", "cospgd", "js-pgd"):
                    yield Job(model, f"{attack}-{steps}", eps)
                    yield Job(model, f"{attack}-{steps}", eps, {"step_schedule": "cosine"})
                for loss in ("cos", "js"):
                    yield Job(model, f"apgd-{steps}", eps, {"loss": loss})
            for begin in (0.5, 1.0):
                yield Job(model, "cospgd-20", eps, {"begin": begin})
            for attack in ("cospgd", "js-pgd"):
                for begin in (0.5, 1.0, 4.0):
                    yield Job(
                        model, f"{attack}-20", eps, {"step_schedule": "cosine", "begin": begin}
                    )
                yield Job(model, f"{attack}-20", eps, {"step_schedule": "linear"})
                yield Job(model, f"{attack}-20", eps, {"step_schedule": "cosine", "decay": 1.0})
                yield Job(model, f"{attack}-100", eps, {"step_schedule": "cosine"})
            yield Job(model, "strong-100", eps)


def reporting():
    """Goals: annealed CosPGD-20 against SegPGD-100; strong-100 against SEA with 900 evaluations."""
    for model in REPORTING:
        wide, narrow = (4.0, 2.0) if model in ROBUST else (2.0, 1.0)
        for seed in range(3):
            yield Job(model, "segpgd-100", wide, images=REPORTED, seed=seed)
            yield Job(model, "cospgd-20", wide, {"step_schedule": "cosine"}, REPORTED, seed)
        for attack in ("pgd-20", "segpgd-20", "cospgd-20", "pgd-100", "cospgd-100"):
            yield Job(model, attack, wide, images=REPORTED)
        for eps in (wide, narrow):
            yield Job(model, "pgd-1", eps, {"begin": 0.0, "random_start": False}, REPORTED)
            yield Job(model, "strong-100", eps, images=REPORTED)
            yield Job(model, "sea-300", eps, {"class_pixels": "train"}, REPORTED)


def table(given):
    found = {row["key"]: (row["label"], torch.tensor(row["totals"]), row["cpu_seconds"]) for row in rows(given.out / "strength.jsonl")}  # fmt: skip
    print(
        f"{'model':22}{'eps':>5} {'seed':>4}  {'attack':58}{'accuracy':>9}{'mIoU':>7}  95 % interval"
    )
    for key, (label, counts, _) in found.items():
        model, _, eps, _, _, seed = json.loads(key)
        spread = interval(answer(counts).double(), mean_iou_of)
        acc, iou = (100 * value for value in scores(counts))
        print(f"{model:22}{eps:>5g} {seed:>4}  {label:58}{acc:>9.1f}{iou:>7.1f}"
              f"  {100 * spread.low:.1f} to {100 * spread.high:.1f}")  # fmt: skip
    print("\nDifferences of mIoU in points, paired over the images (second minus first)")
    for job, other in comparisons():
        if job.key in found and other.key in found:
            pair = [answer(found[one.key][1]).double() for one in (job, other)]
            gap = paired_difference(*pair, mean_iou_of)
            print(f"{job.model:22}{job.eps:>5g} seed {job.seed}  {job.label} -> {other.label}: "
                  f"{100 * gap.estimate:+.1f} ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})")  # fmt: skip


CURVES = {
    "pgd": "#888888", "segpgd": "#0072b2", "cospgd": "#d55e00", "js-pgd": "#009e73", "apgd": "#cc79a7",
}  # fmt: skip


def plot(given):
    """One panel a tuning model: mIoU left over gradient evaluations; falling steps drawn solid."""
    import matplotlib.pyplot as plt

    found = [(json.loads(row["key"]), torch.tensor(row["totals"])) for row in rows(given.out / "strength.jsonl")]  # fmt: skip
    shown = [model for model in TUNING if any(key[0] == model for key, _ in found)]
    figure, axes = plt.subplots(
        1, len(shown), figsize=(4.0 * len(shown), 3.8), layout="constrained"
    )
    for axis, model in zip(axes, shown, strict=True):
        curves = {}
        for (owner, attack, _, options, images, _), counts in found:
            name, steps = attack.rsplit("-", 1)
            falls, loss = options.get("step_schedule") == "cosine", options.get("loss")
            plain = options in ({}, {"step_schedule": "cosine"}, {"loss": loss})
            if owner == model and images != REPORTED and name in CURVES and plain and steps != "1":
                title = {"js-pgd": "JS"}.get(name, ATTACKS[name].title) + f" ({loss})" * bool(loss)
                title += ", falling steps" * falls
                style = "-" if falls else ":" if loss == "js" else "-." if loss else "--"
                curve = curves.setdefault(title, (name, style, {}))
                curve[2][int(steps)] = 100 * scores(counts)[1]
        for title, (name, style, points) in sorted(curves.items()):
            axis.plot(*zip(*sorted(points.items()), strict=True), style, color=CURVES[name],
                      marker="o", markersize=3, label=title)  # fmt: skip
        axis.set(title=model, xscale="log", xlabel="gradient evaluations an image")
        axis.set_xticks([10, 20, 50, 100], ["10", "20", "50", "100"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mIoU left [%]")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7
    )
    figure.savefig(given.plot, dpi=110)


def comparisons():
    jobs = list(reporting())
    for model in REPORTING:
        own = [job for job in jobs if job.model == model]
        for before, after, options in (
            ("pgd-20", "segpgd-20", {}),
            ("segpgd-20", "cospgd-20", {}),
            ("segpgd-100", "cospgd-20", {"step_schedule": "cosine"}),
            ("sea-300", "strong-100", {}),
        ):
            for one in own:
                if one.attack != before:
                    continue
                yield from (
                    (one, other)
                    for other in own
                    if (other.attack, other.options, other.eps, other.seed)
                    == (after, options, one.eps, one.seed)
                )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("tune", "report", "tables", "plot"))
    parser.add_argument("--camvid", type=Path, help="folder of CamVid")
    parser.add_argument("--models-in", type=Path, default=Path("runs/strength"))
    parser.add_argument("--out", type=Path, default=Path("runs/strength"))
    parser.add_argument("--plot", type=Path, default=Path("docs/images/strength.png"))
    parser.add_argument("--only", default="", help="jobs whose key holds this")
    given = parser.parse_args()
    if given.what in ("tables", "plot"):
        {"tables": table, "plot": plot}[given.what](given)
    else:
        run(list({"tune": tuning, "report": reporting}[given.what]()), given)


if __name__ == "__main__":
    main()
