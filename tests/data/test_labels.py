import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from art_segplugin.core.types import NO_VOID
from art_segplugin.data.labels import (
    ADE20K_INDICES,
    BY_COLOUR,
    CAMVID_INDICES,
    CITYSCAPES_LABEL_IDS,
    INDICES_OR_COLOURS,
    LOVEDA_INDICES,
    REDUCE_ZERO,
    UNAMBIGUOUS,
    VOC_INDICES,
    LabelRule,
    UnsettledMaskError,
    label_mapping,
)
from art_segplugin.data.palettes import (
    CAMVID,
    CITYSCAPES,
    SCENES,
    VOC,
    Palette,
    numbered_colours,
    numbered_palette,
)
from art_segplugin.errors import InputError, InputWarning

LABELS = np.array([[0, 10, 3], [255, 3, 1]], np.uint8)


@pytest.mark.parametrize("pixels", [LABELS, LABELS.astype(np.int32), CAMVID.colourise(LABELS)])
@pytest.mark.parametrize("rule", [INDICES_OR_COLOURS, UNAMBIGUOUS])
def test_indices_and_colours_mean_the_same(rule, pixels):
    labels = rule.decode(pixels, CAMVID)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, LABELS)


def test_void_of_the_files():
    rule = LabelRule("camvid", void=11)
    assert rule.decode(np.array([[11, 2, 255]]), CAMVID).tolist() == [[255, 2, 255]]
    with pytest.raises(InputError, match=r"a\.png holds the labels 12; expected 0\.\.10 or 11 for"):
        rule.decode(np.array([[12]]), CAMVID, "label map a.png")


def test_colours_are_guessed_where_only_one_palette_knows_them():
    numbers = numbered_palette()
    np.testing.assert_array_equal(UNAMBIGUOUS.decode(SCENES.colourise(LABELS), numbers), LABELS)
    with pytest.raises(InputError, match=r"colours of b mean one thing in palette .* save class"):
        UNAMBIGUOUS.decode(VOC.colourise(np.array([[3]])), numbers, "b")
    with pytest.raises(InputError, match=r"label map: colours \(1, 2, 3\)"):
        UNAMBIGUOUS.decode(np.full((1, 1, 3), (1, 2, 3), np.uint8), numbers)


GREEN, RED, BLUE = (0, 200, 0), (200, 0, 0), (0, 0, 200)
PALETTE = Palette("three", ("red", "green", "blue"), (RED, GREEN, BLUE))


def indexed(indices, table):
    """Indices and colours of a file with a colour table."""
    indices = np.array(indices, np.uint8)
    return indices, np.array(table, np.uint8)[indices]


@pytest.mark.parametrize(
    ("values", "rule", "expected"),
    [
        ([0, 2, 255], LabelRule(), [0, 2, 255]),
        ([7, 0, 9, 255], LabelRule(mapping=((7, 2), (9, None))), [2, 0, 255, 255]),
        ([0, 1, 3, 255], LabelRule(reduce_zero=True), [255, 0, 2, 255]),
        ([0, 1, 9], LabelRule(reduce_zero=True, mapping=((9, None),)), [255, 0, 255]),
        ([0, 1, 9], LabelRule(reduce_zero=True, void=9), [255, 0, 255]),
        ([0, 255], LabelRule(mapping=((255, 1),)), [0, 1]),
        ([-1, 0, 70_000], LabelRule(mapping=((-1, None), (70_000, 2))), [255, 0, 2]),
        ([False, True], LabelRule(), [0, 1]),
    ],
)
def test_values(values, rule, expected):
    assert rule.decode(np.array([values]), PALETTE).tolist() == [expected]


def test_ready_made_rules():
    ids = np.array([[-1, 0, 7, 8, 11, 24, 33, 16, 255]])
    labels = CITYSCAPES_LABEL_IDS.decode(ids, CITYSCAPES)
    assert labels.tolist() == [[255, 255, 0, 1, 2, 11, 18, 255, 255]]
    assert [label for _, label in CITYSCAPES_LABEL_IDS.mapping if label is not None] == [*range(19)]
    for rule in (ADE20K_INDICES, LOVEDA_INDICES, REDUCE_ZERO):
        assert rule.decode(np.array([[0, 1, 7]]), numbered_palette(7)).tolist() == [[255, 0, 6]]
    assert CAMVID_INDICES.decode(np.array([[0, 10, 11]]), CAMVID).tolist() == [[0, 10, 255]]
    assert VOC_INDICES.decode(np.array([[0, 1]]), VOC).tolist() == [[0, 1]]
    with pytest.raises(InputError, match="painted in colours; expected one class index"):
        VOC_INDICES.decode(VOC.colourise(np.array([[1]])), VOC)
    painted = BY_COLOUR.decode(PALETTE.colourise(np.array([[2, 0]])), PALETTE)
    assert painted.tolist() == [[2, 0]]
    with pytest.raises(InputError, match="has no colours; pass --labels-as indices"):
        BY_COLOUR.decode(np.array([[2, 0]]), PALETTE)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_each_way_to_store_labels_gives_them_back(data):
    labels = data.draw(
        arrays.arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, 255])), "labels"
    )
    order = data.draw(st.permutations([0, 1, 2]), "order")
    labels[0] = [0, 1, 2, 255]
    seen = np.where(labels == 255, 9, labels)
    ways = [
        (LabelRule(), (labels,)),
        (LabelRule(void=9), (seen.astype(np.uint16),)),
        (LabelRule(reduce_zero=True), (np.where(labels == 255, 0, labels + 1),)),
        (LabelRule(), (PALETTE.colourise(labels),)),
        (
            LabelRule(mapping=tuple((100 + place, label) for place, label in enumerate(order))),
            (np.where(labels == 255, 255, 100 + np.argsort([*order, 3])[np.minimum(labels, 3)]),),
        ),
    ]
    places = np.argsort([*order, 3])[np.minimum(labels, 3)]
    table = [*(PALETTE.colours[label] for label in order), PALETTE.void_colour]
    for rule, pixels in ways:
        np.testing.assert_array_equal(rule.decode(*pixels, palette=PALETTE), labels)
    indices, colours = indexed(places, table)
    moved = order != [0, 1, 2]
    with pytest.warns(InputWarning, match="colours count") if moved else contextlib.nullcontext():
        found = LabelRule().decode(indices, PALETTE, colours=colours)
    np.testing.assert_array_equal(found, labels)


def test_of_a_colour_table_the_index_counts_where_the_colours_are_others():
    for table in (numbered_colours(3), [(9, 9, 9), (8, 8, 8), (7, 7, 7)]):
        indices, colours = indexed([[0, 2, 1]], table)
        assert LabelRule().decode(indices, PALETTE, colours=colours).tolist() == [[0, 2, 1]]


@pytest.mark.parametrize(
    ("indices", "table"),
    [
        ([[0, 1]], [GREEN, (1, 2, 3), RED]),  # a class's colour beside one of none
        ([[0, 0]], [(0, 0, 0)]),  # black is void, and index 0 a class
        ([[0, 1]], [(0, 0, 0), GREEN]),
    ],
)
def test_a_colour_table_that_can_be_read_in_two_ways_is_asked_about(indices, table):
    indices, colours = indexed(indices, table)
    with pytest.raises(InputError, match=r"two ways: .* --labels-as indices \(in Python, rule="):
        LabelRule().decode(indices, PALETTE, colours=colours)
    by_index = LabelRule(source="indices").decode(indices, PALETTE, colours=colours)
    np.testing.assert_array_equal(by_index, indices)


def test_the_table_of_voc_under_labels_of_another_data_set():
    """Black and (128, 0, 0) are void and class 1 of CamVid, 0 and 1 in the table of VOC."""
    indices, colours = indexed([[0, 1]], numbered_colours(2))
    with pytest.raises(InputError, match="index 0 has the colour of void"):
        LabelRule().decode(indices, CAMVID, colours=colours)
    indices, colours = indexed([[0, 1, 2, 3]], numbered_colours(4))
    assert LabelRule().decode(indices, CAMVID, colours=colours).tolist() == [[0, 1, 2, 3]]


def test_grey_saved_as_rgb():
    values = np.array([[0, 2, 1]], np.uint8)
    grey = np.repeat(values[..., None], 3, 2)
    assert LabelRule().decode(grey, numbered_palette(3)).tolist() == [[0, 2, 1]]
    assert LabelRule(source="indices").decode(grey, PALETTE).tolist() == [[0, 2, 1]]
    with pytest.raises(InputError, match="class indices saved as RGB, pass --labels-as indices"):
        LabelRule().decode(grey, PALETTE)


@pytest.mark.parametrize("palette", [numbered_palette(), numbered_palette(2)])
@pytest.mark.parametrize("rgb", [False, True])
def test_masks_of_0_and_255_are_not_guessed(palette, rgb):
    mask = np.array([[0, 255, 0, 0], [0, 0, 0, 0]], np.uint8)
    mask = np.repeat(mask[..., None], 3, 2) if rgb else mask
    with pytest.raises(UnsettledMaskError, match=r"contains 255 in 12 % of the .* 255=1"):
        LabelRule().decode(mask, palette)
    for rule, value in (
        (LabelRule(mapping=((255, 1),)), 1),
        (LabelRule(mapping=((255, None),)), 255),
        (LabelRule(void=255), 255),
    ):
        assert rule.decode(mask, palette)[0].tolist() == [0, value, 0, 0]
    assert LabelRule().decode(mask[:, 2:], palette).max() == 0
    if not rgb:
        with pytest.raises(UnsettledMaskError):
            LabelRule(void=7).decode(np.array([[0, 255, 7]]), palette)
        assert LabelRule().decode(np.array([[0, 255, 1]]), palette).tolist() == [[0, 255, 1]]
        assert LabelRule().decode(mask, numbered_palette(3))[0, 1] == 255


def test_what_unknown_values_may_be():
    for values, palette, said in [
        ([26_001, 7, 24_000], CITYSCAPES, "instance ids of Cityscapes"),
        ([7, 26], CITYSCAPES, "--label-map cityscapes-ids"),
        ([1, 2, 3], PALETTE, "--reduce-zero-label .* if 3 is void, --void 3"),
        ([0, -1], PALETTE, "If -1 is void, pass --void -1"),
        ([0, 40, 41], PALETTE, "--label-map 40=void"),
    ]:
        with pytest.raises(InputError, match=said):
            LabelRule().decode(np.array([values]), palette)
    two = replace(numbered_palette(2), ignore_index=9)
    with pytest.raises(InputError, match="255 marks class 1, pass --label-map 255=1"):
        LabelRule().decode(np.array([[0, 255]]), two)
    with pytest.raises(InputError, match="float32 values; expected integers"):
        LabelRule().decode(np.zeros((1, 1), np.float32), two)


def test_void_and_classes_beyond_8_bits():
    minus = replace(PALETTE, ignore_index=-100)
    for rule in (LabelRule(), LabelRule(void=255)):
        assert rule.decode(np.array([[0, 255, -100]]), minus).tolist() == [[0, -100, -100]]
    assert LabelRule().described(minus).endswith("; 255 void")
    with pytest.raises(UnsettledMaskError):
        LabelRule().decode(np.array([[0, 255]]), replace(numbered_palette(2), ignore_index=-1))
    assert LabelRule().decode(minus.colourise(np.array([[1, -100]])), minus).tolist() == [[1, -100]]
    many = numbered_palette(1000)
    labels = LabelRule(reduce_zero=True).decode(np.array([[0, 1, 1000]], np.uint16), many)
    assert labels.tolist() == [[NO_VOID, 0, 999]]


def test_classes_of_one_colour_are_not_told_apart():
    twins = Palette("twins", ("a", "b", "c"), (RED, RED, BLUE))
    assert LabelRule().decode(np.full((1, 1, 3), BLUE, np.uint8), twins).tolist() == [[2]]
    with pytest.raises(InputError, match=r"\(200, 0, 0\) is that of 'a' and of 'b'"):
        LabelRule().decode(np.full((1, 1, 3), RED, np.uint8), twins)


def test_black_is_a_class_where_a_class_is_black():
    palette = replace(VOC, void_colour=(0, 0, 0))
    assert LabelRule().decode(np.zeros((1, 1, 3), np.uint8), palette).tolist() == [[0]]


def test_made_up_colours_decode_nothing():
    made_up = replace(PALETTE, decodes=False)
    with pytest.raises(InputError, match="together in none of the palettes"):
        LabelRule().decode(PALETTE.colourise(np.array([[0]])), made_up)
    with pytest.raises(InputError, match="pass --palette camvid, or save class indices"):
        LabelRule().decode(CAMVID.colourise(np.arange(11)[None]), made_up)


def test_rules_as_text():
    assert label_mapping("255=1, 7=void") == ((255, 1), (7, None))
    assert label_mapping("-1=void,3-5=0") == ((-1, None), (3, 0), (4, 0), (5, 0))
    for text in ("", "255", "a=1", "1=-1", "5-3=1", "0-99999999=1"):
        with pytest.raises(InputError, match="label map"):
            label_mapping(text)
    with pytest.raises(InputError, match="says twice what 3 is"):
        LabelRule(mapping=((3, 1), (3, 2)))
    with pytest.raises(InputError, match=r"says that 3 is class 5; expected a class in 0\.\.2"):
        LabelRule(mapping=((3, 5),)).decode(np.array([[0]]), PALETTE)
    with pytest.raises(InputError, match="choose indices or colours"):
        LabelRule(source="names")


@pytest.mark.parametrize(
    ("rule", "palette", "said"),
    [
        (LabelRule(), numbered_palette(3), "class indices; 255 void"),
        (LabelRule(), PALETTE, "class indices or colours of palette 'three'; 255 void"),
        (LabelRule(void=11), numbered_palette(3), "class indices; 11 and 255 void"),
        (CAMVID_INDICES, CAMVID, "camvid: class indices; 11 and 255 void"),
        (
            CITYSCAPES_LABEL_IDS,
            CITYSCAPES,
            "cityscapes label ids: class indices; 35 values mapped; 255 void",
        ),
        (BY_COLOUR, PALETTE, "painted: colours of palette 'three'"),
        (
            LabelRule(mapping=((255, 1), (7, None)), reduce_zero=True),
            numbered_palette(2),
            "class indices; 255 = 1, 7 = void; 0 is void, class k is stored as k + 1",
        ),
    ],
)
def test_what_reports_say(rule, palette, said):
    assert rule.described(palette) == said


RULES = st.builds(
    LabelRule,
    void=st.sampled_from([None, 0, 11, 255, -1]),
    mapping=st.lists(
        st.tuples(st.integers(-2, 300), st.sampled_from([None, 0, 1])),
        max_size=3,
        unique_by=lambda pair: pair[0],
    ).map(tuple),
    reduce_zero=st.booleans(),
    source=st.sampled_from(["", "indices", "colours"]),
)


@pytest.mark.filterwarnings("ignore:the colours count")
@settings(max_examples=80, deadline=None)
@given(data=st.data(), rule=RULES)
def test_whatever_a_file_holds_labels_are_classes_or_void_or_refused(data, rule):
    palette = data.draw(
        st.sampled_from([PALETTE, CAMVID, numbered_palette(2), replace(PALETTE, ignore_index=-1)])
    )
    few = st.sampled_from([0, 1, 2, 128, 200, 255])
    kind = data.draw(st.sampled_from(["values", "rgb", "table"]))
    colours = None
    if kind == "values":
        dtype = data.draw(st.sampled_from([np.uint8, np.uint16, np.int32, np.int64, np.bool_]))
        values = data.draw(arrays.arrays(np.int64, (2, 3), elements=few)).astype(dtype)
    elif kind == "rgb":
        values = data.draw(arrays.arrays(np.uint8, (2, 3, 3), elements=few))
    else:
        values = data.draw(arrays.arrays(np.uint8, (2, 3), elements=st.integers(0, 3)))
        table = data.draw(
            st.lists(
                st.sampled_from([*PALETTE.colours, *CAMVID.colours, (0, 0, 0)]),
                min_size=4,
                max_size=4,
            )
        )
        colours = np.array(table, np.uint8)[values]
    try:
        labels = rule.decode(values, palette, colours=colours)
    except InputError:
        return
    assert labels.shape == values.shape[:2]
    assert {*labels.ravel().tolist()} <= {*range(len(palette)), palette.ignore_index}
