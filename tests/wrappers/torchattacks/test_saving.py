import os
import pickle
import re
from pathlib import Path

import pytest
import torch
import torchattacks
from oracles import tiny_problem

from art_segplugin.errors import InputError
from art_segplugin.metrics import ConfusionMatrix, mean_iou, pixel_accuracy
from art_segplugin.wrappers.torchattacks import SegMultiAttack, SegPGD


@pytest.fixture
def problem():
    """An attack and a loader of three batches, the last one smaller."""
    model, x, labels = tiny_problem(n=5)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, labels), batch_size=2)
    return SegPGD(model, steps=2, random_start=False), loader, x, labels


def test_scores_are_those_of_the_valid_pixels(problem):
    attack, loader, x, labels = problem
    adv_images = attack(x, labels)
    matrix = ConfusionMatrix(4)
    matrix.update(attack.model(adv_images).argmax(1), labels)
    scores = attack.save(loader, verbose=False, return_verbose=True)
    assert scores.rob_acc == pytest.approx(100 * pixel_accuracy(matrix.counts))
    assert scores.miou == pytest.approx(100 * mean_iou(matrix.counts))
    assert scores.l2 == pytest.approx((adv_images - x).flatten(1).norm(dim=1).mean().item())
    assert scores.elapsed_time > 0


@pytest.mark.parametrize("save_type", ["float", "int"])
@pytest.mark.parametrize("normalised", [False, True])
def test_saved_and_loaded(problem, tmp_path, save_type, normalised):
    attack, loader, x, labels = problem
    images = x
    if normalised:
        attack.set_normalization_used([0.5] * 3, [0.2] * 3)
        images = attack.normalize(x)
        loader = [(attack.normalize(x), labels)]
    path = tmp_path / "adv.pt"
    scores = attack.save(
        loader,
        path,
        return_verbose=True,
        save_predictions=True,
        save_clean_inputs=True,
        save_type=save_type,
    )
    options = {"load_predictions": True, "load_clean_inputs": True, "batch_size": 5}
    ((adv_images, saved_labels, predictions, clean),) = SegPGD.load(path, **options)
    assert adv_images.dtype == torch.float32
    assert torch.equal(saved_labels, labels)
    rounding = 0.5 / 255 if save_type == "int" else 0
    expected = attack(images, labels)
    if normalised:
        expected = attack.inverse_normalize(expected)
    torch.testing.assert_close(adv_images, expected, rtol=0, atol=rounding + 1e-6)
    torch.testing.assert_close(clean, x, rtol=0, atol=rounding + 1e-6)
    # What is scored is what is written, rounding included.
    given = attack.normalize(adv_images) if normalised else adv_images
    assert torch.equal(attack.model(given).argmax(1), predictions)
    right = (predictions == labels)[labels != 255].double().mean().item()
    assert scores.rob_acc == pytest.approx(100 * right)


def test_torchattacks_reads_our_file_and_we_read_theirs(problem, tmp_path):
    attack, loader, _, labels = problem
    attack.save(loader, tmp_path / "ours.pt", verbose=False)
    (theirs,) = torchattacks.PGD.load(tmp_path / "ours.pt")
    (ours,) = SegPGD.load(tmp_path / "ours.pt")
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], labels)
    plain = torchattacks.VANILA(torch.nn.Flatten())
    images, classes = torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 2])
    plain.save([(images, classes)], tmp_path / "theirs.pt", verbose=False)
    ((loaded, loaded_classes),) = SegPGD.load(tmp_path / "theirs.pt")
    assert torch.equal(loaded, images)
    assert torch.equal(loaded_classes, classes)


def test_load_in_batches_and_normalised(problem, tmp_path):
    attack, loader, _, _ = problem
    attack.save(loader, tmp_path / "adv.pt", verbose=False)
    mean, std = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]
    raw = torch.cat([images for images, _ in SegPGD.load(tmp_path / "adv.pt", batch_size=2)])
    ((normalised, _),) = SegPGD.load(tmp_path / "adv.pt", normalize={"mean": mean, "std": std})
    attack.set_normalization_used(mean, std)
    assert torch.equal(normalised, attack.normalize(raw))


def test_verbose_prints_one_line_that_grows(problem, capsys):
    attack, loader, _, _ = problem
    scores = attack.save(loader, return_verbose=True)
    lines = capsys.readouterr().out.split("\r")
    assert [line[:9] for line in lines] == ["- Batch 1", "- Batch 2", "- Batch 3", "- Batch 3"]
    assert f"Pixel accuracy: {scores.rob_acc:.2f} % / mIoU: {scores.miou:.2f} %" in lines[-1]
    assert attack.save(loader, verbose=False) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"save_type": "uint8"}, "save_type is 'uint8'"),
        ({"data_loader": []}, "gave no batch"),
        ({"save_path": f"{__file__}/adv.pt"}, f"cannot write {re.escape(__file__)}/adv.pt"),
    ],
)
def test_bad_arguments_are_named(problem, arguments, words):
    attack, loader, _, _ = problem
    with pytest.raises(InputError, match=words):
        attack.save(**{"data_loader": loader, "verbose": False, **arguments})


def test_full_disk_leaves_the_old_file(problem, tmp_path):
    resource = pytest.importorskip("resource")
    attack, loader, _, _ = problem
    path = tmp_path / "adv.pt"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(InputError, match="is the disk full"):
            attack.save(loader, path, verbose=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["adv.pt"]


class Harmful:
    def __reduce__(self):
        return Path.touch, (Path("harmed"),)


def saved_bytes(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    return (tmp_path / "other.pt").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda folder: pickle.dumps(Harmful(), protocol=2), "holds more than tensors"),
        (lambda folder: saved_bytes(folder, {"adv_inputs": Harmful()}), "holds more than tensors"),
        (lambda folder: saved_bytes(folder, [1, 2]), "holds no 'adv_inputs'"),
        (lambda folder: saved_bytes(folder, {"adv_inputs": torch.ones(1)}), "holds no 'labels'"),
        (lambda folder: saved_bytes(folder, torch.ones(9))[:300], "is broken"),
        (lambda folder: b"", "is broken"),
    ],
)
def test_load_never_runs_code_and_names_what_is_wrong(tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "adv.pt"
    path.write_bytes(content(tmp_path))
    with pytest.raises(InputError, match=words) as caught:
        SegPGD.load(path)
    assert "\n" not in str(caught.value)
    assert not Path("harmed").exists()


def test_what_was_not_saved_cannot_be_loaded(problem, tmp_path):
    attack, loader, _, _ = problem
    attack.save(loader, tmp_path / "adv.pt", verbose=False)
    with pytest.raises(InputError, match=r"holds no 'preds'; .* save_predictions=True"):
        SegPGD.load(tmp_path / "adv.pt", load_predictions=True)
    with pytest.raises(InputError, match="No such file"):
        SegPGD.load(tmp_path / "none.pt")


@pytest.mark.gpu
def test_a_loader_on_the_cpu_and_a_model_on_cuda(problem, tmp_path):
    attack, loader, _, labels = problem
    attack.model.cuda()
    both = SegMultiAttack([attack, SegPGD(attack.model, steps=1)])
    scores = both.save(loader, tmp_path / "adv.pt", return_verbose=True, save_predictions=True)
    ((images, _, predictions),) = SegPGD.load(tmp_path / "adv.pt", load_predictions=True)
    assert images.device.type == "cpu"
    right = (predictions == labels)[labels != 255].double().mean().item()
    assert scores.rob_acc == pytest.approx(100 * right)
