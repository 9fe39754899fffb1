"""A clip is attacked, resumed, written and replayed by the library alone."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from evaluation.test_clip import CLASSES, images, label_map, load, plan

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import (
    ClipAttack,
    ClipReproduction,
    ClipRun,
    ClipStore,
    replay_clip,
)
from art_segplugin.evaluation.model_refs import ModelPair, ModelRef
from art_segplugin.report.clip import ClipContents, class_rows, picture_rows, write_clip


@dataclass(frozen=True)
class Read:
    name: str
    image: Any
    labels: Any


def read(index):
    return Read(f"street-{index}", images()[index], label_map())


def started(folder):
    store = ClipStore(folder, {"model": "a"})
    return ClipRun(ClipAttack(load("a"), None, plan(), warm_start=True), ("A",), store, read)


def contents_of(run, folder):
    return ClipContents(
        out=folder,
        store=run.store,
        origin={"spec": "toy"},
        fps=10.0,
        models=ModelPair(ModelRef("a")),
        plan=plan(),
        records=run.records,
        pooled=run.pool.scores,
        classes=tuple("abcd"),
        colours=((0, 0, 0), (90, 0, 0), (0, 90, 0), (0, 0, 90)),
        device="cpu",
        warm_start=True,
    )


def test_a_stopped_run_is_resumed_to_the_same_files(tmp_path):
    whole = started(tmp_path / "whole")
    assert [step.done is not None for step in whole.steps(range(4))] == [True] * 4
    first = started(tmp_path / "clip")
    steps = first.steps(range(4))
    next(steps), next(steps)
    steps.close()
    second = started(tmp_path / "clip")
    assert [step.done is not None for step in second.steps(range(4))] == [False, False, True, True]
    assert second.pool.scores == whole.pool.scores
    for one, other in zip(second.records, whole.records, strict=True):
        assert replace(one, seconds=0.0) == replace(other, seconds=0.0)
    *shares, paths = write_clip(contents_of(second, tmp_path / "clip"), read)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert paths[-1].name == "repro.json"
    clip = ClipReproduction.load(tmp_path / "clip")
    assert replay_clip(clip, tmp_path / "clip", load=load)[1] == []
    tree = json.loads((tmp_path / "clip" / "clip.json").read_text())
    assert len(tree["records"]) == 4
    assert "confusion" not in tree["records"][0]["scores"]["A clean"]


def test_another_image_is_refused(tmp_path):
    list(started(tmp_path).steps(range(2)))
    run = started(tmp_path)
    run.read = lambda index: replace(read(index), labels=np.zeros_like(label_map()))
    with pytest.raises(InputError, match="the labels of picture 0 are others"):
        list(run.steps(range(2)))


def test_tables_have_a_row_an_image_and_a_class(tmp_path):
    run = started(tmp_path)
    list(run.steps(range(2)))
    rows = picture_rows(run.records)
    assert [row["picture"] for row in rows] == ["street-0", "street-1"]
    assert rows[0]["A 8-bit mIoU"] == run.records[0].scores["A 8-bit"].miou
    assert len(class_rows("abcd", run.pool.scores, "8-bit")) == CLASSES
