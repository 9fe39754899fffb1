from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.data.class_order import (
    check_split,
    class_label,
    class_palette,
    in_turn,
    training_part,
    validation_part,
)
from art_segplugin.errors import InputError

quick = settings(max_examples=60, deadline=None)
sizes = st.lists(st.integers(0, 45), min_size=1, max_size=6)


def groups_of(counts):
    return [[(number, rank) for rank in range(count)] for number, count in enumerate(counts)]


def test_in_turn_by_hand():
    assert in_turn(["ab", "c", "def"]) == [
        (0, "a"), (1, "c"), (2, "d"), (0, "b"), (2, "e"), (2, "f"),
    ]  # fmt: skip


@quick
@given(sizes, st.data())
def test_every_prefix_is_as_balanced_as_the_classes_allow(counts, data):
    ordered = in_turn(groups_of(counts))
    assert sorted(item for _, item in ordered) == [
        item for group in groups_of(counts) for item in group
    ]
    assert all(number == item[0] for number, item in ordered)
    length = data.draw(st.integers(0, len(ordered)))
    drawn = Counter(number for number, _ in ordered[:length])
    most = max(drawn.values(), default=0)
    for number, count in enumerate(counts):
        assert drawn[number] >= min(count, most - 1)


@quick
@given(st.integers(0, 120))
def test_parts_are_disjoint_and_complete(count):
    items = list(range(count))
    train, val = training_part(items), validation_part(items)
    assert sorted(train + val) == items
    assert not set(train) & set(val)
    assert len(val) == count // 10
    assert val == [item for item in items if item % 10 == 9]


def test_palettes_have_distinct_colours_and_room_for_void():
    for count in (10, 255, 256, 1000):
        palette = class_palette("x", [str(number) for number in range(count)])
        assert palette.ignore_index == -100
        assert len({*palette.colours, palette.void_colour}) == count + 1


@pytest.mark.parametrize(("classes", "said"), [(["cat"], r"1 class \(cat\)"), ([], "0 classes")])
def test_one_class_is_no_classification(classes, said):
    with pytest.raises(InputError, match=f"{said}.* at least 2"):
        class_palette("pets", classes)


def test_labels_of_a_class():
    assert torch.equal(class_label(7), torch.tensor([[7]]))


def test_unknown_splits_are_refused():
    with pytest.raises(InputError, match="split is 'dev'; expected one of train, val, test"):
        check_split("dev")
