"""Results depend on the image and the seed: on no batch, no order, no share of a process."""

import json
from dataclasses import replace

import pytest
import torch
from evaluation.test_runner import Toy
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.errors import InputError
from art_segplugin.evaluation import Regions, ResultStore, attack_counts, evaluate, summarise
from art_segplugin.evaluation.pipeline import clean_images, unperturbed
from art_segplugin.models import Segmenter

ATTACKS = [
    named("segpgd-3", eps=0.1, step_size=0.05, restarts=2),
    named("apgd-4", eps=0.5, norm="L2"),
    named("temperature-sweep-2", eps=0.1, temperatures=(0.5, 2.0)),
]
SIZES = [(10, 12)] * 6 + [(14, 12)]


def exact(images, labels):
    """In float64 the sums of a batch and of an image agree."""
    return images.double(), labels


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).double().eval()


def found(results):
    return [replace(one, seconds=0.0, loss_share_curve=[]) for one in summarise(results)]


@pytest.mark.parametrize("labelled", [True, False])
def test_batch_sizes_give_the_same_counts(model, labelled):
    data = Toy(SIZES, labelled)
    runs = [
        found(evaluate(model, data, ATTACKS, seeds=(0, 5), batch_size=size, chain=exact))
        for size in (1, 3, 7)
    ]
    assert len(runs[0]) == 1 + 2 * len(ATTACKS)
    for run in runs[1:]:
        for one, other in zip(runs[0], run, strict=True):
            assert one.largest_distance == pytest.approx(other.largest_distance)
            assert replace(one, largest_distance=0.0) == replace(other, largest_distance=0.0)
    assert runs[0][1].counts != runs[0][1 + len(ATTACKS)].counts  # another seed, another start


def test_the_shares_of_two_processes_add_up(model):
    data = Toy(SIZES)
    options = {"batch_size": 3, "regions": Regions(background=(0,)), "chain": exact}
    whole = list(evaluate(model, data, ATTACKS, **options))
    shares = [
        result
        for rank in (1, 0)
        for result in evaluate(model, data, ATTACKS, share=range(rank, 7, 2), **options)
    ]
    for one, other in zip(found(whole), found(shares), strict=True):
        assert replace(one, largest_distance=0.0) == replace(other, largest_distance=0.0)
        assert [image.name for image in other.images] == [f"image-{i}" for i in range(7)]
    for one, other in zip(attack_counts(whole), attack_counts(shares), strict=True):
        assert one.counts.to_json() == other.counts.to_json()


def test_a_run_is_resumed_with_another_batch_size(model, tmp_path):
    data = Toy(SIZES)
    whole = found(evaluate(model, data, ATTACKS, batch_size=2, chain=exact))
    store = ResultStore(tmp_path / "s", {})
    run = evaluate(model, data, ATTACKS, batch_size=3, store=store, chain=exact)
    for _ in range(6):
        next(run)
    run.close()
    lines = (tmp_path / "s").read_text().splitlines()
    assert len(lines) == 1 + 3 * 6
    assert all(len(json.loads(line)["images"]) == 1 for line in lines[1:])
    store = ResultStore(tmp_path / "s", {})
    again = found(evaluate(model, data, ATTACKS, batch_size=2, store=store, chain=exact))
    for one, other in zip(whole, again, strict=True):
        assert replace(one, largest_distance=0.0) == replace(other, largest_distance=0.0)
    assert len((tmp_path / "s").read_text().splitlines()) == 1 + 7 * (1 + len(ATTACKS))


def test_the_size_of_batches_of_an_earlier_version_is_no_setting(tmp_path):
    ResultStore(tmp_path / "s", {"model": "a", "batch_size": 4})
    ResultStore(tmp_path / "s", {"model": "a"})
    with pytest.raises(InputError, match="another batch_size"):
        ResultStore(tmp_path / "s", {"model": "a", "batch_size": 2})


def test_without_perturbations_the_images_are_the_same_tensors(model):
    sample = Toy(SIZES)[0]
    images, labels = exact(sample.image[None], sample.labels[None])
    clean = clean_images(model, images, labels)
    assert clean.x is images
    assert clean.labels is labels
    assert unperturbed(images, None) == (images, None)


class Mirrored(Toy):
    def __getitem__(self, i):
        sample = super().__getitem__(i)
        return replace(sample, image=sample.image.flip(-1), labels=sample.labels.flip(-1))


def test_a_perturbation_changes_images_and_labels_before_the_attack(model):
    def mirrored(images, labels):
        return images.double().flip(-1), labels.flip(-1)

    by_chain = found(evaluate(model, Toy(SIZES), ATTACKS, chain=mirrored))
    assert by_chain == found(evaluate(model, Mirrored(SIZES), ATTACKS, chain=exact))
    assert by_chain != found(evaluate(model, Toy(SIZES), ATTACKS, chain=exact))
