import numpy as np
import pytest
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.qt.charts.class_bars import ClassBars
from art_segplugin_gui.qt.charts.confusion import ConfusionView
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.charts.step_curve import StepCurve
from art_segplugin_gui.qt.charts.style import drop_text, ink, percent_text, share_text
from art_segplugin_gui.qt.charts.timeline import Timeline
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

NAMES = tuple(f"a long class name {n}" for n in range(19))


def bars():
    chart = ClassBars("whole clip, 37 of 120 frames, vs clean prediction")
    scores = np.random.default_rng(0).uniform(0, 1, (4, 19))
    chart.show_scores(NAMES, [(n, 0, 0) for n in range(19)], *scores)
    return chart


def curve():
    chart = StepCurve()
    chart.reset(100)
    for step in range(50):
        chart.append(step, 0.5, 0.6, 0.5, 0.4)
    return chart


def confusion():
    chart = ConfusionView()
    counts = np.random.default_rng(0).integers(0, 900, (19, 19))
    chart.show_counts(NAMES, counts, counts[::-1].copy())
    chart.set_selected((3, 4))
    return chart


def timeline():
    chart = Timeline("a video with a long name that does not fit anywhere.mp4")
    chart.set_frames(300, 25)
    chart.set_range(20, 200)
    chart.set_rates(np.full(300, 0.1), np.full(300, 0.4))
    return chart


CHARTS = pytest.mark.parametrize("build", [bars, curve, confusion, timeline])


def luminance(colour):
    rgb = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first, second):
    a, b = sorted((luminance(first), luminance(second)))
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colours_can_be_read(name, request):
    colours = ink(request.getfixturevalue(name))
    assert colours.dark is (name == "dark")
    for text in (colours.text, colours.faint, colours.fall):
        assert contrast(text, colours.base) >= 4.5
    for line in (colours.a, colours.b, colours.more, colours.less):
        assert contrast(line, colours.base) >= 3


def test_numbers_are_written_short():
    assert [share_text(v) for v in (0.7171, 1.0, 0.0, np.nan)] == [".717", "1", "0", "n/a"]
    assert [drop_text(v) for v in (-0.41, 0.02, -0.001, -1.0, np.nan)] == [
        "-.41",
        "+.02",
        "0",
        "-1",
        "",
    ]
    assert [percent_text(v) for v in (0.0312, np.nan)] == ["3.1 %", "n/a"]


@CHARTS
def test_dark_and_light_are_followed(build, show, light, dark, pixels):
    chart = show(build())
    before = pixels(chart).mean()
    chart.setPalette(dark)
    after = pixels(chart)
    chart.setPalette(light)
    assert before > 170
    assert after.mean() < 90
    assert abs(pixels(chart).mean() - before) < 2


@CHARTS
@pytest.mark.parametrize("size", [0, 18])
def test_every_part_is_as_large_as_it_asks_for(build, size, show, qapp):
    chart = build()
    if size:
        chart.setFont(QFont(chart.font().family(), size))
    show(chart, 300 if not size else 420, 520)
    qapp.processEvents()
    for part in (chart, *chart.findChildren(QWidget)):
        if part.isVisibleTo(chart) and part.parent() in (chart,):
            hint = part.sizeHint() if part.minimumSizeHint().isEmpty() else part.minimumSizeHint()
            assert part.width() >= min(hint.width(), chart.width()), part
            assert part.height() >= hint.height(), part
    assert chart.sizeHint().width() <= 300 or size


@CHARTS
def test_controls_have_names(build, show):
    chart = show(build())
    assert chart.accessibleName()
    for part in chart.findChildren(QWidget):
        if part.focusPolicy().value and part.parent() is chart:
            assert part.accessibleName(), part


def test_a_caption_wraps_then_elides_and_keeps_its_height(show):
    caption = show(
        WrappedLabel("one two three four five six seven eight nine ten", 2, steady=True), 120, 60
    )
    lines = list(caption.lines)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert caption.toolTip() == caption.text()
    assert all(caption.fontMetrics().horizontalAdvance(line) <= 120 for line in lines)
    height = caption.sizeHint().height()
    caption.say("short")
    assert caption.sizeHint().height() == height
    assert list(caption.lines) == ["short"]
    assert caption.toolTip() == ""


def test_a_legend_wraps_and_keeps_room_for_figures(show, pixels, near):
    legend = show(Legend(), 400, 60)
    keys = [Key(f"curve {n}", "line", "a", value=".5", widest="88.8 %") for n in range(4)]
    legend.show_keys(keys)
    assert legend.heightForWidth(120) == 4 * legend.heightForWidth(4000)
    height = legend.heightForWidth(260)
    legend.show_keys([Key(k.text, "line", "a", value="12.3 %", widest="88.8 %") for k in keys])
    assert legend.heightForWidth(260) == height
    assert near(pixels(legend), ink(legend.palette()).a) > 20
    assert legend.accessibleDescription().startswith("curve 0 12.3 %, ")
