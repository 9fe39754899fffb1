"""Counting by class while a data set is attacked: what a diagnosis is made from."""

import json
from dataclasses import replace

import pytest
import torch
from evaluation.test_runner import ATTACKS, PALETTE, Toy
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.evaluation import (
    ModelCounts,
    Regions,
    ResultStore,
    attack_counts,
    diagnose,
    evaluate,
    examples,
)
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.models import Classifier, Segmenter

REGIONS = Regions(background=(0,), small_objects=0.05)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


def report_of(results):
    counts = attack_counts(results)
    return to_plain(diagnose([ModelCounts("net", counts)], PALETTE, "toy", samples=20))


def test_counts_are_those_of_the_logits_of_the_adversarial_images(model):
    data = Toy([(10, 12)] * 3 + [(14, 12)])
    results = list(evaluate(model, data, ATTACKS, batch_size=8, regions=REGIONS))
    for result in results:
        assert torch.equal(result.class_counts.confusion, torch.tensor(result.counts))
    fgsm = [result for result in results if result.attack == "fgsm"]
    images = torch.stack([data[i].image for i in range(3)])
    labels = torch.stack([data[i].labels for i in range(3)])
    x_adv = ATTACKS[0].build()(model, images, labels)
    expected = ClassCounts.of(model(x_adv), labels, 255, REGIONS.masks(labels))
    assert fgsm[0].class_counts.to_json() == expected.to_json()
    assert set(expected.regions) == {
        "boundary", "interior", "small objects", "large objects", "foreground",
    }  # fmt: skip
    total = attack_counts(results)[1].counts
    assert len(total.images) == 4
    assert total.confusion.sum() == 3 * 9 * 12 + 13 * 12


def test_counting_costs_no_forward(model):
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    data = Toy([(10, 12)] * 2)
    list(evaluate(model, data, ATTACKS, regions=REGIONS))
    counted = len(calls)
    calls.clear()
    list(evaluate(model, data, ATTACKS))
    assert counted == len(calls) > 0


def test_without_regions_nothing_changes(model, tmp_path):
    store = ResultStore(tmp_path / "b.jsonl", {})
    results = list(evaluate(model, Toy([(10, 12)]), ATTACKS, store=store))
    assert all(result.class_counts is None for result in results)
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert all("class_counts" not in line for line in lines)
    with pytest.raises(InputError, match="clean was not counted by class"):
        attack_counts(results)


def test_a_store_without_counts_is_read_and_completed(model, tmp_path):
    data, path = Toy([(10, 12)] * 2), tmp_path / "b.jsonl"
    plain = list(evaluate(model, data, ATTACKS, store=ResultStore(path, {})))
    again = list(evaluate(model, data, ATTACKS, store=ResultStore(path, {}), regions=REGIONS))
    assert [r.counts for r in again] == [r.counts for r in plain]
    assert all(result.class_counts is not None for result in again)
    lines = path.read_text()
    third = list(evaluate(model, data, ATTACKS, store=ResultStore(path, {}), regions=REGIONS))
    assert path.read_text() == lines
    assert report_of(third) == report_of(again)


@pytest.mark.parametrize("done", [1, 4, 8])
def test_a_diagnosis_goes_on_where_it_was_stopped(model, tmp_path, done):
    data = Toy([(10, 12)] * 4)
    attacks = [*ATTACKS, named("temperature-sweep-2", temperatures=(0.5, 2.0))]
    options = {"batch_size": 1, "regions": REGIONS}
    whole = report_of(evaluate(model, data, attacks, **options))
    run = evaluate(model, data, attacks, store=ResultStore(tmp_path / "b", {}), **options)
    for _ in range(done):
        next(run)
    run.close()
    store = ResultStore(tmp_path / "b", {})
    assert report_of(evaluate(model, data, attacks, store=store, **options)) == whole


def test_the_clean_pass_is_found_by_the_same_store(model, tmp_path):
    data, store = Toy([(10, 12)] * 2), ResultStore(tmp_path / "b", {})
    list(evaluate(model, data, (), store=store, regions=REGIONS))
    before = (tmp_path / "b").read_text()
    results = list(evaluate(model, data, ATTACKS, store=store, regions=REGIONS))
    after = (tmp_path / "b").read_text()
    assert after.startswith(before)
    assert after.count('"attack": "clean"') == len(data)
    assert len(results) == 3


def test_an_image_without_labels_is_named(model):
    with pytest.raises(InputError, match=r"'image-0' has no labels; .* give all images some"):
        list(evaluate(model, Toy([(10, 12)], labelled=False), ATTACKS, regions=REGIONS))


class Whole:
    """Six images with a class each."""

    palette = PALETTE

    def __len__(self):
        return 6

    def __getitem__(self, index):
        image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(index))
        return Sample(f"image-{index}", image, torch.tensor([[index % 4]]))


class Pooled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = TinyNet(4)

    def forward(self, images):
        return self.net(images).mean((2, 3))


def test_classifiers_are_counted_by_image():
    torch.manual_seed(0)
    model = Classifier(Pooled(), classes=4).eval()
    data = Whole()
    results = list(evaluate(model, data, ATTACKS, batch_size=4, pictures=2, regions=REGIONS))
    clean, fgsm, _ = attack_counts(results)
    assert clean.counts.totals[1].tolist() == [2, 2, 1, 1]
    assert clean.counts.regions == {}
    images = torch.stack([data[i].image for i in range(6)])
    labels = torch.tensor([i % 4 for i in range(6)]).view(6, 1, 1)
    x_adv = ATTACKS[0].build()(model, images, labels)
    hits = model(x_adv).argmax(1) == labels
    assert fgsm.counts.totals[0].sum() == hits.sum()
    (first, second) = examples(results)
    assert first.truth.shape == first.clean.shape == (8, 8)
    assert (second.truth == 1).all()
    assert second.attacked["fgsm"][1].shape == (8, 8)


def test_pictures_of_several_temperatures_have_different_names(model):
    attacks = [named("temperature-pgd-1", temperature=t) for t in (0.1, 2.0)]
    (shown,) = examples(list(evaluate(model, Toy([(10, 12)]), attacks, pictures=1)))
    assert set(shown.attacked) == {
        "temperature-pgd-1 temperature 0.1",
        "temperature-pgd-1 temperature 2",
    }


def test_options_are_the_same_from_the_attack_and_from_a_file(model):
    results = list(evaluate(model, Toy([(10, 12)] * 2), ATTACKS, batch_size=1, regions=REGIONS))
    listed = [
        replace(r, options=json.loads(json.dumps(r.options))) if r.first else r for r in results
    ]
    assert len(attack_counts(listed)) == len(ATTACKS) + 1


def test_one_seed_an_attack(model):
    results = list(evaluate(model, Toy([(10, 12)]), ATTACKS, seeds=(0, 3), regions=REGIONS))
    with pytest.raises(InputError, match="fgsm was run with the seeds 0 and 3; a diagnosis takes"):
        attack_counts(results)


def test_batches_are_added_in_the_order_of_the_data(model):
    results = list(evaluate(model, Toy([(10, 12)] * 3), ATTACKS, batch_size=1, regions=REGIONS))
    forward, backward = attack_counts(results), attack_counts(results[::-1])
    for one in forward:
        (same,) = (found for found in backward if found.attack == one.attack)
        assert same.counts.to_json() == one.counts.to_json()


def test_a_store_holds_no_table_twice(model, tmp_path):
    data, path = Toy([(10, 12)]), tmp_path / "b.jsonl"
    fresh = list(evaluate(model, data, ATTACKS, store=ResultStore(path, {}), regions=REGIONS))
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert lines
    assert all("counts" not in line for line in lines)
    found = list(evaluate(model, data, ATTACKS, store=ResultStore(path, {}), regions=REGIONS))
    assert [result.counts for result in found] == [result.counts for result in fresh]


@pytest.mark.gpu
def test_counts_of_another_device_join_those_of_a_file(model, tmp_path):
    data, path = Toy([(10, 12)] * 2), tmp_path / "b"
    model = model.cuda()
    run = evaluate(model, data, (), batch_size=1, store=ResultStore(path, {}), regions=REGIONS)
    next(run)
    run.close()
    store = ResultStore(path, {})
    found = list(evaluate(model, data, (), batch_size=1, store=store, regions=REGIONS))
    assert all(result.class_counts.confusion.device.type == "cpu" for result in found)
    assert len(attack_counts(found)[0].counts.images) == 2
