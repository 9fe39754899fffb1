"""One figure for a paper or a slide: the panes, the classes that fall, and the curve."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from art_segplugin.report.plots import (
    ATTACK_COLOURS,
    CLEAN_COLOUR,
    LINE_STYLES,
    MOST_CLASSES,
    plain,
    short,
)
from art_segplugin_gui.session.export_job import Curve, Exported
from art_segplugin_gui.session.export_pictures import layer, palette
from art_segplugin_gui.session.figures import summary
from art_segplugin_gui.session.frames import Prediction

PANE_WIDTH = 4.6
"""Inches."""
COLOURS = {"A": ATTACK_COLOURS[3], "B": ATTACK_COLOURS[2]}


def figure_bytes(job: Exported, kind: str) -> bytes:
    """The figure as a file.

    Args:
        job: what is on screen.
        kind: "png", "svg" or "pdf".
    """
    data = io.BytesIO()
    # Without the date, the same picture is the same file.
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    # "tight", because titles over panes of a fixed shape can reach over the edge.
    figure(job).savefig(
        data, format=kind, dpi=150, metadata=dates[kind], bbox_inches="tight", pad_inches=0.1
    )
    return data.getvalue()


def figure(job: Exported) -> Figure:
    """A row of two panes a model, bars of the IoU of each class, and curves if there are some."""
    rows = job.rows
    height, width = job.clean.a.image.shape[:2]
    panes = PANE_WIDTH * height / width + 0.45
    classes = _order(job)
    bars = max(2.4, 0.6 + 0.22 * len(classes))
    drawn = Figure(
        figsize=(2 * PANE_WIDTH, len(rows) * panes + bars), layout="constrained", dpi=150
    )
    halves = drawn.add_gridspec(2, 1, height_ratios=[len(rows) * panes, bars])
    top, bottom = (drawn.add_subfigure(halves[row]) for row in range(2))
    axes = top.subplots(len(rows), 2, squeeze=False)
    for line, (name, clean, attacked) in zip(axes, rows, strict=True):
        _pane(line[0], job, f"{name} clean", clean, clean)
        if attacked is None:
            line[1].set_axis_off()
        else:
            _pane(line[1], job, f"{name} adversarial, {job.shown.title}", attacked, clean)
    if job.curves:
        left, right = bottom.subplots(1, 2)
        _curves(right, job.curves, labelled=job.clean.labelled)
    else:
        left = bottom.subplots()
    _bars(left, job, classes)
    return drawn


def _pane(axes: Axes, job: Exported, title: str, side: Prediction, clean: Prediction) -> None:
    view = job.state.view
    picture = layer(side, clean, palette(job.clean), view.layer, view.opacity)
    smooth = "antialiased" if picture.shape[1] > PANE_WIDTH * 150 else "nearest"
    axes.imshow(picture, interpolation=smooth)
    axes.set_title(f"{plain(title)}\n{summary(side, labelled=job.clean.labelled)}", fontsize=9)
    axes.set_axis_off()


def _order(job: Exported) -> list[int]:
    """The classes that A has, those that lose most first."""
    clean = job.clean.a.scores.class_iou
    attacked = clean if job.shown.attacked_a is None else job.shown.attacked_a.scores.class_iou
    present = np.flatnonzero(~np.isnan(clean))
    drop = np.nan_to_num(clean - attacked)[present]
    return [int(k) for k in present[np.argsort(-drop, kind="stable")][:MOST_CLASSES]]


def _bars(axes: Axes, job: Exported, classes: Sequence[int]) -> None:
    groups = []
    for name, clean, attacked in job.rows:
        groups.append((f"{name} clean", CLEAN_COLOUR if name == "A" else "#C9C9C9", clean))
        if attacked is not None:
            groups.append((f"{name} adversarial", COLOURS[name], attacked))
    height = 0.8 / len(groups)
    places = np.arange(len(classes))
    for number, (label, colour, side) in enumerate(groups):
        shares = 100 * np.nan_to_num(side.scores.class_iou[list(classes)])
        offset = (number - (len(groups) - 1) / 2) * height
        axes.barh(places + offset, shares, height=0.92 * height, color=colour, label=label)
    axes.set_yticks(places, [plain(short(job.clean.classes[k])) for k in classes], fontsize=8)
    # A swatch beside each name: the colours of the panes need a legend.
    swatches = [np.array(job.clean.colours[k]) / 255 for k in classes]
    across = axes.get_yaxis_transform()
    left = np.full(len(classes), -0.025)
    axes.scatter(left, places, 40, swatches, marker="s", transform=across, clip_on=False)
    axes.tick_params(axis="y", length=0, pad=14)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    against = "" if job.clean.labelled else " vs clean prediction"
    axes.set_xlabel(f"IoU{against} [%]")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=7)


def _curves(axes: Axes, curves: Sequence[Curve], *, labelled: bool) -> None:
    for number, curve in enumerate(curves):
        colour = COLOURS.get(curve.name, ATTACK_COLOURS[number % len(ATTACK_COLOURS)])
        for word, values, style in (
            ("mIoU", curve.miou, LINE_STYLES[0]),
            ("error", curve.mis_ratio, LINE_STYLES[1]),
        ):
            shares = [100 * value for value in values]
            label = f"{curve.name} {word}"
            axes.plot(curve.numbers, shares, style, color=colour, label=plain(label), marker=".")
    axes.set_ylim(-3, 103)
    axes.set_xlabel("point of the attack")
    axes.set_ylabel("[%]" if labelled else "vs clean prediction [%]")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center right", fontsize=7)
