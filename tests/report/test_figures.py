import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from report.builder import classified, report, result

from art_segplugin.report.plots import (
    CLEAN_COLOUR,
    MOST_BARS,
    MOST_CLASSES,
    confusion_figure,
    curves_figure,
    iou_figure,
    png,
)


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def bars(figure):
    """Bar lengths by label, top to bottom."""
    (axes,) = figure.axes
    return {box.get_label(): [bar.get_width() for bar in box] for box in axes.containers}


def test_curves_are_the_means_over_seeds_in_percent():
    steps = {"loss_share_curve": [0.0, 0.1, 0.2]}
    figure = curves_figure(
        report(
            result(mis_ratio_curve=[0.0, 0.4, 0.8], **steps),
            result(mis_ratio_curve=[0.2, 0.6, 1.0], seed=1, **steps),
        )
    )
    left, right = figure.axes
    np.testing.assert_allclose(lines(left)["SegPGD-20"].get_ydata(), [10, 50, 90])
    np.testing.assert_allclose(lines(right)["SegPGD-20"].get_ydata(), [0, 10, 20])
    np.testing.assert_allclose(lines(left)["Clean"].get_ydata(), 10, rtol=1e-6)


def test_an_attack_of_one_step_is_a_marker_at_step_one():
    figure = curves_figure(report(result("fgsm", steps=1), result()))
    marker = lines(figure.axes[0])["FGSM"]
    assert marker.get_linestyle() == "None"
    np.testing.assert_allclose(marker.get_xydata(), [[1, 80]])


def test_variants_share_a_colour_and_differ_in_style():
    variants = [result(options={"eps": eps / 255}) for eps in (2, 8)]
    drawn = lines(curves_figure(report(*variants, result("pgd-20"))).axes[0])
    weak, strong = drawn["SegPGD-20 (eps 2/255)"], drawn["SegPGD-20 (eps 8/255)"]
    assert to_hex(weak.get_color()) == to_hex(strong.get_color())
    assert to_hex(weak.get_color()) != to_hex(drawn["PGD-20"].get_color())
    assert weak.get_linestyle() != strong.get_linestyle()


def test_an_attack_without_curves_is_left_out():
    figure = curves_figure(report(result("pgd-20", mis_ratio_curve=[], loss_share_curve=[])))
    assert set(lines(figure.axes[0])) == {"Clean"}


def test_bars_are_sorted_by_drop_and_absent_classes_left_out():
    matrix = np.diag([50, 90, 0])
    clean = result("clean", counts=np.diag([100, 100, 0]).tolist())
    matrix[0, 1], matrix[1, 0] = 50, 10
    attacked = result(counts=matrix.tolist())
    made = report(results=[clean, attacked])
    figure = iou_figure(made)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["road", "sky"]
    found = bars(figure)
    assert found["Clean"] == [100, 100]
    np.testing.assert_allclose(found["SegPGD-20"], [100 * 50 / 110, 100 * 90 / 150])


def test_bars_show_the_strongest_variant_of_each_attack():
    weak = result(right=60, wrong=40, options={"eps": 2 / 255})
    strong = result(options={"eps": 8 / 255})
    assert list(bars(iou_figure(report(weak, strong)))) == ["Clean", "SegPGD-20 (eps 8/255)"]
    many = [result(f"pgd-{n}", right=n, wrong=100 - n) for n in range(1, 10)]
    shown = list(bars(iou_figure(report(*many))))
    assert shown == ["Clean", *(f"PGD-{n}" for n in range(1, MOST_BARS + 1))]


def test_bars_of_the_clean_result_have_their_own_colour():
    (axes,) = iou_figure(report(result())).axes
    colours = {box.get_label(): to_hex(box[0].get_facecolor()) for box in axes.containers}
    assert colours["Clean"] == CLEAN_COLOUR.lower()
    assert colours["SegPGD-20"] != colours["Clean"]


def test_confusion_rows_add_up_to_one_hundred_and_empty_rows_stay_empty():
    matrix = [[3, 1, 0], [0, 2, 0], [0, 0, 0]]
    figure = confusion_figure(matrix, ["road", "sky", "car"], "PGD-20")
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares[:2], [[75, 25, 0], [0, 100, 0]])
    assert shares.mask[2].all()


def test_class_names_are_not_read_as_formulas():
    names = ("a$b$", "$", "c")
    made = report(result(), classes=names)
    for figure in (iou_figure(made), confusion_figure(made.clean.counts, names, "$")):
        png(figure, dpi=30)
        assert r"\$" in "".join(label.get_text() for label in figure.axes[0].get_yticklabels())


@pytest.mark.parametrize("draw", [curves_figure, iou_figure])
def test_png_has_the_size_of_the_figure(draw):
    figure = draw(report(result()))
    picture = Image.open(io.BytesIO(png(figure, dpi=50)))
    assert picture.format == "PNG"
    assert picture.width == int(50 * figure.get_figwidth())


def test_a_figure_of_many_classes_shows_those_that_lose_most():
    right = np.arange(40, 70)  # of 100 pixels of each class; the rest is taken for the next class
    clean = result("clean", counts=np.diag(np.full(30, 100)).tolist())
    attacked = result(counts=(np.diag(right) + np.diag(100 - right[:-1], 1)).tolist())
    made = report(results=[clean, attacked], classes=[f"class {index}" for index in range(30)])
    labels = [label.get_text() for label in iou_figure(made).axes[0].get_yticklabels()]
    by_drop = sorted(range(30), key=lambda index: attacked.iou[index])
    assert labels == [f"class {index}" for index in by_drop[:MOST_CLASSES]]


def test_nothing_of_matplotlib_is_loaded_or_changed_before_it_is_needed():
    code = (
        "import sys, art_segplugin.report as r; assert 'matplotlib' not in sys.modules;"
        "assert 'jinja2' not in sys.modules;"
        "import art_segplugin.report.plots; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_long_names_are_cut():
    names = ("a" * 24, "b" * 25, "c")
    figure = iou_figure(report(result(), classes=names))
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(shown) == ["a" * 24, "b" * 23 + "…", "c"]


@pytest.mark.parametrize(("classes", "labels"), [(40, 40), (41, 0)])
def test_a_large_confusion_matrix_has_no_names(classes, labels):
    figure = confusion_figure(np.eye(classes, dtype=int).tolist(), ["x"] * classes, "PGD-20")
    assert len(figure.axes[0].get_xticklabels()) == labels
    assert len(figure.axes[0].get_yticklabels()) == labels


def test_figures_of_a_classifier_show_accuracy():
    made = classified()
    assert iou_figure(made).axes[0].get_xlabel() == "class accuracy [%]"
    np.testing.assert_allclose(bars(iou_figure(made))["FGSM"], [50, 50, 0])
    assert curves_figure(made).axes[0].get_title(loc="left") == "Wrong images [%]"
