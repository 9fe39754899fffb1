"""Our attacks beside those of other packages: the same model, images, radius and steps for all.

    python benchmarks/peers.py --model small-scenes-segpgd --eps 4/255 --steps 3 5 10 20
    python benchmarks/peers.py --model camvid-unet --weights runs/strength --data FOLDER/camvid \\
        --eps 1/255 2/255 --images 6 --out runs/peers
    python benchmarks/peers.py --out runs/peers --tables        # tables and plot of what is there

Writes peers.csv, peers.md, peers.png and peers.svg into --out. Runs that peers.csv holds are not run
again, so that a run that was stopped (Ctrl-C) goes on by the same command, and one with more steps,
seeds, radii or models adds to it. adv-lib is found where it is installed, or in --adv-lib FOLDER:
`pip install --no-deps --target FOLDER adv-lib==0.2.8`.

Passes of the model are counted an image; all answers are judged in float32 by the same lines. Memory is
the peak beyond the loaded model: of the process on a CPU, each attack in a process of its own, and of
the allocator on a GPU.
"""

import argparse
import csv
import ctypes
import gc
import io
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import peer_attacks
import strength_models
import torch
from peer_attacks import Entry, Problem
from torch import Tensor, nn

from art_segplugin.data.datasets import open_dataset
from art_segplugin.errors import InputError
from art_segplugin.files import replacing, write_text
from art_segplugin.metrics import accuracy, count, mean_iou, mean_iou_of, pixel_accuracy, totals_of
from art_segplugin.metrics.worst_case import chosen, lowest_accuracy, lowest_mean_iou

OURS = "art-segplugin"
COLUMNS = (
    "dataset", "attack", "library", "model", "threat_model", "eps", "steps", "seed", "images", "ASR",
    "accuracy", "miou", "n_forwards", "n_backwards", "time", "ms_per_step", "peak_memory",
    "mis_ratio", "distance", "cpu_time", "clean_accuracy", "clean_miou", "size", "batch_size",
    "device",
)  # fmt: skip
"""AttackBench's, with what a segmenter adds. Time in seconds, memory in MiB, distance over 1/255."""

KEY = ("dataset", "attack", "library", "model", "eps", "steps", "seed", "images", "size", "batch_size",
       "device")  # fmt: skip
"""What a run is known by."""

REACHED = 0.99
"""Share of an image's valid pixels that must be wrong for the attack to have succeeded."""

MEMORY_STEPS = 3
CLASS_PIXEL_SAMPLES = 40


# ---- counting and judging


class Counted(nn.Module):
    """A model that counts its passes, an image each, and notes when a backward pass reaches it.

    Values and gradients are those of the model: the hook reads and returns nothing.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.forwards = self.backwards = 0
        self.times: list[float] = []
        self.eval()  # torchattacks puts all of a model into the mode that its outermost module is in

    @property
    def casts(self) -> bool:
        return getattr(self.model, "casts", False)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        self.forwards += len(images)
        if logits.requires_grad:
            logits.register_hook(self._note)
        return logits

    def _note(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)
        self.times.append(time.perf_counter())

    def reset(self) -> None:
        self.forwards = self.backwards = 0
        self.times = []


def counts_of(model: nn.Module, images: Tensor, problem: Problem) -> Tensor:
    """Confusion counts of each image (n, classes, classes), in float32, one image at a time."""
    model.eval()
    found = []
    with torch.inference_mode():
        for x, labels in zip(images.float(), problem.labels, strict=True):
            prediction = model(x.unsqueeze(0)).argmax(1)
            found.append(count(prediction, labels[None], problem.classes, problem.ignore_index))
    return torch.stack(found)


def judged(model: nn.Module, answers: Sequence[Tensor], problem: Problem, eps: float) -> dict:
    """What the answers leave; they are clipped to the radius and to [0, 1] first.

    Of several, the accuracy is of each image's lowest, the mIoU of those that leave the lowest together.
    """
    x = problem.images
    inside = [(x + (one.to(x) - x).clamp(-eps, eps)).clamp(0, 1) for one in answers]
    counts = torch.stack([counts_of(model, one, problem) for one in inside])
    totals = totals_of(counts)
    worst = chosen(totals, lowest_accuracy(totals))
    wrong = 1 - accuracy(worst).nan_to_num(1.0)
    return {
        "ASR": (wrong >= REACHED).double().mean().item(),
        "accuracy": 100 * accuracy(worst.sum(0)).item(),
        "miou": 100 * mean_iou_of(chosen(totals, lowest_mean_iou(totals)).sum(0)).item(),
        "mis_ratio": wrong.double().mean().item(),
    }


def median_distance(model: nn.Module, answer: Tensor, problem: Problem) -> float:
    """Median over the images of the Linf distance, times 255, inf where too few pixels are wrong."""
    far = (answer - problem.images).abs().flatten(1).amax(1).double() * 255
    right = accuracy(totals_of(counts_of(model, answer, problem)))
    reached = 1 - right.nan_to_num(1.0) >= REACHED
    return torch.where(reached.to(far.device), far, math.inf).median().item()


# ---- one run


def batches(problem: Problem, size: int):
    for first in range(0, len(problem.images), size):
        yield problem.part(slice(first, first + size))


def attacked(entry: Entry, model: Counted, problem: Problem, eps, steps, seed, size):
    """Answers for all images, batch by batch: a list of (n, 3, h, w)."""
    parts = [entry.run(model, part, eps, steps, seed) for part in batches(problem, size)]
    return [torch.cat(answer) for answer in zip(*parts, strict=True)]


def measured(entry: Entry, model: Counted, problem: Problem, eps: Fraction, steps, seed, size):
    """One run's figures."""
    device = problem.images.device
    cuda = device.type == "cuda"
    model.reset()
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    began, began_cpu = time.perf_counter(), time.process_time()
    answers = attacked(entry, model, problem, float(eps), steps, seed, size)
    if cuda:
        torch.cuda.synchronize(device)
    taken, taken_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    forwards, backwards = model.forwards, model.backwards
    # Between backward passes lies a whole step. A GPU is only told to make them.
    between = [b - a for a, b in zip(model.times, model.times[1:], strict=False)]
    each = taken / max(len(model.times), 1)
    row = {
        "n_forwards": forwards / len(problem.images),
        "n_backwards": backwards / len(problem.images),
        "time": taken,
        "cpu_time": taken_cpu,
        "ms_per_step": 1000 * (statistics.median(between) if between and not cuda else each),
    }
    if cuda:
        row["peak_memory"] = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    if not entry.radius:
        row["distance"] = median_distance(model.model, answers[0], problem)
    return row | judged(model.model, answers, problem, float(eps))


# ---- memory on a CPU


def resident(peak: bool = False) -> float:
    """MiB of this process now, or at most since the last call of `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
    except (OSError, StopIteration):  # not Linux; there it is in bytes
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used / (2**20 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        pass


def peak_of(entry: Entry, model: Counted, problem: Problem, eps: float, size: int) -> float:
    """MiB that an attack adds to a process that holds the model and the images."""
    problem = problem.part(slice(0, size))
    h, w = (min(side, 64) for side in problem.images.shape[2:])
    small = Problem(
        problem.images[:1, :, :h, :w],
        problem.labels[:1, :h, :w],
        problem.classes,
        problem.ignore_index,
        lambda: problem.class_pixels,
    )
    entry.run(model, small, eps, MEMORY_STEPS, 0)  # whatever is imported and set up
    forget_peak()
    before = resident()
    entry.run(model, problem, eps, MEMORY_STEPS, 0)
    return resident(peak=True) - before


def peak_in_a_process(entry: Entry, model: str, eps: Fraction, given) -> float:
    """`peak_of` in a process of its own; nan where it fails."""
    command = [
        sys.executable, __file__, "--memory-of", entry.name, "--model", model, "--eps", str(eps),
        "--data", given.data, "--split", given.split, "--scale", str(given.scale),
        "--images", str(given.images), "--batch-size", str(given.batch_size),
        "--threads", str(given.threads), "--weights", str(given.weights),
        *(["--adv-lib", str(given.adv_lib)] if given.adv_lib else []),
        *(["--also", *given.also] if given.also else []),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return float(done.stdout.split()[-1])
    except (IndexError, ValueError):
        said = done.stderr.strip().splitlines()[-1:]
        print(f"  the memory of {entry.name} was not measured: {' '.join(said)}", flush=True)
        return math.nan


# ---- models and images


def load_model(name: str, weights: Path) -> nn.Module:
    """A model of `strength_models.py`, whose weights are in a folder, or any that load_model takes."""
    if name in (*strength_models.NETWORKS, "scenes-pgd-at"):
        if not weights.exists():
            raise InputError(f"--weights {weights} does not exist; give the folder of {name}.")
        return strength_models.load(name, weights)
    return strength_models.load_model(name).eval().requires_grad_(False)


def open_problem(given, model, device) -> Problem:
    data = open_dataset(given.data, given.split, scale=given.scale)
    if len(data) < given.images:
        raise InputError(f"--images {given.images}: {given.data} has {len(data)} images.")
    images, labels = strength_models.tensors(data, given.images)

    def class_pixels() -> Tensor:
        try:
            train = open_dataset(given.data, "train", scale=given.scale)
        except InputError:  # no such split
            train = data
        among = range(min(len(train), CLASS_PIXEL_SAMPLES))
        spread = [i * len(train) // len(among) for i in among]
        flat = torch.cat([train[i].labels.flatten() for i in spread])
        return flat[flat != model.ignore_index].bincount(minlength=model.classes).to(device)

    return Problem(
        images.to(device), labels.long().to(device), model.classes, model.ignore_index, class_pixels
    )


# ---- the file


def read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f"{path} has other columns; move it away, or give another --out.")
    return rows


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)


def shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# ---- tables


def number(row: dict[str, str], name: str) -> float:
    return float(row[name]) if row[name] else math.nan


def mean_of(rows: list[dict[str, str]], name: str) -> float:
    return statistics.fmean(number(row, name) for row in rows)


def median_of(rows: list[dict[str, str]], name: str) -> float:
    return statistics.median(number(row, name) for row in rows)


def groups(rows: list[dict[str, str]], *names: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown with columns of equal width."""
    cells = [list(head), *map(list, lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    rows = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([rows[0], rule, *rows[1:]])


def is_reference(row: dict[str, str]) -> bool:
    return (row["library"], row["attack"]) == (OURS, "SegPGD")


def strength_table(rows: list[dict[str, str]]) -> str:
    """Pixel accuracy / mIoU left by steps, one line an attack."""
    steps = sorted({int(row["steps"]) for row in rows})
    lines = []
    for (library, attack), of_attack in groups(rows, "library", "attack").items():
        by_steps = groups(of_attack, "steps")
        cells = [
            f"{mean_of(some, 'accuracy'):.1f} / {mean_of(some, 'miou'):.1f}" if some else ""
            for some in (by_steps.get((str(one),), []) for one in steps)
        ]
        longest = by_steps[(str(max(int(row["steps"]) for row in of_attack)),)]
        far = f"{mean_of(longest, 'distance'):.2f}" if longest[0]["distance"] else ""
        lines.append([library, attack, *cells, f"{100 * mean_of(longest, 'ASR'):.0f} %", far])
    head = ["library", "attack", *map(str, steps), f"{100 * REACHED:.0f} % wrong", "distance x 255"]
    return table(head, lines)


def cost_table(rows: list[dict[str, str]]) -> str:
    """What a step costs, one line an attack; the runs with the most steps say it best."""
    of_attacks = groups(rows, "library", "attack")
    on_cpu = rows[0]["device"].startswith("cpu")

    def cpu(row: dict[str, str]) -> float:
        passes = number(row, "n_backwards") * number(row, "images") / number(row, "batch_size")
        return 1000 * number(row, "cpu_time") / passes if passes else math.nan

    def step(some: list[dict[str, str]]) -> float:
        """Other programs disturb CPU time less."""
        return statistics.median(cpu(row) if on_cpu else number(row, "ms_per_step") for row in some)

    bare = of_attacks.get(("bare loop", "PGD"))
    lines = []
    for name, of_attack in of_attacks.items():
        longest = max(of_attack, key=lambda row: int(row["steps"]))
        memory = median_of(of_attack, "peak_memory")
        lines.append(
            [
                *name,
                f"{median_of(of_attack, 'ms_per_step'):.0f}",
                f"{statistics.median(map(cpu, of_attack)):.0f}",
                f"{step(of_attack) / step(bare):.2f}" if bare else "",
                "" if math.isnan(memory) else f"{memory:.0f}",
                longest["steps"],
                f"{number(longest, 'n_forwards'):.4g}",
                f"{number(longest, 'n_backwards'):.4g}",
            ]
        )
    over = "CPU time" if on_cpu else "time"
    head = ["library", "attack", "ms a step", "CPU ms a step", f"{over} over the bare loop", "peak MiB",
            "of steps", "forward", "backward"]  # fmt: skip
    return table(head, lines)


def time_to_equal(rows: list[dict[str, str]], reference: int) -> str:
    """The cheapest run of each attack that leaves no more mIoU than constant SegPGD."""
    target_rows = [row for row in rows if is_reference(row) and int(row["steps"]) == reference]
    if not target_rows:
        return f"SegPGD of {reference} steps was not run, so nothing is compared with it.\n"
    target, its_time = mean_of(target_rows, "miou"), median_of(target_rows, "time")
    reached: list[tuple[float, tuple[str, str], list[dict[str, str]]]] = []
    lines, unreached = [], []
    for name, of_attack in groups(rows, "library", "attack").items():
        enough = [
            some
            for some in groups(of_attack, "steps").values()
            if mean_of(some, "miou") <= target + 1e-9
        ]
        if not enough:
            unreached.append(" ".join(name))
            continue
        cheapest = min(enough, key=lambda some: median_of(some, "time"))
        reached.append((median_of(cheapest, "time"), (name[0], name[1]), cheapest))
    for seconds, name, some in sorted(reached, key=lambda one: one[0]):
        lines.append(
            [
                *name,
                some[0]["steps"],
                f"{mean_of(some, 'n_backwards'):.4g}",
                f"{seconds:.1f}",
                f"{its_time / seconds:.1f}",
                f"{mean_of(some, 'miou'):.1f}",
            ]
        )
    head = ["library", "attack", "steps", "gradients an image", "seconds", f"SegPGD-{reference} takes, times",
            "mIoU left"]  # fmt: skip
    text = f"Constant SegPGD-{reference} leaves {target:.1f} % mIoU in {its_time:.1f} s.\n\n"
    text += table(head, lines) + "\n"
    if unreached:
        text += f"\nNot reached with these steps by: {', '.join(unreached)}.\n"
    for unit, cost, whole in (
        ("s", lambda one: one[0], its_time),
        ("gradients an image", lambda one: mean_of(one[2], "n_backwards"), float(reference)),
    ):
        of_side = [
            [one for one in reached if (one[1][0] == OURS) is side] for side in (True, False)
        ]
        if not of_side[0]:
            continue
        mine = min(of_side[0], key=cost)
        text += (
            f"\nOurs ({mine[1][1]}): {cost(mine):.4g} {unit}, {whole / cost(mine):.1f} times less than "
            f"constant SegPGD-{reference}; "
        )
        if of_side[1]:
            theirs = min(of_side[1], key=cost)
            text += f"the best peer ({' '.join(theirs[1])}): {cost(theirs):.4g}, ours takes "
            text += f"{cost(mine) / cost(theirs):.2f} of it.\n"
        else:
            text += "no peer reached it.\n"
    return text


def in_order(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows in the order of the entries, those of other runs last."""
    places = {entry.name: i for i, entry in enumerate(peer_attacks.entries())}
    return sorted(rows, key=lambda r: places.get(f"{r['library']}/{r['attack']}", len(places)))


def report(rows: list[dict[str, str]], reference: int, notes: Sequence[str] = ()) -> str:
    parts = []
    for (dataset, model, eps, size, images, batch, device), some in groups(
        rows, "dataset", "model", "eps", "size", "images", "batch_size", "device"
    ).items():
        seeds = len({row["seed"] for row in some})
        parts += [
            f"## {model}, {eps}",
            f"{images} images of {dataset}, {size}, batches of {batch}, {seeds} seed"
            f"{'s' if seeds > 1 else ''}, {device}. Clean: {number(some[0], 'clean_accuracy'):.1f} / "
            f"{number(some[0], 'clean_miou'):.1f}.",
            "Pixel accuracy / mIoU left (%) by steps; how many images are wrong nearly everywhere and, of "
            "minimum-norm attacks, the median distance, both with the most steps.",
            strength_table(some),
            "Cost: a step of one batch; memory beyond the model; passes an image.",
            cost_table(some),
            f"### Time to equal mIoU\n\n{time_to_equal(some, reference)}",
        ]
    if notes:
        parts.append("Left out: " + "; ".join(notes) + ".")
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


# ---- the plot


COLOURS = ("#0b5fa5", "#d1495b", "#2a9d4b", "#7b4fb3", "#e0701b", "#00a5a8", "#8c564b", "#c2478f",
           "#7f9c1e", "#111111")  # fmt: skip
GREYS = ("#000000", "#777777", "#a0522d", "#5b7083", "#b08900", "#333399")
MARKERS = "sv^D*"


def plot(rows: list[dict[str, str]], path: Path) -> None:
    """mIoU left over gradient evaluations and over seconds, a row of panels per model and radius."""
    from matplotlib.figure import Figure
    from PIL import Image

    panels = groups(rows, "dataset", "model", "eps")
    figure = Figure(figsize=(10.5, 0.9 + 3.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 2, squeeze=False, sharey="row")
    names = list(groups(rows, "library", "attack"))
    ours = [name for name in names if name[0] == OURS]
    theirs = [name for name in names if name[0] != OURS]
    styles = {n: (COLOURS[i % len(COLOURS)], "-", "o") for i, n in enumerate(ours)}
    for i, of_library in enumerate(groups([{"of": n[0], "at": n} for n in theirs], "of").values()):
        for j, one in enumerate(of_library):  # a colour for each library, a marker for each attack
            dashes = (0, (4, 2))
            styles[one["at"]] = (GREYS[i % len(GREYS)], dashes, MARKERS[j % len(MARKERS)])
    lines, shown_somewhere = {}, set()
    for (left, right), ((_, model, eps), some) in zip(axes, panels.items(), strict=True):
        images = number(some[0], "images")
        # Attacks that look for the smallest change may leave nearly all: they do not set the scale.
        budget = [number(r, "miou") for r in some if r["threat_model"] == "Linf"]
        top = max(budget, default=100.0)
        margin = 0.05 * (top - min(budget, default=0.0)) + 0.1
        for name, of_attack in groups(some, "library", "attack").items():
            by_steps = sorted(groups(of_attack, "steps").values(), key=lambda r: int(r[0]["steps"]))
            miou = [mean_of(one, "miou") for one in by_steps]
            colour, dash, marker = styles[name]
            if min(miou) <= top:
                shown_somewhere.add(name)
            look = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4,
                    "linewidth": 1.6 if name in ours else 1.0, "alpha": 1.0 if name in ours else 0.75}  # fmt: skip
            gradients = [mean_of(one, "n_backwards") for one in by_steps]
            (lines[name],) = left.plot(gradients, miou, **look)
            right.plot([median_of(one, "time") / images for one in by_steps], miou, **look)
        left.set(ylabel="mIoU left (%)", xlabel="gradient evaluations an image")
        right.set(xlabel="seconds an image")
        left.set_title(f"{model}, {eps}", loc="left", fontsize=10)
        left.set_ylim(top=top + margin)
        for axis in (left, right):
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter("")
            axis.grid(alpha=0.25)
    order = [*ours, *theirs]
    titles = [name[1] if name in ours else f"{name[0]}: {name[1]}" for name in order]
    above = ["" if name in shown_somewhere else " (above)" for name in order]
    figure.legend(
        [lines[name] for name in order],
        [title + where for title, where in zip(titles, above, strict=True)],
        loc="outside lower center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    with replacing(path.with_suffix(".svg")) as beside:
        figure.savefig(beside)
    with replacing(path.with_suffix(".png")) as beside:
        figure.savefig(beside, dpi=100)
        Image.open(beside).convert("RGB").quantize(224).save(beside, optimize=True)


# ---- the command


def radius(text: str) -> Fraction:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no radius; give one such as 4/255"
        ) from error
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is outside (0, 1]; give one such as 4/255")
    return value


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", default="small-scenes-segpgd", help="one of strength_models.py, or any other")
    add("--weights", type=Path, default=Path("runs/strength"), help="folder of strength_models.py")
    add("--data", default="scenes", help="'scenes', or a folder such as CamVid's")
    add("--split", help="by default test of the scenes, and val of a folder")
    add("--scale", type=float, default=0.5, help="on the size of the images: 240 x 180 by default")
    add("--images", type=int, default=6, help="spread evenly over the data")
    add("--batch-size", type=int, default=0, help="images at a time; 0 for all")
    add("--eps", type=radius, nargs="+", default=[Fraction(4, 255)])
    add("--steps", type=int, nargs="+", default=[3, 5, 10, 20, 50, 100])
    add("--reference", type=int, default=100, help="steps of the constant SegPGD to be equalled")
    add("--seeds", type=int, nargs="+", default=[0])
    add("--only", nargs="+", default=[], help="entries with one of these in library/attack")
    add("--skip", nargs="+", default=[], help="no entries with one of these in library/attack")
    add("--also", nargs="+", default=[], help="more of our attacks by name, with their defaults")
    add("--adv-lib", type=Path, help="folder that adv-lib was installed into")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--threads", type=int, default=1)
    add("--no-memory", action="store_true", help="no process of its own for each attack's memory")
    add("--out", type=Path, default=Path("runs/peers"))
    add("--tables", action="store_true", help="run nothing, only write tables and plot")
    add("--memory-of", help=argparse.SUPPRESS)
    return parser


def wanted_entries(given) -> tuple[list[Entry], list[str]]:
    """Entries to run, and what is said of the others."""
    entries, notes = [], []
    for entry in peer_attacks.entries(given.also):
        if given.only and not any(part.lower() in entry.name.lower() for part in given.only):
            continue
        if any(part.lower() in entry.name.lower() for part in given.skip):
            continue
        if entry.missing:
            notes.append(f"{entry.name} ({entry.missing})")
        else:
            entries.append(entry)
    return entries, notes


def planned(entries: Sequence[Entry], given) -> list[tuple[Fraction, int, int, Entry]]:
    """Runs, the cheap ones first."""
    runs = [
        (eps, steps, seed, entry)
        for steps in sorted({*given.steps})
        for seed in given.seeds
        for eps in given.eps
        for entry in entries
    ]
    reference = [entry for entry in entries if entry.name == f"{OURS}/SegPGD"]
    if given.reference not in given.steps:
        runs += [
            (e, given.reference, s, r) for s in given.seeds for e in given.eps for r in reference
        ]
    return runs


def described_row(entry: Entry, eps: Fraction, steps: int, seed: int, given, problem) -> dict:
    height, width = problem.images.shape[2:]
    data = given.data if given.data.startswith("scenes") else Path(given.data).name
    device = problem.images.device.type
    return {
        "dataset": f"{data} {given.split}",
        "attack": entry.attack,
        "library": entry.library,
        "model": given.model if "/" not in given.model else Path(given.model).parent.name,
        "threat_model": "Linf" if entry.radius else "Linf, minimum norm",
        "eps": f"{eps * 255}/255",
        "steps": str(steps),
        "seed": str(seed),
        "images": str(len(problem.images)),
        "size": f"{width}x{height}",
        "batch_size": str(given.batch_size or len(problem.images)),
        "device": device if device == "cuda" else f"{device}, {given.threads} threads",
    }


def run_all(given, path: Path, device: torch.device) -> tuple[list[dict[str, str]], list[str]]:
    """Run what is not in the file; its rows, and what was left out."""
    rows = read_rows(path)
    done = {key(row) for row in rows}
    model = Counted(load_model(given.model, given.weights).to(device))
    problem = open_problem(given, model.model, device)
    size = given.batch_size or len(problem.images)
    entries, notes = wanted_entries(given)
    for note in notes:
        print(f"left out: {note}", flush=True)
    clean = counts_of(model.model, problem.images, problem).sum(0)
    unattacked = {
        "clean_accuracy": 100 * pixel_accuracy(clean),
        "clean_miou": 100 * mean_iou(clean),
    }
    todo = [
        (*run, row)
        for run in planned(entries, given)
        if key(row := described_row(run[3], *run[:3], given, problem)) not in done
    ]
    total, behind, began = sum(run[1] * run[3].runs for run in todo), 0, time.perf_counter()
    memory = {
        (r["library"], r["attack"], *(r[k] for k in ("dataset", "model", "images", "size",
         "batch_size", "device"))): r["peak_memory"]
        for r in rows if r["peak_memory"]
    }  # fmt: skip
    warm: set[str] = set()
    for place, (eps, steps, seed, entry, row) in enumerate(todo, 1):
        try:
            if entry.name not in warm:
                entry.run(model, problem.part(slice(0, size)), float(eps), 2, seed)
                warm.add(entry.name)
            found = measured(entry, model, problem, eps, steps, seed, size)
        except (InputError, RuntimeError, ValueError, TypeError, IndexError, ImportError) as error:
            first = str(error).strip().splitlines() or [""]
            notes.append(f"{entry.name} {steps} steps ({type(error).__name__}: {first[0][:120]})")
            print(f"left out: {notes[-1]}", flush=True)
            continue
        of_memory = (entry.library, entry.attack, *(row[k] for k in ("dataset", "model", "images",
                     "size", "batch_size", "device")))  # fmt: skip
        if device.type == "cpu":
            if of_memory not in memory and not given.no_memory:
                memory[of_memory] = shown(peak_in_a_process(entry, given.model, eps, given))
            found["peak_memory"] = memory.get(of_memory, "")
        full = dict.fromkeys(COLUMNS, "") | row
        full |= {name: shown(value) for name, value in (found | unattacked).items()}
        rows.append(full)
        write_rows(path, rows)
        behind += steps * entry.runs
        left = (time.perf_counter() - began) / behind * (total - behind) / 60
        print(
            f"[{place}/{len(todo)}] {row['model']} {row['eps']} {entry.name} {steps} steps: accuracy "
            f"{found['accuracy']:.1f}, mIoU {found['miou']:.1f}, {found['time']:.1f} s, "
            f"{found['ms_per_step']:.0f} ms a step; about {left:.0f} min left",
            flush=True,
        )
    return rows, notes


def print_memory(given) -> None:
    model = Counted(load_model(given.model, given.weights))
    problem = open_problem(given, model.model, torch.device("cpu"))
    if "SEA" in given.memory_of:
        _ = problem.class_pixels
    entry = next(one for one in peer_attacks.entries(given.also) if one.name == given.memory_of)
    size = given.batch_size or len(problem.images)
    print(peak_of(entry, model, problem, float(given.eps[0]), size))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options()
    given = parser.parse_args(arguments)
    if min(given.reference, given.images, given.threads) < 1 or min(given.steps) < 2:
        parser.error("steps are at least 2; reference, images and threads at least 1")
    given.split = given.split or ("test" if given.data.startswith("scenes") else "val")
    if given.adv_lib:
        sys.path.append(str(given.adv_lib))
    torch.set_num_threads(given.threads)
    path = given.out / "peers.csv"
    try:
        if given.memory_of:
            print_memory(given)
            return 0
        rows, notes = (
            (read_rows(path), [])
            if given.tables
            else run_all(given, path, torch.device(given.device))
        )
        if not rows:
            raise InputError(f"{path} has no rows; run without --tables first.")
        rows = in_order(rows)
        text = report(rows, given.reference, notes)
        write_text(given.out / "peers.md", text)
        print(f"\n{text}")
        plot(rows, given.out / "peers.png")
        print(f"{path}, peers.md, peers.png and peers.svg are in {given.out}.")
    except KeyboardInterrupt:
        print(f"\nstopped; what was run is in {path}, and the same command goes on.", flush=True)
        return 130
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
