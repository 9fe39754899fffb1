import re

import pytest
from report.diagnosis_builder import CLASSES, attack, classification, diagnosis, results
from report.test_html import PNG, Page, text

from art_segplugin.report.write_diagnosis import render_diagnosis

FIGURES = dict.fromkeys(("class-accuracy", "drop", "confusion", "weight-norm"), PNG)
EVIL = '<script>alert("x")</script>'


def html(report):
    return render_diagnosis(report, [FIGURES] * len(report.models))


def test_nothing_is_fetched_and_nothing_runs():
    page = html(diagnosis(regions=("boundary",)))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|<iframe", page)
    shown = Page(page)
    assert not shown.all("script")
    assert any("default-src 'none'" in m.get("content", "") for m in shown.all("meta"))
    assert all(p["src"].startswith("data:image/png") and p["alt"] for p in shown.all("img"))
    assert len(shown.all("img")) == 4


def test_the_page_has_sentences_tables_options_and_command():
    shown = text(Page(html(diagnosis())))
    for words in (
        "cat is weakest: 10.0 % of its pixels are right under PGD-20 (70.0 % clean)",
        "on the other 2 images, too few images to tell, it differs from PGD-20",
        "cat 70.0 10.0 0.0 50.0",
        "road (100 %)",
        "Each attack against PGD-20 [points]",
        "L∞",
        "art-segplugin diagnose --data scenes",
        "class_scores.csv",
    ):
        assert words in shown


@pytest.mark.parametrize("models", [1, 2, 3])
def test_links_lead_somewhere_and_names_are_unique(models):
    report = diagnosis(*[(f"net {i}", results()) for i in range(models)])
    shown = Page(html(report))
    names = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
    assert len(names) == len(set(names))
    links = {link["href"].removeprefix("#") for link in shown.all("a")}
    assert links <= set(names)
    assert ("models" in names) == (models > 1)
    assert len(shown.all("h1")) == 1
    assert text(shown).count("cat is weakest") == models


def test_names_of_others_are_escaped():
    report = diagnosis((EVIL, results()), classes=(EVIL, *CLASSES[1:]))
    shown = Page(html(report))
    assert not shown.all("script")
    assert text(shown).count(EVIL) >= 5
    labels = [a.get("aria-label", "") for _, a in shown.tags]
    assert any(EVIL in label for label in labels)


def test_notes_wrap_because_they_are_not_inside_the_box_that_scrolls():
    page = html(diagnosis(regions=("boundary",)))
    assert "<caption" not in page
    notes = re.findall(r'</table>\s*</div>\s*<p class="caption">', page)
    assert len(notes) == page.count('class="caption"') >= 6
    assert "h1, h2, p { overflow-wrap: anywhere; }" in page
    assert re.search(r"figure.chart \+ figure.chart { margin-top: [1-9]", page)


def test_a_single_attack_and_a_classifier():
    report = diagnosis(("net", [attack("clean", (9, 9, 9, 9)), attack("fgsm", (1, 2, 3, 4))]))
    assert "against" not in text(Page(html(report)))
    assert "pixel" not in text(Page(html(classification()))).replace("pixel values from 0", "")
