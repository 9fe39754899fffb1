"""Figures of a diagnosis: who falls, how far, into what, and whether the weights show it."""

import math

import numpy as np
from matplotlib.figure import Figure

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport, ModelDiagnosis
from art_segplugin.report.diagnosis_words import labels, number
from art_segplugin.report.figures import (
    ATTACK_COLOURS,
    CLEAN_COLOUR,
    MOST_CLASSES,
    Bars,
    bars_figure,
    confusion_figure,
    draw_shares,
    plain,
    png,
    short,
)


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
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
