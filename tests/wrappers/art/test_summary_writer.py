"""The curves that the attacks write for TensorBoard."""

from functools import partial

import numpy as np
import pytest
import torch
from art.summary_writer import SummaryWriter, SummaryWriterDefault

from art_segplugin.wrappers.art import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD

SMALL = {
    "SegPGD": partial(SegPGD, max_iter=3, verbose=False),
    "SegFGSM": partial(SegFGSM, verbose=False),
    "SegmentationPGD": partial(SegmentationPGD, max_iter=3, verbose=False),
    "TemperaturePGD": partial(TemperaturePGD, max_iter=3, verbose=False),
}
every_attack = pytest.mark.parametrize("kind", SMALL.values(), ids=SMALL)


def seeded():
    return torch.Generator().manual_seed(3)


class Recorder(SummaryWriter):
    def __init__(self):
        super().__init__(False)
        self.calls, self.resets = [], 0

    def _init_summary_writer(self, summary_writer, init_counter):
        pass

    def update(self, **values):
        self.calls.append(values)

    def reset(self):
        self.resets += 1


@every_attack
@pytest.mark.parametrize("targeted", [False, True])
def test_the_summary_writer_hears_of_every_point(problem, kind, targeted):
    x, y = (np.concatenate([values, values[:1]]) for values in (problem.x, problem.y))
    writer, options = Recorder(), {"num_random_init": 2, "batch_size": 2, "targeted": targeted}
    watched = kind(problem.estimator, summary_writer=writer, **options)
    result = watched.generate(x, y, generator=seeded())
    expected = kind(problem.estimator, **options).generate(x, y, generator=seeded())
    assert np.array_equal(result, expected)
    points = 4 if kind is SMALL["SegFGSM"] else 8  # of two restarts
    assert [(c["batch_id"], c["global_step"]) for c in writer.calls] == [
        (batch, step) for batch in (0, 1) for step in range(points)
    ]
    call = writer.calls[-1]
    sign = -1 if targeted else 1
    gradient = problem.estimator.loss_gradient(call["x"], call["y"])
    assert np.array_equal(call["grad"], sign * gradient)
    assert writer.resets == 1


@every_attack
def test_tensorboard_curves_are_written(problem, kind, tmp_path):
    """compute_loss with one value per pixel would fail in here."""
    attack = kind(problem.estimator, summary_writer=str(tmp_path / "runs"))
    attack.generate(problem.x, problem.y)
    attack.summary_writer.summary_writer.close()
    files = list(tmp_path.rglob("events*"))
    names = b"".join(file.read_bytes() for file in files)
    for name in (b"loss/loss/batch-0", b"loss/zero_one/batch-0", b"gradients/norm-L2/batch-0"):
        assert name in names


def test_the_failure_indicators_of_art(problem, tmp_path):
    writer = SummaryWriterDefault(str(tmp_path), ind_2=True, ind_3=True, ind_4=True)
    with np.errstate(
        all="ignore"
    ):  # indicator 4 divides by the first step, 0, in ART's own PGD too
        SMALL["SegPGD"](problem.estimator, summary_writer=writer).generate(problem.x, problem.y)
    assert writer.losses["0"][0].shape == (2,)


def test_the_summary_writer_can_be_set(problem, tmp_path):
    attack = SMALL["SegPGD"](problem.estimator)
    writer = Recorder()
    attack.set_params(summary_writer=writer)
    attack.generate(problem.x, problem.y)
    assert len(writer.calls) == 4
    attack.set_params(summary_writer=str(tmp_path))
    assert isinstance(attack.summary_writer, SummaryWriterDefault)
    attack.set_params(summary_writer=False)
    assert attack.summary_writer is None


@every_attack
@pytest.mark.parametrize("targeted", [False, True])
def test_classifiers_are_watched_in_the_form_of_art(classification, kind, targeted):
    """ART's code for classifiers understands one-hot labels everywhere, indices not."""
    writer, y = Recorder(), (classification.y + targeted) % 4
    attack = kind(classification.estimator, summary_writer=writer, targeted=targeted)
    attack.generate(classification.x, y)
    assert [c["global_step"] for c in writer.calls] == [
        *range(2 if kind is SMALL["SegFGSM"] else 4)
    ]
    call = writer.calls[-1]
    assert np.array_equal(call["y"], np.eye(4)[y])
    gradient = classification.estimator.loss_gradient(call["x"], call["y"])
    assert np.array_equal(call["grad"], -gradient if targeted else gradient)


def test_the_failure_indicators_of_art_on_a_classifier(classification, tmp_path):
    writer = SummaryWriterDefault(str(tmp_path), ind_1=True, ind_2=True, ind_3=True, ind_4=True)
    attack = SMALL["TemperaturePGD"](classification.estimator, summary_writer=writer)
    with np.errstate(all="ignore"):
        adversarial = attack.generate(classification.x, classification.y)
    right = classification.estimator.predict(adversarial).argmax(1) == classification.y
    assert np.array_equal(writer.i_1, right)  # at the last point
