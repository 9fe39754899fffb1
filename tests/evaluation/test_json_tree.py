import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from art_segplugin.evaluation.json_tree import from_plain, to_plain


@dataclass(frozen=True)
class Leaf:
    value: float
    name: str | None = None


@dataclass(frozen=True)
class Tree:
    leaves: list[Leaf]
    by_name: dict[str, Leaf]
    best: Leaf | None
    pair: tuple[int, int]
    colours: list[tuple[int, ...]]
    options: dict[str, Any] = field(default_factory=dict)


TREE = Tree(
    [Leaf(0.1), Leaf(2.0, "two")],
    {"a": Leaf(-1.0)},
    None,
    (1, 2),
    [(1, 2, 3)],
    {"eps": 0.1, "bounds": [0, 1]},
)


def test_back_and_forth_through_json():
    assert from_plain(Tree, json.loads(json.dumps(to_plain(TREE)))) == TREE


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_becomes_null_and_nan(value):
    text = json.dumps(to_plain(Leaf(value)), allow_nan=False)
    assert text == '{"value": null, "name": null}'
    assert math.isnan(from_plain(Leaf, json.loads(text)).value)


def test_whole_numbers_are_floats_where_floats_belong():
    assert isinstance(from_plain(Leaf, {"value": 1}).value, float)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Leaf, {"value": "a lot"}),
        (Leaf, {"value": 1.0, "name": 3}),
        (Leaf, {"value": 1.0, "colour": "red"}),
        (Leaf, {}),
        (Leaf, [1.0]),
        (Tree, to_plain(TREE) | {"leaves": {}}),
        (Tree, to_plain(TREE) | {"by_name": []}),
        (Tree, to_plain(TREE) | {"pair": 3}),
    ],
)
def test_other_values_are_refused(kind, values):
    with pytest.raises(TypeError):
        from_plain(kind, values)
