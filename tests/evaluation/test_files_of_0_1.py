"""Files that version 0.1 wrote (commit 4c4400e, one thread of a CPU) are read and replayed as then."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import clip_problem
import numpy as np
import pytest
import torch
from evaluation import test_clip
from evaluation.test_runner import ATTACKS, Toy
from oracles import TinyNet
from reproduction_problem import load

from art_segplugin.errors import InputError
from art_segplugin.evaluation import (
    DiagnosisReport,
    ResultStore,
    RobustnessReport,
    evaluate,
    summarise,
)
from art_segplugin.evaluation.clip import ClipReproduction, replay_clip
from art_segplugin.evaluation.repro import Reproduction, reproduce, torch_threads
from art_segplugin.evaluation.scores import differences
from art_segplugin.models import Segmenter
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.saving import load_state
from art_segplugin_gui.session.state import Attack, Models, Source, State, View

FILES = Path(__file__).parent / "files_of_0_1"
TOLERANCE = 1e-9
"""Other machines may add four numbers in another order; another pixel is 1e-3 and more."""


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


@pytest.mark.parametrize("name", ["picture", "format-1"])
def test_a_picture_replays(name):
    made = Reproduction.load(FILES / name)
    assert made.numbers["A adversarial"].distance > 0
    assert len(made.numbers) == 4
    assert differences(made.numbers, reproduce(made, load=load), TOLERANCE) == []


def test_a_clip_replays():
    made = ClipReproduction.load(FILES / "clip")
    assert len(made.records) == 4
    _, lines = replay_clip(made, FILES / "clip", load=test_clip.load, tolerance=TOLERANCE)
    assert lines == []


def test_a_report_is_what_the_same_evaluation_gives_now(model, tmp_path):
    report = RobustnessReport.load(FILES / "report.json")
    report.save(tmp_path / "again.json")
    assert RobustnessReport.load(tmp_path / "again.json") == report
    found = summarise(evaluate(model, Toy([(10, 12)] * 3), ATTACKS, seeds=(0, 1), batch_size=1))
    for before, now in zip(report.results, found, strict=True):
        assert now.loss_share_curve == pytest.approx(before.loss_share_curve)
        images = [replace(image, void=None) for image in now.images]  # 0.1 did not write it
        unchanged = {"seconds": 0.0, "loss_share_curve": []}
        now = replace(now, images=images)
        assert replace(now, **unchanged) == replace(before, **unchanged)


def test_a_diagnosis_is_read_whole(tmp_path):
    DiagnosisReport.load(FILES / "diagnosis.json").save(tmp_path / "again.json")
    read, again = (
        (f / n).read_text() for f, n in ((FILES, "diagnosis.json"), (tmp_path, "again.json"))
    )
    assert {**json.loads(read), "labels": None} == json.loads(again)


def setting_of(path):
    setting = json.loads(path.read_text().splitlines()[0])["setting"]
    return {name: value for name, value in setting.items() if name != "batch_size"}


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("name", ["batches-of-1", "counted"])
def test_a_store_of_single_images_is_resumed_in_batches_of_any_size(
    name, batch_size, model, tmp_path
):
    path = Path(shutil.copy(FILES / f"{name}.jsonl", tmp_path))
    store = ResultStore(path, setting_of(path))
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    results = evaluate(model, Toy([(10, 12)] * 3), ATTACKS, batch_size=batch_size, store=store)
    found = summarise(results)
    assert not calls
    before = RobustnessReport.load(FILES / "report.json").results[: len(ATTACKS) + 1]
    assert [result.counts for result in found] == [result.counts for result in before]


def test_a_store_of_larger_batches_is_refused(tmp_path):
    path = Path(shutil.copy(FILES / "batches-of-2.jsonl", tmp_path))
    with pytest.raises(
        InputError, match="batches of several images, whose random starts were others"
    ):
        ResultStore(path, setting_of(path))


def test_a_stopped_clip_goes_on(tmp_path):
    shutil.copytree(FILES / "stopped-clip", tmp_path / "clip")
    source = clip_problem.FakeSource(3, size=(16, 18))
    with torch_threads(1):
        events = clip_problem.run(clip_problem.request(tmp_path / "clip"), source)
    assert [frame.frame is None for frame in clip_problem.frames(events)] == [True, True, False]


def test_a_session_is_read():
    mask = np.zeros((6, 8), bool)
    mask[1:3, 2:5] = True
    options = MappingProxyType({"steps": 7, "eps": 0.05, "norm": "L2"})
    attack = Attack("pgd", options, "class", 3, 1, "painted", 2, Painted.of(mask), 11, False)
    assert load_state(FILES / "session.segstudio.json") == State(
        Source("drive:3", 2, 1, 9, False, None),
        Models("small-scenes", "digits", False),
        attack,
        View("error", 0.25, 1.25, frozenset({2, 5}), 3, (1, 2), False, True),
    )
