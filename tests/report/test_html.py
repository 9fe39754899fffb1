import re
from html.parser import HTMLParser

import pytest
from report.builder import PALETTE, classified, counts, example, report, result, worst_case

from art_segplugin.data.palettes import Palette
from art_segplugin.report.write import render

PNG = b"\x89PNG\r\n\x1a\n"
FIGURES = dict.fromkeys(("curves", "iou", "confusion-clean", "confusion-attacked"), PNG)
VOID_TAGS = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """Collects tags and words, and refuses tags that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page(made=None, examples=(), palette=PALETTE, figures=FIGURES):
    return Page(render(made or report(result()), examples, palette, figures))


def text(shown):
    return " ".join(" ".join(shown.words).split())


def test_nothing_is_fetched():
    html = render(report(result()), [example()], PALETTE, FIGURES)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|<iframe", html)
    shown = Page(html)
    for attributes in (attributes for _, attributes in shown.tags):
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/"))
    policy = [m["content"] for m in shown.all("meta") if "content" in m]
    assert any("default-src 'none'" in content for content in policy)


def test_the_page_has_sentence_numbers_versions_and_command():
    shown = text(page(report(result())))
    for words in (
        "SegPGD-20 takes mIoU from 81.8 % to 11.1 %",
        "81.8 10.0 - - SegPGD-20 20.0 11.1 80.0 70.7 8/255",
        "art-segplugin evaluate --data scenes",
        "torch 2.6",
        "L∞",
    ):
        assert words in shown
    assert "not against labels" not in shown


def test_the_worst_case_over_attacks_has_a_table_of_its_own():
    shown = text(page(report(result(), worst=[worst_case("strong-100")])))
    assert "Worst case over attacks over answers an image" in shown
    assert "strong-100 4 30.0 33.3" in shown
    assert "Worst case" not in text(page())


def test_the_reference_is_said_in_plain_words():
    shown = text(page(report(result(), reference="clean prediction"), [example()]))
    assert "not against labels" in shown
    assert "compared with its own clean prediction" in shown


def test_an_absent_class_is_a_dash():
    absent = report(result(counts=[[*row[:2], 0] for row in counts(20, 80)[:2]] + [[0, 0, 0]]))
    shown = page(absent)
    assert "car 81.8 -" in text(shown)
    assert not any("nan" in cell.get("style", "") for cell in shown.all("td"))


def test_names_of_others_are_escaped():
    evil = '<script>alert("x")</script>'
    made = report(
        result(attack=evil), model=evil, data=evil, classes=(evil, "b", "c"), command=evil
    )
    palette = Palette("evil", (evil, "b", "c"), PALETTE.colours)
    shown = page(made, [example(name=evil, attacks=(evil,))], palette)
    assert len(shown.all("script")) == 1
    assert text(shown).count(evil) >= 5
    assert {block["data-attack"] for block in shown.all("div") if "data-attack" in block} == {evil}


def test_each_attack_can_be_chosen_with_the_keyboard():
    attacks = ("pgd-20", "segpgd-20")
    shown = page(report(result()), [example(attacks=attacks), example("other", attacks)])
    choices = shown.all("input")
    assert [choice["value"] for choice in choices] == list(attacks)
    assert {choice["type"] for choice in choices} == {"radio"}
    assert [("checked" in choice) for choice in choices] == [False, True]
    blocks = [block["data-attack"] for block in shown.all("div") if "data-attack" in block]
    assert blocks == list(attacks) * 2
    # Every picture says what it shows to those who do not see it.
    assert all(picture["alt"] for picture in shown.all("img"))
    assert len(shown.all("img")) == 4 + 2 * (3 + 2 * 3)


@pytest.mark.parametrize("examples", [[], [example(attacks=())]])
def test_without_attacks_there_is_nothing_to_choose(examples):
    shown = page(report(), examples, figures={"iou": PNG, "confusion-clean": PNG})
    assert shown.all("input") == []
    assert shown.all("script") == []
    assert "Without an attack, mIoU is 81.8 %" in text(shown)
    links = {link["href"] for link in shown.all("a")}
    assert links <= {f"#{a['id']}" for _, a in shown.tags if "id" in a}


def test_wide_pictures_are_made_smaller():
    wide = render(report(result()), [example(size=(20, 4000))], PALETTE, FIGURES)
    narrow = render(report(result()), [example(size=(5, 960))], PALETTE, FIGURES)
    assert len(wide) < 1.5 * len(narrow)


def test_the_page_of_a_classifier_speaks_of_images_and_accuracy():
    shown = page(classified())
    words = text(shown) + " ".join(picture["alt"] for picture in shown.all("img"))
    words = words.replace("changes no value of a pixel", "").replace("pixel values from 0", "")
    for word in ("IoU", "MisRatio", "pixel"):
        assert word not in words
    assert "share of wrong images" in words
    assert "Class accuracy of each class" in words
