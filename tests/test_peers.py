"""The comparison with other packages, on a tiny model: what it counts, writes and judges."""

import csv
import importlib
import sys
from pathlib import Path

import pytest
import torch
from oracles import TinyNet, tiny_problem

from art_segplugin.models import Segmenter

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
EPS, STEPS = 4 / 255, 4


@pytest.fixture(scope="module")
def peers():
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("peers")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def problem(peers):
    model, x, labels = tiny_problem(n=3)
    pixels = torch.tensor([50, 20, 20, 10])
    return model, peers.Problem(x, labels, 4, 255, lambda: pixels)


def entry(peers, name):
    found = {one.name: one for one in peers.peer_attacks.entries()}[name]
    if found.missing:
        pytest.skip(found.missing)
    return found


NAMES = (
    "bare loop/PGD", "art-segplugin/PGD", "art-segplugin/SegPGD", "art-segplugin/CosPGD",
    "torchattacks/PGD", "torchattacks/MIFGSM", "ART/PGD", "cospgd/CosPGD", "adv-lib/DAG",
    "adv-lib/PDPGD",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_n_steps_are_n_forward_and_n_backward_passes_an_image(peers, problem, name):
    model, data = problem
    counted = peers.Counted(model)
    peers.attacked(entry(peers, name), counted, data, EPS, STEPS, 0, 2)  # batches of 2 and 1
    assert counted.backwards == STEPS * 3
    assert counted.forwards == STEPS * 3
    assert not any(part.training for part in counted.modules())


def test_sea_counts_three_losses_and_one_more_look_a_stage(peers, problem):
    model, data = problem
    counted = peers.Counted(model)
    answers = entry(peers, "SEA, as published/SEA").run(counted, data, EPS, 10, 0)
    assert len(answers) == 3
    assert counted.backwards == 3 * 10 * 3
    assert counted.forwards == 3 * (10 + 3) * 3
    for answer in answers:
        assert (answer - data.images).abs().max() <= EPS + 1e-6


def test_counting_changes_no_result(peers, problem):
    model, data = problem
    x = data.images.clone().requires_grad_(True)
    counted = peers.Counted(model)
    gradients = [torch.autograd.grad(one(x).square().sum(), x)[0] for one in (model, counted)]
    assert torch.equal(*gradients)
    assert (counted.forwards, counted.backwards, len(counted.times)) == (3, 3, 1)


def test_the_bare_loop_and_the_libraries_pgd_are_one_attack(peers, problem):
    model, data = problem
    names = "bare loop/PGD", "art-segplugin/PGD", "torchattacks/PGD"
    runs = [entry(peers, name).run(peers.Counted(model), data, EPS, STEPS, 7) for name in names]
    for (answer,) in runs[1:]:
        torch.testing.assert_close(answer, runs[0][0], atol=1e-6, rtol=0)


def test_losses_of_sea_are_the_papers(peers):
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 3, 5, dtype=torch.float64), torch.randint(4, (2, 3, 5))
    p = logits.softmax(1)
    e = torch.nn.functional.one_hot(labels, 4).movedim(3, 1).double()
    m = (p + e) / 2
    divergence = (torch.xlogy(p, p / m) + torch.xlogy(e, e / m)).sum(1) / 2
    pixels = torch.tensor([40.0, 20.0, 10.0, 80.0])
    loss = lambda name: peers.peer_attacks.sea_loss(name, pixels, logits, labels, labels >= 0)  # noqa: E731
    torch.testing.assert_close(loss("js"), divergence)
    right = logits.argmax(1) == labels
    ce = -p.log().gather(1, labels[:, None])[:, 0]
    torch.testing.assert_close(loss("mce"), ce * right)
    torch.testing.assert_close(loss("mce-bal"), 10 * ce * right / pixels[labels])


def test_answers_outside_the_radius_are_judged_inside(peers, problem):
    model, data = problem
    (answer,) = entry(peers, "bare loop/PGD").run(model, data, EPS, STEPS, 0)
    far = data.images + 3 * (answer - data.images)
    near = (data.images + (far - data.images).clamp(-EPS, EPS)).clamp(0, 1)
    assert peers.judged(model, [far], data, EPS) == peers.judged(model, [near], data, EPS)
    found = peers.judged(model, [data.images, answer], data, EPS)
    assert found["accuracy"] <= peers.judged(model, [answer], data, EPS)["accuracy"]


def test_all_pixels_wrong_is_success(peers, problem):
    model, data = problem
    wrong = (model(data.images).argmax(1) + 1) % 4
    lost = peers.Problem(data.images, wrong, 4, 255, lambda: None)
    found = peers.judged(model, [data.images], lost, EPS)
    assert (found["ASR"], found["accuracy"], found["mis_ratio"]) == (1, 0, 1)


@pytest.mark.slow
def test_a_run_writes_its_rows_and_goes_on_where_it_stopped(peers, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    torch.manual_seed(0)
    model = Segmenter(TinyNet(11), classes=11, ignore_index=255).eval().requires_grad_(False)
    monkeypatch.setattr(peers, "load_model", lambda name, weights: model)
    size = ["--images", "2", "--scale", "0.1", "--reference", "3", "--no-memory", "--device", "cpu"]
    words = [
        *size,
        "--out",
        str(tmp_path),
        "--only",
        "bare",
        "SegPGD",
        "torchattacks/PGD",
        "--steps",
    ]
    assert peers.main([*words, "2"]) == 0
    with (tmp_path / "peers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = "dataset attack library model threat_model eps steps seed images ASR accuracy miou"
    wanted += " n_forwards n_backwards time ms_per_step peak_memory"
    assert list(rows[0])[:17] == wanted.split()
    assert {row["n_backwards"] for row in rows if row["steps"] == "2"} == {"2"}
    assert [row["attack"] for row in rows if row["steps"] == "3"] == ["SegPGD"]
    assert "Time to equal mIoU" in (tmp_path / "peers.md").read_text()
    assert (tmp_path / "peers.png").stat().st_size > 10_000

    original, ran = peers.measured, []

    def interrupted(one, *given):
        if ran:
            raise KeyboardInterrupt
        ran.append(one.name)
        return original(one, *given)

    monkeypatch.setattr(peers, "measured", interrupted)
    assert peers.main([*words, "2", "4"]) == 130
    assert "goes on" in capsys.readouterr().out
    monkeypatch.setattr(peers, "measured", original)
    assert peers.main([*words, "2", "4"]) == 0
    with (tmp_path / "peers.csv").open(newline="") as file:
        more = list(csv.DictReader(file))
    assert more[: len(rows)] == rows  # nothing was run again
    assert len({peers.key(row) for row in more}) == len(more)
    assert sum(row["steps"] == "4" for row in more) == sum(row["steps"] == "2" for row in more)


def test_bad_input_is_one_sentence(peers, tmp_path, capsys):
    assert peers.main(["--out", str(tmp_path), "--tables"]) == 2
    assert "has no rows" in capsys.readouterr().err
    (tmp_path / "peers.csv").write_text("a,b\n1,2\n")
    assert peers.main(["--out", str(tmp_path), "--tables"]) == 2
    assert "other columns" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        peers.main(["--eps", "4"])
