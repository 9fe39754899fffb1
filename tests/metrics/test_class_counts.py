import json
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.batches import batch, batches, counts, pixels
from sklearn.metrics import confusion_matrix

from art_segplugin.errors import InputError
from art_segplugin.metrics import ClassCounts, totals_of


def equal(a, b):
    return (
        all(torch.equal(getattr(a, k), getattr(b, k)) for k in ("confusion", "returned", "images"))
        and a.regions.keys() == b.regions.keys()
        and all(torch.equal(a.regions[k], b.regions[k]) for k in a.regions)
    )


def by_loops(logits, labels, regions):
    n, c = logits.shape[:2]
    confusion, returned, images = torch.zeros(c, c), torch.zeros(c, c), torch.zeros(n, 3, c)
    tables = {name: torch.zeros(c, c) for name in regions}
    for i, truth, guess, rest, row, column in pixels(logits, labels):
        confusion[truth, guess] += 1
        returned[truth, guess] += truth != guess and rest == truth
        images[i, 0, truth] += truth == guess
        images[i, 1, truth] += 1
        images[i, 2, guess] += 1
        for name, mask in regions.items():
            tables[name][truth, guess] += bool(mask[i, row, column])
    return ClassCounts(
        confusion.long(), returned.long(), images.long(), {k: t.long() for k, t in tables.items()}
    )


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(0, 100))
def test_counts_are_those_of_a_loop_over_the_pixels(given_batch, seed):
    logits, labels = given_batch
    generator = torch.Generator().manual_seed(seed)
    regions = {"some": torch.rand(labels.shape, generator=generator) < 0.5, "void": labels == 255}
    found = ClassCounts.of(logits, labels, regions=regions)
    assert equal(found, by_loops(logits, labels, regions))
    assert found.confusion.dtype == found.images.dtype == found.returned.dtype == torch.int64
    assert found.regions["void"].sum() == 0
    assert torch.equal(found.totals, totals_of(found.confusion))


def test_confusion_equals_scikit_learn():
    logits, labels = batch(3, classes=5)
    valid = labels != 255
    expected = confusion_matrix(labels[valid], logits.argmax(1)[valid], labels=range(5))
    assert torch.equal(ClassCounts.of(logits, labels).confusion, torch.from_numpy(expected))


def of_pixel(values, label):
    return ClassCounts.of(torch.tensor(values).view(1, -1, 1, 1), torch.tensor([[[label]]]))


@pytest.mark.parametrize(
    ("values", "label", "predicted", "returns"),
    [
        ([1.0, 3.0, 2.0], 2, 1, True),
        ([1.0, 3.0, 2.0], 0, 1, False),
        ([2.0, 2.0, 1.0], 1, 0, True),  # tied: the smaller class is predicted
        ([3.0, 2.0, 2.0], 1, 0, True),  # tied behind it: likewise
        ([3.0, 2.0, 2.0], 2, 0, False),
        ([2.0, 2.0, 2.0], 1, 0, True),
        ([0.0, torch.nan, 5.0], 2, 1, True),
        ([torch.nan, torch.nan, 5.0], 2, 0, False),
        ([0.0, -torch.inf, -torch.inf], 1, 0, True),  # nothing is left but -inf
        ([0.0, -torch.inf, -torch.inf], 2, 0, False),
        ([-torch.inf, -torch.inf, 0.0], 0, 2, True),
        ([-torch.inf, -torch.inf, -torch.inf], 1, 0, True),
        ([1.0, 0.0], 1, 0, True),
    ],
)
def test_what_is_left_when_the_predicted_class_is_taken_away(values, label, predicted, returns):
    found = of_pixel(values, label)
    assert found.confusion[label, predicted] == 1
    assert found.returned[label, predicted] == returns
    assert found.returned.sum() == returns


def test_one_class_is_always_right():
    found = of_pixel([-torch.inf], 0)
    assert found.confusion.tolist() == [[1]]
    assert found.returned.tolist() == [[0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int32])
def test_any_float_and_any_integer(dtype, kind):
    logits, labels = batch(5)
    logits = logits.round()
    expected = ClassCounts.of(logits, labels)
    leaf = logits.to(dtype).requires_grad_()
    found = ClassCounts.of(leaf, labels.to(kind))
    assert equal(found, expected)
    assert not found.images.requires_grad


def test_any_class_or_none_can_be_void():
    logits, labels = batch(6)
    labels[labels == 255] = 0
    void = ClassCounts.of(logits, labels, ignore_index=0)
    none = ClassCounts.of(logits, labels.to(torch.uint8), ignore_index=-1)
    assert void.confusion[0].sum() == 0
    for found in (void, none):
        assert torch.equal(found.totals, totals_of(found.confusion))
    assert torch.equal(void.confusion[1:], none.confusion[1:])
    assert none.confusion.sum() == labels.numel()


def test_what_is_given_stays_as_it_is():
    logits, labels = batch(7)
    regions = {"some": labels == 0}
    before = logits.clone(), labels.clone(), regions["some"].clone()
    ClassCounts.of(logits, labels, regions=regions)
    assert torch.equal(logits, before[0])
    assert torch.equal(labels, before[1])
    assert torch.equal(regions["some"], before[2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(6)), st.integers(1, 5))
def test_joining_is_exact_in_any_order(seed, order, cut):
    logits, labels = batch(seed, n=6)
    region = labels == 0

    def part(index):
        return ClassCounts.of(logits[index], labels[index], regions={"a": region[index]})

    whole = part(list(range(6)))
    shuffled = part(order[:cut]) + part(order[cut:])
    assert torch.equal(shuffled.images, whole.images[list(order)])
    assert equal(replace(shuffled, images=whole.images), whole)
    one_by_one = [part([i]) for i in range(6)]
    assert equal(sum(one_by_one, ClassCounts.empty(4, ["a"])), whole)
    assert equal(ClassCounts.joined(one_by_one), whole)


def test_counts_of_other_things_cannot_be_added():
    with pytest.raises(InputError, match="counts of 4 and of 3 classes"):
        counts(0, classes=4) + counts(0, classes=3)
    with pytest.raises(InputError, match=r"regions \['a'\] and \[\]"):
        ClassCounts.empty(4, ["a"]) + counts(0)
    with pytest.raises(InputError, match="no counts to join"):
        ClassCounts.joined([])
    with pytest.raises(InputError, match="classes is 0"):
        ClassCounts.empty(0)


@settings(max_examples=30, deadline=None)
@given(batches())
def test_json_is_read_back_exactly(given_batch):
    logits, labels = given_batch
    found = ClassCounts.of(logits, labels, regions={"a": labels == 0, "b": labels > 0})
    assert equal(ClassCounts.from_json(json.loads(json.dumps(found.to_json()))), found)


def test_empty_counts_survive_json_and_batches_of_nothing_are_empty():
    empty = ClassCounts.empty(3, ["a"])
    assert empty.images.shape == (0, 3, 3)
    assert equal(ClassCounts.from_json(empty.to_json()), empty)
    nothing = torch.zeros(0, 3, 2, 2), torch.zeros(0, 2, 2, dtype=torch.int64)
    assert equal(ClassCounts.of(*nothing, regions={"a": nothing[1] > 0}), empty)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(anything, anything, anything, anything)
def test_rubbish_is_no_counts(a, b, c, d):
    for rubbish in (a, {"confusion": a, "returned": b, "images": c, "regions": d}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(InputError, match="no class counts"):
                ClassCounts.from_json(rubbish)


def broken(path, value):
    values = counts(1, n=3).to_json() | {"regions": {"a": counts(1, n=3).confusion.tolist()}}
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["confusion", 0, 0], -1),
        (["confusion", 0, 0], 1000),  # images say otherwise
        (["confusion", 0, 0], 1.0),
        (["confusion", 0, 0], 2**80),
        (["confusion", 0, 0], "1"),
        (["confusion", 0], [1]),
        (["confusion"], [[1, 2], [3, 4]]),
        (["confusion"], []),
        (["returned", 0, 0], 1),  # the diagonal has not gone anywhere
        (["returned", 0, 3], 1000),
        (["returned", 0, 3], -1),
        (["regions", "a", 0, 3], -1),
        (["returned"], []),
        (["returned"], None),
        (["images", 2, 1, 0], 1000),
        (["images"], []),
        (["images", 1], []),
        (["regions"], []),
        (["regions", "a", 0, 0], 1000),
        (["regions", "a"], [[True] * 4] * 4),
    ],
)
def test_damaged_counts_are_refused(path, value):
    ClassCounts.from_json(broken(["regions", "b"], counts(1, n=3).returned.tolist()))
    with pytest.raises(InputError, match="no class counts"):
        ClassCounts.from_json(broken(path, value))


@pytest.mark.parametrize("key", ["confusion", "returned", "images", "regions"])
def test_nothing_may_be_missing(key):
    values = counts(1).to_json()
    del values[key]
    with pytest.raises(InputError, match=key):
        ClassCounts.from_json(values)


def test_bad_input_is_named():
    logits, labels = batch(0)
    cases = [
        (logits[0], labels, {}, r"logits are torch.float32 of shape \(4, 3, 4\)"),
        (logits.long(), labels, {}, "logits are torch.int64"),
        (logits[:, :0], labels, {}, r"of shape \(4, 0, 3, 4\)"),
        (logits, labels[1:], {}, r"labels are torch.int64 of shape \(3, 3, 4\)"),
        (logits, labels.float(), {}, "labels are torch.float32"),
        (logits, labels > 0, {}, "labels are torch.bool"),
        (logits, labels * 0 + 4, {}, "label 4 is outside the classes 0 to 3"),
        (logits, labels * 0 - 1, {}, "label -1 is outside"),
        (logits, labels, {"a": labels}, "region 'a' is torch.int64"),
        (logits, labels, {"a": labels[1:] > 0}, r"region 'a' is torch.bool of shape \(3, 3, 4\)"),
    ]
    for z, y, regions, message in cases:
        with pytest.raises(InputError, match=message):
            ClassCounts.of(z, y, regions=regions)


def many_classes():
    logits, labels = batch(4, classes=40)
    return ClassCounts.of(logits, labels, regions={"all": labels >= 0, "void": labels == 255})


def test_many_classes_are_written_as_the_cells_that_are_not_zero():
    found = many_classes()
    values = json.loads(json.dumps(found.to_json()))
    assert len(values["confusion"]["cells"]) == int((found.confusion != 0).sum())
    assert values["regions"]["void"]["cells"] == []
    assert equal(ClassCounts.from_json(values), found)
    dense = {k: getattr(found, k).tolist() for k in ("confusion", "returned", "images")}
    dense["regions"] = {name: table.tolist() for name, table in found.regions.items()}
    assert equal(ClassCounts.from_json(dense), found)
    empty = ClassCounts.empty(40, ["all"])
    assert equal(ClassCounts.from_json(empty.to_json()), empty)


@pytest.mark.parametrize(
    "cells", [[[40, 0, 1]], [[0, 0, -1]], [[0, 0, 1.5]], [[0, 0]], [[0, 0, 1], [0, 0, 1]], 3]
)
def test_cells_that_are_none_are_refused(cells):
    values = many_classes().to_json()
    values["returned"]["cells"] = cells
    with pytest.raises(InputError, match="these are no class counts"):
        ClassCounts.from_json(values)
