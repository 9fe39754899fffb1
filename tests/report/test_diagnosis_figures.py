import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from report.diagnosis_builder import attack, classification, diagnosis, results

from art_segplugin.report import plots
from art_segplugin.report.plots import (
    CLEAN_COLOUR,
    MOST_CLASSES,
    confusion_figure,
    diagnosis_figures,
    drop_figure,
    heat_map_figure,
    norm_figure,
)


def texts(items):
    return [item.get_text() for item in items]


def test_the_heat_map_has_a_number_in_each_cell_and_the_weakest_class_on_top():
    report = diagnosis()
    axes = heat_map_figure(report, report.models[0]).axes[0]
    assert texts(axes.get_yticklabels()) == ["cat", "car", "road", "sky"]
    assert texts(axes.get_xticklabels())[2] == "Temperature-PGD-20\n(T = 0.1)"
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares[0], [70, 10, 0, 50])
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(cells) == 16
    assert cells[2, 0] == "0"
    assert cells[1, 3] == "80"


def test_classes_that_do_not_occur_are_left_out():
    report = diagnosis()
    absent = report.models[0].results
    for result in absent:
        result.class_accuracy[0] = float("nan")
    for draw in (heat_map_figure, drop_figure, norm_figure):
        figure = draw(report, report.models[0])
        axes = figure.axes[0]
        assert "road" not in texts(axes.get_yticklabels()) + texts(axes.texts)


def test_the_bars_are_clean_baseline_and_strongest():
    report = diagnosis()
    (axes,) = drop_figure(report, report.models[0]).axes
    bars = {box.get_label(): [bar.get_width() for bar in box] for box in axes.containers}
    assert list(bars) == ["Clean", "PGD-20", "Temperature-PGD-20 (T = 0.1)"]
    assert texts(axes.get_yticklabels()) == ["cat", "road", "car", "sky"]  # 70, 40, 40, 20 points
    np.testing.assert_allclose(bars["PGD-20"], [10, 60, 40, 80])
    assert to_hex(axes.containers[0][0].get_facecolor()) == CLEAN_COLOUR.lower()


def test_norms_against_accuracy():
    report = diagnosis()
    axes = norm_figure(report, report.models[0]).axes[0]
    np.testing.assert_allclose(
        axes.collections[0].get_offsets(), [[1, 60], [4, 80], [2, 40], [3, 10]]
    )
    assert sorted(texts(axes.texts)) == ["car", "cat", "road", "sky"]
    assert "Pearson 0.13" in axes.get_title(loc="left")


@pytest.mark.parametrize("norms", [None, (1.0, 1.0, 1.0, 1.0)])
def test_norms_that_are_not_known_or_equal(norms):
    report = diagnosis(norms=norms)
    figures = diagnosis_figures(report, report.models[0])
    assert ("weight-norm" in figures) == (norms is not None)
    assert set(figures) >= {"class-accuracy", "drop", "confusion"}
    for data in figures.values():
        assert Image.open(io.BytesIO(data)).format == "PNG"


def test_many_classes_are_cut_to_the_weakest():
    right = tuple(min(i, 90) for i in range(60))
    found = [attack("clean", (90,) * 60, pixels=90), attack("pgd-20", right, pixels=90)]
    report = diagnosis(
        ("net", found), classes=[f"class {i}" for i in range(60)], norms=tuple(range(60))
    )
    axes = heat_map_figure(report, report.models[0]).axes[0]
    assert texts(axes.get_yticklabels()) == [f"class {i}" for i in range(MOST_CLASSES)]
    assert axes.get_title(loc="left") == f"the {MOST_CLASSES} weakest of 60 classes"
    bars = drop_figure(report, report.models[0]).axes[0]
    assert bars.get_title(loc="left") == f"the {MOST_CLASSES} of 60 classes that lose most"
    assert not norm_figure(report, report.models[0]).axes[0].texts


def test_few_classes_are_all_drawn_and_nothing_is_said():
    report = diagnosis()
    for draw in (heat_map_figure, drop_figure):
        assert not draw(report, report.models[0]).axes[0].get_title(loc="left")


def test_names_of_classes_are_cut_and_those_of_attacks_are_not():
    found = results()
    for one in found[2:]:
        one.options["a rather long option name"] = one.options["temperature"]
    report = diagnosis(("net", found), classes=("x" * 25, "sky", "car", "cat"))
    axes = heat_map_figure(report, report.models[0]).axes[0]
    assert texts(axes.get_yticklabels())[2] == "x" * 23 + "…"
    assert texts(axes.get_xticklabels())[2].endswith("\n(T = 0.1, a rather long option name 0.1)")
    assert "x" * 23 + "…" in texts(norm_figure(report, report.models[0]).axes[0].texts)


def test_the_confusion_is_that_of_the_baseline(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "confusion_figure", spy(drawn))
    report = diagnosis()
    diagnosis_figures(report, report.models[0])
    ((matrix, heading),) = drawn
    assert matrix == report.models[0].results[1].counts != report.models[0].clean.counts
    assert heading == "PGD-20"


def spy(drawn):
    def figure(matrix, classes, heading):
        drawn.append((matrix, heading))
        return confusion_figure(matrix, classes, heading)

    return figure


def test_names_are_not_read_as_formulas():
    report = diagnosis(("net", results()), classes=("a$b$", "$", "c", "d"))
    assert len(diagnosis_figures(report, report.models[0])) == 4
    assert len(diagnosis_figures(classification(), classification().models[0])) == 3
