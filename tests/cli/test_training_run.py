from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from art_segplugin.cli import training
from art_segplugin.cli.train import TrainArgs
from art_segplugin.distributed import ONE_PROCESS
from art_segplugin.errors import InputError
from art_segplugin.training import TrainingOptions


@pytest.fixture
def team():
    return SimpleNamespace(rank=1, world=2, device=torch.device("cpu", 0))


@pytest.fixture
def args(tmp_path):
    return TrainArgs(
        out=tmp_path / "run",
        data="digits",
        count=20,
        val_count=10,
        network="resnet:width=4,blocks=1",
        steps=2,
        batch_size=10,
        report_count=0,
    )


def test_each_process_has_its_own_device(team):
    assert training._device("auto", team) == "cpu:0"
    assert training._device("cpu", team) == "cpu"
    assert training._device("cpu", ONE_PROCESS) == "cpu"
    with pytest.raises(InputError, match="each of the 2 processes takes its own; leave --device"):
        training._device("cuda:1", team)


def test_the_other_processes_train_and_say_nothing(args, team, tmp_path, monkeypatch, capsys):
    done = []

    def steps(*arguments, processes, **options):
        assert processes is team
        return (done.append(number) for number in range(3))

    monkeypatch.setattr(training, "processes", lambda: team)
    monkeypatch.setattr(training, "training_steps", steps)
    training.run(args)
    assert done == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("val_count", "asked", "reported"), [(10, 4, 4), (10, 40, 10), (None, 4, 4)]
)
def test_the_report_is_about_the_first_validation_images(args, val_count, asked, reported):
    args = replace(args, val_count=val_count, report_count=asked)
    validation = training.dataset(args, "val", args.val_count)
    assert len(validation) == (val_count or len(validation))
    assert len(training._comparison(args, validation, None).data) == reported


def test_options_of_the_library_have_its_defaults(args):
    assert training.training_options(TrainArgs(out=args.out)) == TrainingOptions()
    typed = replace(
        args, zoom="1-2", crop="8x9", schedule="steps", milestones="0.1,1/5", flip=True, lr=0.5
    )
    assert training.training_options(args).flip is False
    assert training.training_options(typed) == TrainingOptions(
        steps=2, batch_size=10, scale=(1.0, 2.0), crop=(8, 9), schedule="steps",
        milestones=(0.1, 0.2), flip=True, lr=0.5,
    )  # fmt: skip


def test_without_tensorboard_it_is_said_once(args, monkeypatch, capsys):
    monkeypatch.setattr(training, "has_tensorboard", lambda: False)
    training.run(args)
    message = capsys.readouterr().err
    assert message.count("tensorboardX is not installed: the log is log.csv only.") == 1
    assert (args.out / "log.csv").exists()
