import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from art_segplugin.distributed import ONE_PROCESS, ManyProcesses, OneProcess, processes
from art_segplugin.errors import InputError

TESTS = Path(__file__).parent
SCRIPT = TESTS / "distributed_run.py"
NAMES = ("pgd-at", "pgd-at half", "trades", "free-at")
TOLERANCE = 1e-5


def start(*command):
    """Output of a Python command that sees no graphics card."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """What one process found with the whole batch."""
    folder = tmp_path_factory.mktemp("one")
    printed = json.loads(start(SCRIPT, folder).splitlines()[-1])
    return torch.load(folder / "0.pt", weights_only=True) | {"printed": printed}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes found with half of it."""
    pytest.importorskip("accelerate")
    folder = tmp_path_factory.mktemp("two")
    port = f"--master-port={free_port()}"
    start("-m", "torch.distributed.run", "--nproc-per-node=2", port, SCRIPT, folder)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_as_one_does(one, two, name):
    for found in two:
        assert found[name]["losses"] == pytest.approx(one[name]["losses"], rel=TOLERANCE)
        for key, weight in one[name]["weights"].items():
            difference = (found[name]["weights"][key] - weight).norm() / weight.norm()
            assert difference < TOLERANCE, key
    assert len(one[name]["losses"]) == 20
    assert one[name]["losses"][-1] < 0.8 * one[name]["losses"][0]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_validation_scores_are_equal(one, two, name):
    """Three images are shared by two processes, and none counts twice."""
    assert two[0][name]["scores"] == two[1][name]["scores"]
    for found, expected in zip(two[0][name]["scores"], one[name]["scores"], strict=True):
        assert list(found) == ["miou", "robust_miou"]
        assert found == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.slow
def test_both_processes_have_the_same_weights(two):
    for name in NAMES:
        first, second = (found[name]["weights"] for found in two)
        assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.slow
def test_sum_and_gather(two):
    for rank, found in enumerate(two):
        exchanged = found["exchange"]
        assert exchanged["sum"].tolist() == [1, 20]
        assert exchanged["sum"].dtype == torch.int64
        assert exchanged["scalar"].shape == ()
        assert exchanged["scalar"] == 2
        assert exchanged["original"].tolist() == [rank, 10]  # as it was
        assert exchanged["gather"].tolist() == [[0, 0], [7, 7], [1, 1], [7, 7]]


@pytest.mark.slow
def test_shares_hold_everything_once(two):
    assert [found["exchange"]["shares"] for found in two] == [[0, 2, 4], [1, 3]]


@pytest.mark.slow
def test_gradients_are_added_where_there_are_any(two):
    """Weights, then biases of: a layer that both used, batch norm, one of the second's, nobody's."""
    for found in two:
        gradients = found["exchange"]["gradients"]
        assert gradients == [3, 30, None, None, 1, 1, None, None]


@pytest.mark.slow
def test_statistics_are_averaged_and_constants_are_not(two):
    for rank, found in enumerate(two):
        mean, tracked, constant, precise = found["exchange"]["statistics"]
        assert mean.tolist() == [0.5, 0.5]
        assert tracked == rank
        assert constant == 1 + rank
        assert precise == 1.5


@pytest.mark.slow
def test_training_begins_with_the_weights_of_the_first(two):
    for found in two:
        assert {tensor.dtype for tensor in found["begin"]} == {torch.float32, torch.int64}
        assert all((tensor == 3).all() for tensor in found["begin"])


@pytest.mark.slow
def test_a_run_left_and_resumed_is_the_unbroken_one(two):
    """Bit for bit, with batch norm and the perturbations that FreeAT carries."""
    for found in two:
        runs = found["broken"]
        assert runs["numbers"] == [15, 16, 17, 18, 19, 20]
        for key, value in runs["whole"].items():
            assert torch.equal(runs["resumed"][key], value), key
            assert torch.equal(runs["often"][key], value), key


@pytest.mark.slow
def test_patience_ends_both(two):
    assert [found["early stop"] for found in two] == [4, 4]


@pytest.mark.slow
def test_one_process_does_without_accelerate(one):
    assert one["printed"] == {"rank": 0, "world": 1, "accelerate": False}


def test_imports_need_no_accelerate():
    code = (
        "import sys, art_segplugin, art_segplugin.training, art_segplugin.distributed as d;"
        "assert d.processes() is d.ONE_PROCESS; print('accelerate' in sys.modules)"
    )
    assert start("-c", code) == "False\n"


def test_without_accelerate_several_processes_are_refused(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(InputError, match=r"need accelerate: pip install art-segplugin\[train\]"):
        processes()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert processes() is ONE_PROCESS


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"WORLD_SIZE": "abc"},
            "WORLD_SIZE is 'abc' and no number: start several .* torchrun --nproc",
        ),
        (
            {"WORLD_SIZE": "2"},
            "WORLD_SIZE is '2' without RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT:",
        ),
        (
            {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_PORT": "1"},
            "'2' without MASTER_ADDR: start",
        ),
    ],
)
def test_an_environment_that_is_not_torchruns_is_refused(monkeypatch, variables, words):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=words):
        processes()


def test_one_process_exchanges_nothing():
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    net(torch.rand(4, 2)).sum().backward()
    before = [p.grad.clone() for p in net.parameters()], [b.clone() for b in net.buffers()]
    world, values = OneProcess(), torch.arange(3)
    world.sum_gradients(net)
    world.average_statistics(net)
    world.copy_from_first(net)
    world.wait()
    assert world.sum(values) is values
    assert world.gather(values) is values
    assert list(world.share(3)) == [0, 1, 2]
    assert all(map(torch.equal, before[0], [p.grad for p in net.parameters()]))
    assert all(map(torch.equal, before[1], net.buffers()))


@pytest.mark.parametrize("world", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 6, 10])
def test_every_thing_belongs_to_one_process(world, count):
    shares = []
    for rank in range(world):
        one = object.__new__(ManyProcesses)
        one.rank, one.world = rank, world
        shares += one.share(count)
    assert sorted(shares) == list(range(count))
