import json
from dataclasses import replace

import pytest
import torch
from training.toy import INFO, Toy, options

from art_segplugin.errors import InputError
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.state import Progress, describe_run, load_state, save_state


def _describe(training=None, objective="cross-entropy", info=INFO, **changes):
    caches = [SampleCache(data, 2**20) for data in (training or Toy(), Toy(2, seed=1))]
    return describe_run(options(**changes), objective, info, *caches)


def _model():
    model = torch.nn.Conv2d(3, 2, 1)
    return model, torch.optim.AdamW(model.parameters())


@pytest.fixture
def saved(tmp_path):
    model, optimiser = _model()
    model(torch.rand(1, 3, 2, 2)).sum().backward()
    optimiser.step()
    save_state(tmp_path / "last.pt", _describe(), Progress(7, (0.25,)), model, optimiser)
    return tmp_path / "last.pt", model, optimiser


def test_round_trip(saved):
    path, model, optimiser = saved
    fresh, fresh_optimiser = _model()
    assert load_state(path, _describe(), fresh, fresh_optimiser) == Progress(7, (0.25,))
    assert torch.equal(fresh.weight, model.weight)
    states = [o.state_dict()["state"][0]["exp_avg"] for o in (optimiser, fresh_optimiser)]
    assert torch.equal(*states)


def test_speed_options_may_change(saved):
    path, *_ = saved
    load_state(path, _describe(workers=0, save_every=1, cache_bytes=0), *_model())


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
        ({"objective": "trades"}, "objective 'cross-entropy', not 'trades'"),
        ({"training": Toy(7)}, "training data '6 samples of toy .*not '7 samples"),
        ({"training": Toy(seed=5)}, "training data '6 samples of toy"),
    ],
)
def test_refuses_another_run(saved, changes, message):
    path, *_ = saved
    with pytest.raises(InputError, match=message):
        load_state(path, _describe(**changes), *_model())


def test_refuses_another_model(saved):
    path, *_ = saved
    other = torch.nn.Conv2d(3, 5, 1)
    with pytest.raises(InputError, match="weights of another model"):
        load_state(path, _describe(), other, torch.optim.AdamW(other.parameters()))


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
    ],
)
def test_refuses_foreign_content(saved, change):
    path, *_ = saved
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(InputError, match=r"cannot be read|another model"):
        load_state(path, _describe(), *_model())


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("the pickle was run",)


@pytest.mark.parametrize("broken", ["cut", "empty", "other", "list", "run alone", "bomb"])
def test_refuses_a_broken_file_without_running_it(saved, broken):
    path, *_ = saved
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
        load_state(path, _describe(), *_model())


def test_a_full_disk_keeps_the_old_state(saved):
    resource = pytest.importorskip("resource")
    path, model, optimiser = saved
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write all of .*last.pt"):
            save_state(path, _describe(), Progress(8, None), model, optimiser)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
