import json
from dataclasses import replace

import pytest
import torch
from training.toy import INFO, Toy, batch, options, plain_model, same_state

from art_segplugin.attacks import named
from art_segplugin.distributed import ONE_PROCESS
from art_segplugin.errors import InputError
from art_segplugin.heads import to_hypersphere
from art_segplugin.models import Segmenter
from art_segplugin.training import FreeAdversarialTraining, WeightedCrossEntropy
from art_segplugin.training.batches import SampleCache
from art_segplugin.training.optimisation import Optimisation
from art_segplugin.training.trainer import Progress, describe_run, load_state, save_state

WITHSTAND = named("pgd-2", eps=0.03)


def _sphere(scale):
    return to_hypersphere(torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1)), 3, scale)


def _describe(
    training=None,
    objective="cross-entropy",
    withstand=None,
    world=1,
    info=INFO,
    model=None,
    **changes,
):
    caches = [SampleCache(data, 2**20) for data in (training or Toy(), Toy(2, seed=1))]
    model = model or torch.nn.Conv2d(3, 3, 1)
    return describe_run(options(**changes), objective, withstand, world, model, info, *caches)


def _optimisation(model=None):
    objective = FreeAdversarialTraining(named("pgd-1"), WeightedCrossEntropy())
    chosen = options(ema=0.5, precision="float16", batch_size=4)
    return Optimisation(model or plain_model(torch.float32), objective, chosen, ONE_PROCESS)


class _Changed(Toy):
    """One in the middle is another."""

    def __getitem__(self, index):
        return super().__getitem__(5 if index == 3 else index)


@pytest.fixture
def saved(tmp_path):
    optimisation = _optimisation()
    images = batch(dtype=torch.float32)
    for step in range(2):
        optimisation.step((images.images, images.labels), range(4), step)
    progress = Progress(7, (0.25, 0.5), 2)
    save_state(tmp_path / "last.pt", _describe(), progress, optimisation.state())
    return tmp_path / "last.pt", optimisation


def test_round_trip(saved):
    path, optimisation = saved
    fresh = _optimisation()
    assert load_state(path, _describe(), fresh) == Progress(7, (0.25, 0.5), 2)
    states = [one.state() for one in (optimisation, fresh)]
    assert same_state(*states)
    assert list(states[0]) == ["model", "optimiser", "scaler", "average", "objective"]
    assert all(states[0].values())
    assert not same_state(states[0], _optimisation().state())


def test_speed_options_may_change(saved):
    path, _ = saved
    changes = {"workers": 0, "save_every": 1, "cache_bytes": 0, "patience": 3}
    assert load_state(path, _describe(**changes), _optimisation()).step == 7


def test_the_last_score_chooses_and_the_first_breaks_ties():
    progress = Progress().judged({"miou": 0.5, "robust_miou": 0.2})
    assert progress == Progress(0, (0.2, 0.5), 0)
    progress = progress.judged({"miou": 0.9, "robust_miou": 0.1})
    assert progress == Progress(0, (0.2, 0.5), 1)
    progress = progress.judged({"miou": 0.5, "robust_miou": 0.2})
    assert progress == Progress(0, (0.2, 0.5), 2)
    assert progress.out_of_patience(2)
    assert not progress.out_of_patience(3)
    assert not progress.out_of_patience(0)
    assert progress.judged({"miou": 0.6, "robust_miou": 0.2}) == Progress(0, (0.2, 0.6), 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 0.5}, "holds a run with lr 0.02, not 0.5: resume it with its own options"),
        ({"crop": (8, 8)}, r"crop None, not \[8, 8\]"),
        (
            {"info": replace(INFO, mean=(0.5,) * 3)},
            r"mean \[0.0, 0.0, 0.0\], not \[0.5, 0.5, 0.5\]",
        ),
        ({"info": replace(INFO, bgr=True)}, "bgr False, not True"),
        ({"info": replace(INFO, architecture="small")}, "architecture 'toy', not 'small'"),
        (
            {"info": replace(INFO, options={"stem_stride": 1})},
            "architecture options {}, not {'stem_stride': 1}",
        ),
        ({"model": _sphere(10.0)}, r"hypersphere None, not \['0', 10.0\]"),
        (
            {"lr": 0.5, "seed": 1, "objective": "trades"},
            "run with lr 0.02, not 0.5; seed 0, not 1; objective 'cross-entropy', not 'trades': res",
        ),
        ({"objective": "trades"}, "objective 'cross-entropy', not 'trades'"),
        ({"withstand": WITHSTAND}, "withstand None, not .'pgd-2'"),
        ({"world": 2}, "processes 1, not 2"),
        ({"ema": 0.9}, "ema 0.0, not 0.9"),
        ({"milestones": (0.1,)}, r"milestones \[0.5, 0.75\], not \[0.1\]"),
        ({"training": Toy(7)}, "training data '6 samples of toy .*not '7 samples"),
        ({"training": Toy(seed=5)}, "training data '6 samples of toy"),
        ({"training": _Changed()}, "training data '6 samples of toy"),
    ],
)
def test_refuses_another_run(saved, changes, message):
    path, _ = saved
    with pytest.raises(InputError, match=message):
        load_state(path, _describe(**changes), _optimisation())


def test_equal_networks_of_another_scale_are_told_apart():
    assert _describe(model=_sphere(10.0)) == _describe(model=_sphere(10.0))
    assert _describe(model=_sphere(10.0)) != _describe(model=_sphere(15.0))


def test_options_that_json_changes_resume(saved):
    path, optimisation = saved
    run = _describe(info=replace(INFO, options={"widths": (1, 2)}))
    save_state(path, run, Progress(7), optimisation.state())
    again = _describe(info=replace(INFO, options={"widths": (1, 2)}))
    assert load_state(path, again, _optimisation()).step == 7


def test_long_values_are_shown_where_they_differ(saved):
    path, optimisation = saved
    words = "adversarial training " + "x" * 200
    save_state(path, _describe(objective=f"{words} eps 1 {words}"), Progress(), {})
    with pytest.raises(InputError) as caught:
        load_state(path, _describe(objective=f"{words} eps 2 {words}"), optimisation)
    message = str(caught.value).partition("holds a run with ")[2]
    assert "x eps 1 adv" in message
    assert "x eps 2 adv" in message
    assert len(message) < 250


def test_refuses_another_model(saved):
    path, _ = saved
    other = Segmenter(torch.nn.Conv2d(3, 3, 1), classes=3)
    with pytest.raises(InputError, match="weights of another model"):
        load_state(path, _describe(), _optimisation(other))


@pytest.mark.parametrize(
    "change",
    [
        {"run": 3},
        {"run": "[1]"},
        {"step": None},
        {"model": [1]},
        {"model": {"weight": 1}},
        {"optimiser": {}},
        {"optimiser": {"state": {}, "param_groups": []}},
        {"waited": None},
        {"scaler": {"_growth_tracker": 1}},
        {"average": None},
        {"objective": [1]},
    ],
)
def test_refuses_foreign_content(saved, change):
    path, _ = saved
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(InputError, match=r"cannot be read|another model"):
        load_state(path, _describe(), _optimisation())


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("the pickle was run",)


@pytest.mark.parametrize("broken", ["cut", "empty", "other", "list", "run alone", "bomb"])
def test_refuses_a_broken_file_without_running_it(saved, broken):
    path, _ = saved
    if broken == "cut":
        path.write_bytes(path.read_bytes()[:-300])
    elif broken == "empty":
        path.write_bytes(b"")
    else:
        content = {
            "other": {"x": 1},
            "list": [1],
            "run alone": {"run": json.dumps(_describe())},
            "bomb": {"run": _Bomb()},
        }
        torch.save(content[broken], path)
    with pytest.raises(InputError, match=r"last.pt cannot be read: delete it"):
        load_state(path, _describe(), _optimisation())


def test_a_full_disk_keeps_the_old_state(saved):
    resource = pytest.importorskip("resource")
    path, optimisation = saved
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write all of .*last.pt"):
            save_state(path, _describe(), Progress(8), optimisation.state())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
