import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from art_segplugin.evaluation import DiagnosisReport, RobustnessReport
from art_segplugin.evaluation.clip import ClipReproduction
from art_segplugin.evaluation.documents import from_plain, to_plain
from art_segplugin.evaluation.repro import Reproduction
from art_segplugin.scores import Number, Scores


@dataclass(frozen=True)
class Leaf:
    value: Number
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
    with pytest.raises(ValueError, match=r"\w"):
        from_plain(kind, values)


@pytest.mark.parametrize(
    "kind", [RobustnessReport, DiagnosisReport, Reproduction, ClipReproduction]
)
def test_documents_publish_their_schema(kind):
    schema = kind.json_schema()
    assert schema["type"] == "object"
    assert set(schema["required"]) <= set(schema["properties"])
    json.dumps(schema)


def test_the_schema_says_which_numbers_may_be_missing():
    scores = Reproduction.json_schema()["$defs"]["Scores"]["properties"]
    either = [{"type": "number"}, {"type": "null"}]
    assert scores["miou"]["anyOf"] == either
    assert scores["class_iou"]["items"]["anyOf"] == either
    assert scores["confusion"]["items"]["items"] == {"type": "integer"}
    assert Reproduction.json_schema()["properties"]["image"]["$ref"].endswith("FileRef")


def test_scores_are_equal_by_value():
    one = Scores(0.5, 0.25, [0.5, math.nan], [[1, 2], [3, 4]], 0.1)
    assert one == Scores(0.5, 0.25, np.array([0.5, math.nan]), np.array([[1, 2], [3, 4]]), 0.1)
    assert one != Scores(0.5, 0.25, [0.5, 0.5], [[1, 2], [3, 4]], 0.1)
    assert one.totals == Scores(0.5, 0.25, distance=0.1)
