import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training import toy

from art_segplugin.errors import InputError
from art_segplugin.training import TrainingStep
from art_segplugin.training import log as log_module
from art_segplugin.training.log import LogRow, logged, read_log

SCORES = ("miou", "robust_miou")


def step(number, total=12):
    scores = {"miou": number / 20, "robust_miou": 0.1} if number % 3 == 0 else None
    return TrainingStep(number, total, 1 / number, 0.1 * number, min(1.0, number / 4), scores)


def write(folder, numbers, **options):
    return [s.step for s in logged(map(step, numbers), folder, SCORES, **options)]


def events(folder):
    """(tag, step, value) of all events, read by TensorBoard's record format."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in folder.glob("events.out.tfevents.*"):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            data = data[16 + length :]
    return found


def test_a_row_a_step_with_empty_cells_where_nothing_was_validated(tmp_path):
    assert write(tmp_path, range(1, 4)) == [1, 2, 3]
    assert (tmp_path / "log.csv").read_text() == (
        "step,loss,lr,strength,miou,robust_miou\n"
        "1,1.0,0.1,0.25,,\n"
        "2,0.5,0.2,0.5,,\n"
        f"3,{1 / 3},{0.1 * 3},0.75,0.15,0.1\n"
    )
    rows = read_log(tmp_path / "log.csv")
    assert rows[1] == LogRow(2, 0.5, 0.2, 0.5)
    assert rows[2].scores == {"miou": 0.15, "robust_miou": 0.1}


def test_rows_are_appended_and_readable_at_once(tmp_path):
    path, found = tmp_path / "log.csv", []
    for one in logged(map(step, range(1, 6)), tmp_path, SCORES):
        found.append(path.stat().st_ino)
        assert [row.step for row in read_log(path)] == list(range(1, one.step + 1))
    assert len(set(found)) == 1  # never written anew while the run goes on
    assert not list(tmp_path.glob(".*"))


@given(
    saved=st.integers(0, 11),
    after=st.integers(0, 11),
    cut=st.integers(0, 60),
)
@settings(deadline=None, max_examples=25)
def test_however_it_was_killed_the_log_is_that_of_an_unbroken_run(
    tmp_path_factory, saved, after, cut
):
    folder, unbroken = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("unbroken")
    write(unbroken, range(1, 13), tensorboard=False)
    killed = min(12, saved + 1 + after)
    write(folder, range(1, killed + 1), tensorboard=False)
    path = folder / "log.csv"
    if killed > saved:  # the last row may be cut off: it is of a step that is done again
        text = path.read_text()
        last = len(text) - text.rstrip("\n").rfind("\n") - 1
        path.write_text(text[: len(text) - min(cut, last)])
    write(folder, range(saved + 1, 13), tensorboard=False)
    assert path.read_text() == (unbroken / "log.csv").read_text()


def test_a_training_that_was_stopped_has_the_same_log(tmp_path):
    for folder, resume, last in (("a", False, 99), ("b", False, 7), ("b", True, 99)):
        _, steps = toy.run(tmp_path / folder, resume=resume)
        for one in logged(steps, tmp_path / folder, ("miou",)):
            if one.step == last:
                break
    text = (tmp_path / "a" / "log.csv").read_text()
    assert len(text.splitlines()) == 13
    assert (tmp_path / "b" / "log.csv").read_text() == text


def test_a_finished_run_leaves_its_log_as_it_is(tmp_path):
    write(tmp_path, range(1, 13))
    before = (tmp_path / "log.csv").read_bytes()
    assert write(tmp_path, []) == []
    assert (tmp_path / "log.csv").read_bytes() == before


def test_tensorboard_has_every_step_once(tmp_path):
    pytest.importorskip("tensorboardX")
    write(tmp_path, range(1, 9))
    write(tmp_path, range(5, 13))
    found = events(tmp_path / "tensorboard")
    losses = {number: value for tag, number, value in found if tag == "training/loss"}
    assert sorted(s for tag, s, _ in found if tag == "training/loss") == list(range(1, 13))
    assert losses[7] == pytest.approx(1 / 7)
    assert sorted(s for tag, s, _ in found if tag == "validation/miou") == [3, 6, 9, 12]
    assert len(found) == 3 * 12 + 2 * 4


def test_without_tensorboard_there_is_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "find_spec", lambda name: None)
    write(tmp_path, range(1, 3))
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
    assert len(read_log(tmp_path / "log.csv")) == 2


def test_a_score_that_is_not_known_is_no_event(tmp_path):
    pytest.importorskip("tensorboardX")
    one = TrainingStep(1, 1, 1.0, 0.1, 1.0, {"miou": math.nan})
    list(logged(iter([one]), tmp_path, ("miou",)))
    assert {tag for tag, _, _ in events(tmp_path / "tensorboard")} == {
        "training/loss", "training/lr", "training/strength",
    }  # fmt: skip
    assert math.isnan(read_log(tmp_path / "log.csv")[0].scores["miou"])


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "step,loss,lr,strength\n1,x,1,1\n", "step,loss\n1,2\n"]
)
def test_another_file_is_not_written_over(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(InputError, match=r"log\.csv is no log of a training"):
        write(tmp_path, range(1, 3))
    assert (tmp_path / "log.csv").read_text() == text


def test_no_log_is_said(tmp_path):
    with pytest.raises(InputError, match="is no log of a training"):
        read_log(tmp_path / "log.csv")
