"""How a training went: loss, validation scores and learning rate over the steps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from art_segplugin.report.figures import ATTACK_COLOURS, CLEAN_COLOUR
from art_segplugin.training.log import LogRow

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
    _finish(loss, "Loss of the training batches")
    _draw_scores(scores, rows)
    lr.plot(steps, [row.lr for row in rows], color=CLEAN_COLOUR, linewidth=2)
    _finish(lr, "Learning rate")
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
    _finish(axes, f"Validation {word} [%]")
    axes.set_ylim(bottom=0)
    if names:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)


def _finish(axes: Axes, heading: str) -> None:
    axes.set_title(heading, fontsize=11, loc="left")
    axes.margins(x=0.02)
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
