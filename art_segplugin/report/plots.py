"""Plots of reports, diagnoses and trainings by matplotlib, without any global state of pyplot."""

import io
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport, ModelDiagnosis
from art_segplugin.evaluation.result import RobustnessReport
from art_segplugin.metrics import standing_curve
from art_segplugin.report.diagnosis_tables import labels, number
from art_segplugin.report.summary import (
    Group,
    class_score_word,
    class_scores_of,
    groups,
    norm_of,
    remaining,
)
from art_segplugin.training.log import LogRow

# Okabe & Ito's colours, told apart by people with any colour vision; black and yellow left out.
ATTACK_COLOURS = ("#56B4E9", "#E69F00", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
CLEAN_COLOUR = "#8C8C8C"
LINE_STYLES = ("-", "--", ":", "-.")
LEGEND: dict[str, Any] = {"loc": "outside lower center", "frameon": False, "fontsize": 9}
MOST_BARS = 6
MOST_CLASSES = 24
MOST_CELLS_WITH_NUMBERS = 16
MOST_TICK_LABELS = 40
LONGEST_NAME = 24


def curves_figure(report: RobustnessReport) -> Figure:
    """MisRatio and loss share of wrong pixels after each step; one line an attack.

    Lines are means over seeds and the bands around them reach from the lowest to the highest seed.
    An attack of one step is a marker at step 1.
    """
    pooled = groups(report)
    styles = _styles(pooled)
    columns = _legend_columns([group.label for group in pooled])
    rows = math.ceil(len(pooled) / columns)
    figure = Figure(figsize=(8.6, 3.7 + 0.2 * rows), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    left.axhline(100 * report.clean.mis_ratio, color=CLEAN_COLOUR, linestyle=":", label="Clean")
    for group in pooled[1:]:
        misses = [result.mis_ratio_curve for result in group.results]
        shares = [result.loss_share_curve for result in group.results]
        _draw_curve(left, misses, group.label, *styles[group.label])
        _draw_curve(right, shares, group.label, *styles[group.label])
    what = "images" if report.classification else "pixels"
    _finish_curve(
        left, "Wrong images [%]" if report.classification else "MisRatio: wrong pixels [%]"
    )
    _finish_curve(right, f"Loss share of wrong {what} [%]")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, ncols=columns, **LEGEND)
    return figure


def distances_figure(report: RobustnessReport) -> Figure:
    """Share of images that stand over the radius, one line an attack without one, a panel a norm.

    An image stands while no point was found within the radius that fools the attack's share of its
    pixels. The lines end where the farthest image is fooled, or go on to the right edge.
    """
    pooled = groups(report)
    shown = [group for group in pooled if group.distances is not None]
    styles, norms = _styles(pooled), list(dict.fromkeys(norm_of(g.options) for g in shown))
    figure = Figure(figsize=(1.2 + 4.6 * max(len(norms), 1.3), 4.0), layout="constrained")
    for axes, norm in zip(figure.subplots(1, len(norms), squeeze=False)[0], norms, strict=True):
        unit = 255.0 if norm == math.inf else 1.0
        lines = [
            (group.label, *standing_curve(group.distances))
            for group in shown
            if norm_of(group.options) == norm and group.distances is not None
        ]
        farthest = max((unit * radii[-1] for _, radii, _ in lines), default=0.0)
        edge = 1.05 * farthest or 1.0
        for label, radii, standing in lines:
            colour, line = styles[label]
            axes.step(
                [*(unit * radius for radius in radii), edge],
                [100 * share for share in (*standing, standing[-1])],
                where="post",
                color=colour,
                linestyle=line,
                linewidth=2,
                label=plain(label),
            )
        axes.set_xlim(0, edge)
        axes.set_ylim(0, 102)
        axes.set_title("Images that stand [%]", fontsize=11, loc="left")
        word = "L∞, levels of 255" if norm == math.inf else f"L{norm:.0f}"
        axes.set_xlabel(f"size of the perturbation ({word})")
        _quieten(axes)
    handles = [handle for axes in figure.axes for handle in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, ncols=_legend_columns([g.label for g in shown]), **LEGEND)
    return figure


def iou_figure(report: RobustnessReport) -> Figure:
    """IoU of each class (accuracy, of a classifier), clean beside attacked; who loses most on top.

    At most `MOST_BARS` attacks are drawn: of each attack the variant that leaves the lowest score,
    and of these the strongest; and at most `MOST_CLASSES` classes, those that lose most.
    """
    pooled = groups(report)
    shown = [pooled[0], *_strongest_variants(report, pooled[1:])]
    styles = _styles(pooled)
    bars = [
        Bars(g.label, styles[g.label][0], [score.mean for score in class_scores_of(report, g)])
        for g in shown
    ]
    return bars_figure(report.classes, bars, f"{class_score_word(report)} [%]")


class Bars(NamedTuple):
    """One bar a class: a name, a colour, and a share in 0..1 of each class, NaN for none."""

    label: str
    colour: str
    shares: Sequence[float]


def bars_figure(classes: Sequence[str], bars: Sequence[Bars], heading: str) -> Figure:
    """Groups of bars in percent; the class that loses most from the first to any other is on top.

    Classes without a share in the first are left out, as are all but the `MOST_CLASSES` that lose
    most.
    """
    shares = np.array([one.shares for one in bars])
    present = np.flatnonzero(~np.isnan(shares[0]))
    drop = shares[0] - np.fmin.reduce(shares, axis=0)
    order = present[np.argsort(-drop[present], kind="stable")][:MOST_CLASSES]
    height = 0.8 / len(bars)
    figure = Figure(
        figsize=(8.6, 1.2 + len(order) * (0.13 + 0.08 * len(bars))), layout="constrained"
    )
    axes = figure.subplots()
    for row, one in enumerate(bars):
        offset = (row - (len(bars) - 1) / 2) * height
        axes.barh(
            np.arange(len(order)) + offset,
            100 * np.nan_to_num(shares[row, order]),
            height=0.92 * height,
            color=one.colour,
            label=one.label,
        )
    axes.set_yticks(np.arange(len(order)), [plain(short(classes[index])) for index in order])
    if len(order) < len(present):
        heading = f"the {len(order)} of {len(present)} classes that lose most"
        axes.set_title(heading, fontsize=10, loc="left")
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_xlabel(heading)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(ncols=_legend_columns([one.label for one in bars]), **LEGEND)
    return figure


def confusion_figure(
    counts: Sequence[Sequence[int]], classes: Sequence[str], heading: str
) -> Figure:
    """Which class is taken for which: rows are true classes and add up to 100 %."""
    matrix = np.array(counts, dtype=np.float64)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = 100 * np.divide(matrix, totals, out=np.full_like(matrix, math.nan), where=totals > 0)
    side = 2.2 + 0.42 * min(len(classes), MOST_CLASSES)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    numbers_from = 0.5 if len(classes) <= MOST_CELLS_WITH_NUMBERS else None
    names = [short(name) for name in classes]
    draw_shares(axes, shares, names, names, numbers_from)
    if len(classes) > MOST_TICK_LABELS:  # too small to be read
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_aspect("equal")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(plain(heading))
    figure.colorbar(axes.images[0], ax=axes, label="share of the true class [%]", shrink=0.8)
    return figure


def draw_shares(
    axes: Axes,
    shares: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    numbers_from: float | None,
) -> None:
    """Draw a table of percentages as colours, with numbers in cells of at least `numbers_from`."""
    axes.imshow(shares, vmin=0, vmax=100, cmap="cividis", aspect="auto")
    names = [plain(name) for name in columns]
    size = min(10.0, 10 * MOST_CLASSES / max(len(rows), len(columns)))  # never one over another
    style: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(columns)), names, fontsize=size, **style)
    axes.set_yticks(range(len(rows)), [plain(name) for name in rows], fontsize=size)
    if numbers_from is None:
        return
    for row, column in np.argwhere(shares >= numbers_from):
        share = shares[row, column]
        ink = "black" if share > 48 else "white"
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=ink, fontsize=8)


def png(figure: Figure, dpi: int = 180) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _styles(pooled: Sequence[Group]) -> dict[str, tuple[str, str]]:
    """Colour and line style by label: variants of one attack share the colour."""
    clean, *attacks = pooled
    styles = {clean.label: (CLEAN_COLOUR, ":")}
    names = list(dict.fromkeys(group.attack for group in attacks))
    for name, colour in zip(names, itertools.cycle(ATTACK_COLOURS)):
        variants = [group.label for group in attacks if group.attack == name]
        for label, line in zip(variants, itertools.cycle(LINE_STYLES)):
            styles[label] = (colour, line)
    return styles


def _strongest_variants(report: RobustnessReport, attacks: Sequence[Group]) -> list[Group]:
    by_strength = sorted(attacks, key=lambda group: remaining(report, group))
    chosen: dict[str, Group] = {}
    for group in by_strength:
        chosen.setdefault(group.attack, group)
    kept = list(chosen.values())[:MOST_BARS]
    return [group for group in attacks if group in kept]


def _draw_curve(
    axes: Axes, curves: Sequence[Sequence[float]], label: str, colour: str, style: str
) -> None:
    percent = 100 * np.array(curves)
    steps = np.arange(percent.shape[1])
    middle = percent.mean(axis=0)
    if len(steps) == 2:
        axes.plot(
            1, middle[1], color=colour, marker="oDs^"[LINE_STYLES.index(style)], linestyle="",
            markeredgecolor="black", markersize=8, label=label, zorder=3,
        )  # fmt: skip
    elif len(steps):
        axes.plot(steps, middle, color=colour, linestyle=style, linewidth=2, label=label)
        band = (*to_rgb(colour), 0.2)
        axes.fill_between(steps, percent.min(axis=0), percent.max(axis=0), color=band, linewidth=0)


def _finish_curve(axes: Axes, heading: str) -> None:
    axes.set_title(heading, fontsize=11, loc="left")
    axes.set_xlabel("iteration")
    axes.set_ylim(0, 102)
    axes.margins(x=0.02)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    _quieten(axes)


def _quieten(axes: Axes) -> None:
    """A pale grid behind the data, and no lines above and to the right."""
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _legend_columns(labels: Sequence[str]) -> int:
    """Long labels, which variants of an attack have, need wider columns."""
    return 5 if max(map(len, labels)) < 16 else 3


def short(name: str) -> str:
    """The name of a class for an axis: the beginning of a long one."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def plain(name: str) -> str:
    """A name that matplotlib does not read as a formula."""
    return name.replace("$", r"\$")


def diagnosis_figures(report: DiagnosisReport, model: ModelDiagnosis) -> dict[str, bytes]:
    """PNG files by name: class-accuracy, drop, confusion and, where norms are known, weight-norm."""
    figures = {
        "class-accuracy": heat_map_figure(report, model),
        "drop": drop_figure(report, model),
        "confusion": confusion_figure(model.baseline.counts, report.classes, labels(model)[1]),
    }
    if model.weight_norms is not None:
        figures["weight-norm"] = norm_figure(report, model)
    return {name: png(figure) for name, figure in figures.items()}


def heat_map_figure(report: DiagnosisReport, model: ModelDiagnosis) -> Figure:
    """Accuracy of each class under each attack; the weakest under the baseline on top.

    At most `MOST_CLASSES` classes are drawn, the weakest.
    """
    shares = 100 * np.array([result.class_accuracy for result in model.results]).T
    present = np.flatnonzero(~np.isnan(shares[:, 1]))
    order = present[np.argsort(shares[present, 1], kind="stable")][:MOST_CLASSES]
    rows, columns = len(order), len(model.results)
    figure = Figure(figsize=(3.2 + 0.75 * columns, 2.4 + 0.32 * rows), layout="constrained")
    axes = figure.subplots()
    names = [name.replace(" (", "\n(") for name in labels(model)]
    draw_shares(
        axes, shares[order], [short(report.classes[i]) for i in order], names, numbers_from=0
    )
    if rows < len(present):
        axes.set_title(f"the {rows} weakest of {len(present)} classes", fontsize=10, loc="left")
    figure.colorbar(axes.images[0], ax=axes, label="class accuracy [%]", shrink=0.8)
    return figure


def drop_figure(report: DiagnosisReport, model: ModelDiagnosis) -> Figure:
    """Accuracy of each class, clean beside the baseline and the attack that leaves least.

    The class that loses most is at the top.
    """
    names, results = labels(model), model.results
    strongest = min(range(1, len(results)), key=lambda index: results[index].accuracy)
    shown = sorted({0, 1, strongest})
    colours = (CLEAN_COLOUR, *ATTACK_COLOURS[2:])
    bars = [
        Bars(names[index], colour, results[index].class_accuracy)
        for index, colour in zip(shown, colours, strict=False)
    ]
    return bars_figure(report.classes, bars, "class accuracy [%]")


def norm_figure(report: DiagnosisReport, model: ModelDiagnosis) -> Figure:
    """Accuracy of each class under the baseline over the norm of its weights."""
    norms, base = np.array(model.weight_norms), model.baseline
    accuracies = 100 * np.array(base.class_accuracy)
    present = np.flatnonzero(~np.isnan(accuracies))
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.scatter(norms[present], accuracies[present], color=ATTACK_COLOURS[2], zorder=3)
    for index in present if len(present) <= MOST_CLASSES else ():
        axes.annotate(
            plain(short(report.classes[index])),
            (norms[index], accuracies[index]),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xlabel("norm of the class's weights in the last layer")
    axes.set_ylabel(f"class accuracy under {labels(model)[1]} [%]")
    found = base.correlations["weight norm"]
    if not math.isnan(found.pearson):
        heading = f"Pearson {number(found.pearson)}, Spearman {number(found.spearman)}"
        axes.set_title(heading, fontsize=11, loc="left")
    axes.margins(x=0.12, y=0.1)
    _quieten(axes)
    return figure


LOSS_COLOUR, ROBUST_COLOUR = ATTACK_COLOURS[2], ATTACK_COLOURS[3]
SMOOTHED = 50
"""The smooth line of the loss is the mean over the last steps, a fiftieth of the run."""
WORDS = {"miou": "mIoU", "accuracy": "accuracy"}


def training_figure(rows: Sequence[LogRow]) -> Figure:
    """Draw loss, scores in percent (clean and under attack) and learning rate.

    Args:
        rows: The log, at least one row.
    """
    figure = Figure(figsize=(8.6, 6.4), layout="constrained")
    loss, scores, lr = figure.subplots(3, 1, sharex=True, height_ratios=(2, 2, 1))
    steps = np.array([row.step for row in rows])
    losses = np.array([row.loss for row in rows])
    loss.plot(steps, losses, color=LOSS_COLOUR, alpha=0.3, linewidth=0.8)
    loss.plot(steps, trailing_mean(losses), color=LOSS_COLOUR, linewidth=2)
    _finish_panel(loss, "Loss of the training batches")
    _draw_scores(scores, rows)
    lr.plot(steps, [row.lr for row in rows], color=CLEAN_COLOUR, linewidth=2)
    _finish_panel(lr, "Learning rate")
    lr.set_xlabel("step")
    lr.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def trailing_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last steps, fewer at the beginning."""
    width = max(1, len(values) // SMOOTHED)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    mean: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return mean


def _draw_scores(axes: Axes, rows: Sequence[LogRow]) -> None:
    validated = [row for row in rows if row.scores]
    names = list(dict.fromkeys(name for row in validated for name in row.scores))
    for name in names:
        robust = name.startswith("robust_")
        axes.plot(
            [row.step for row in validated],
            [100 * row.scores.get(name, np.nan) for row in validated],
            color=ROBUST_COLOUR if robust else CLEAN_COLOUR,
            marker="o",
            markersize=4,
            linewidth=2,
            label="under attack" if robust else "clean",
        )
    word = WORDS.get(names[0], names[0]) if names else "score"
    _finish_panel(axes, f"Validation {word} [%]")
    axes.set_ylim(bottom=0)
    if names:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)


def _finish_panel(axes: Axes, heading: str) -> None:
    axes.set_title(heading, fontsize=11, loc="left")
    axes.margins(x=0.02)
    _quieten(axes)
