from types import SimpleNamespace

import pytest
import torch

from art_segplugin.cli import training_run
from art_segplugin.cli.hypersphere import HypersphereWords
from art_segplugin.cli.objectives import ObjectiveWords
from art_segplugin.cli.training_run import DataWords, Job
from art_segplugin.distributed import ONE_PROCESS
from art_segplugin.errors import InputError
from art_segplugin.training import TrainingOptions


@pytest.fixture
def team():
    return SimpleNamespace(rank=1, world=2, device=torch.device("cpu", 0))


@pytest.fixture
def job(tmp_path):
    return Job(
        out=tmp_path / "run",
        data=DataWords("digits", count=20, val_count=10),
        network="resnet:width=4,blocks=1",
        init=None,
        hypersphere=HypersphereWords(),
        objective=ObjectiveWords(),
        options=TrainingOptions(steps=2, batch_size=10),
    )


def test_each_process_has_its_own_device(team):
    assert training_run._device("auto", team) == "cpu:0"
    assert training_run._device("cpu", team) == "cpu"
    assert training_run._device("cpu", ONE_PROCESS) == "cpu"
    with pytest.raises(InputError, match="each of the 2 processes takes its own; leave --device"):
        training_run._device("cuda:1", team)


def test_the_other_processes_train_and_say_nothing(job, team, tmp_path, monkeypatch, capsys):
    done = []

    def steps(*arguments, processes, **options):
        assert processes is team
        return (done.append(number) for number in range(3))

    monkeypatch.setattr(training_run, "processes", lambda: team)
    monkeypatch.setattr(training_run, "training_steps", steps)
    training_run.run(job)
    assert done == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_the_first_validation_images(job):
    assert len(job.data.validation()) == 10
    assert len(job.data.validation(4)) == 4
    assert len(job.data.validation(40)) == 10
    assert len(job.data.training()) == 20


def test_without_tensorboard_it_is_said_once(job, monkeypatch, capsys):
    monkeypatch.setattr(training_run, "has_tensorboard", lambda: False)
    training_run.run(Job(**vars(job) | {"report_count": 0}))
    message = capsys.readouterr().err
    assert message.count("tensorboardX is not installed: the log is log.csv only.") == 1
    assert (job.out / "log.csv").exists()
