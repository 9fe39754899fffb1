import io

import pytest
from report.builder import report, result
from rich.console import Console

from art_segplugin.report.fitted import FittedTable
from art_segplugin.report.tables import class_table, scores_table

CLASSES = ("building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "traffic-light")
ATTACKS = [f"{name}-20 (eps={eps})" for name in ("PGD", "SegPGD") for eps in ("4/255", "8/255")]


def printed(table, width):
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in console.file.getvalue()
    return lines


def cells(lines):
    """Words of the lines, without the frame."""
    return [
        word
        for line in lines
        for word in line.replace("│", " ").replace("┃", " ").split()
        if not set(word) <= set("┏━┳┓┡╇┩└─┴┘├┼┤")
    ]


def numbers(lines):
    return sorted(cell for cell in cells(lines) if cell.replace(".", "").isdigit())


def many(count):
    """A table of classes by attacks with a different number in each cell."""
    header = ["class", *(ATTACKS * 3)[:count]]
    rows = [
        [name, *(f"{10 + row}.{column}" for column in range(count))]
        for row, name in enumerate(CLASSES)
    ]
    return FittedTable("IoU", header, rows)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("count", [1, 4, 7, 10])
def test_every_cell_and_every_name_is_there_once_or_once_a_part(width, count):
    table = many(count)
    lines = printed(table, width)
    assert numbers(lines) == sorted(cell for row in table.rows for cell in row[1:])
    for name in CLASSES:
        assert name in cells(lines)
    for attack in ATTACKS[:count]:
        name, options = attack.split()
        assert {name, options} <= set(cells(lines))


def test_a_table_that_fits_stays_as_it_is():
    assert [cell for cell in cells(printed(many(2), 80)) if cell in CLASSES] == list(CLASSES)
    assert printed(many(2), 80) == printed(many(2), 300)


def test_a_table_that_is_too_wide_turns():
    header = ["class", *(f"attack-number-{index}" for index in range(8))]
    table = FittedTable("", header, [["road", *"12345678"], ["car", *"abcdefgh"]])
    lines = [line for line in printed(table, 60) if "attack-number-3" in line]
    assert [line.replace("│", " ").split() for line in lines] == [["attack-number-3", "4", "d"]]
    assert len(printed(table, 60)) == 3 + 8 + 1


def test_what_is_too_wide_both_ways_goes_on_below_with_the_names_again():
    names = [f"a-long-name-of-a-row-{index}" for index in range(9)]
    header = ["name", *(f"column-number-{index}" for index in range(9))]
    table = FittedTable("T", header, [[name, *"123456789"] for name in names], "Note.")
    found = cells(printed(table, 80))
    assert found.count("T") == found.count("Note.") == 1
    parts = found.count("name")
    assert 1 < parts <= 5
    assert all(found.count(name) == parts for name in names)


def test_a_sentence_is_broken_at_spaces_and_numbers_are_not():
    sentence = "scenes: 600 training and 25 validation images"
    table = FittedTable("", ["name", "share", "data"], [["net", "67.9 %", sentence]])
    lines = printed(table, 44)
    assert any("67.9 %" in line for line in lines)
    assert set(sentence.split()) <= set(cells(lines))


@pytest.mark.parametrize("width", [10, 16, 25])
def test_what_is_wider_than_the_terminal_is_folded_and_not_left_out(width):
    name, value = "x" * 40, "9" * 30
    lines = printed(FittedTable("", ["n", "v"], [[name, value]]), width)
    text = "".join(lines)
    assert (text.count("x"), text.count("9")) == (40, 30)


def test_a_table_without_rows_shows_its_head():
    assert cells(printed(FittedTable("T", ["name", "value"], []), 80)) == ["T", "name", "value"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_scores_of_two_radii_have_whole_headings(width):
    results = [
        result(name, options={"eps": eps, "steps": 20})
        for name in ("pgd-20", "segpgd-20", "segpgd-20 8-bit")
        for eps in (4 / 255, 8 / 255)
    ]
    for table in (class_table(report(*results)), scores_table(report(*results))):
        lines = printed(table, width)
        words = cells(lines)
        assert {"PGD-20", "SegPGD-20"} <= set(words)
        head = next(index for index, line in enumerate(lines) if line.startswith("┡"))
        start = next(index for index, line in enumerate(lines) if line.startswith("┏"))
        assert head - start <= 4


def test_the_line_above_the_total_is_drawn():
    lines = printed(class_table(report(result())), 80)
    (total,) = (index for index, line in enumerate(lines) if "mIoU" in line)
    assert lines[total - 1].startswith("├")
