import json
from dataclasses import replace

import pytest
import torch
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.evaluation import ResultStore, RobustnessReport, evaluate, examples, summarise
from art_segplugin.evaluation.pipeline import AttackPlan, clean_images
from art_segplugin.metrics import count
from art_segplugin.models import Segmenter

PALETTE = Palette("toy", ("a", "b", "c", "d"), ((0, 0, 0), (9, 9, 9), (99, 0, 0), (0, 99, 0)))


class Toy:
    palette = PALETTE

    def __init__(self, sizes, labelled=True):
        self.sizes, self.labelled = sizes, labelled

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        image = torch.rand(3, *self.sizes[i], generator=generator)
        labels = torch.randint(0, 4, self.sizes[i], generator=generator)
        labels[0] = 255
        return Sample(f"image-{i}", image, labels if self.labelled else None)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


ATTACKS = [named("fgsm", eps=0.1), named("segpgd-3", eps=0.1, step_size=0.05)]


def test_counts_are_those_of_attacking_by_hand(model):
    data = Toy([(10, 12)] * 3 + [(14, 12)])  # the size changes: two batches
    results = summarise(evaluate(model, data, ATTACKS, seeds=(0, 1), batch_size=8))
    assert [(r.attack, r.seed) for r in results] == [
        ("clean", 0), ("fgsm", 0), ("segpgd-3", 0), ("fgsm", 1), ("segpgd-3", 1),
    ]  # fmt: skip
    expected = {0: torch.zeros(4, 4).long(), 1: torch.zeros(4, 4).long()}
    for seed in (0, 1):
        for indices in (range(3), range(3, 4)):
            samples = [data[i] for i in indices]
            images = torch.stack([s.image for s in samples])
            labels = torch.stack([s.labels for s in samples])
            starts = [seed * 1_000_003 + index for index in indices]
            x_adv = ATTACKS[1].build()(model, images, labels, seeds=starts)
            expected[seed] += count(model(x_adv).argmax(1), labels, 4)
    assert torch.equal(results[2].matrix, expected[0])
    assert torch.equal(results[4].matrix, expected[1])
    assert not torch.equal(expected[0], expected[1])
    clean, _, seg, *_ = results
    assert seg.pixel_accuracy < clean.pixel_accuracy
    assert [i.name for i in seg.images] == [f"image-{i}" for i in range(4)]
    assert sum(i.right for i in seg.images) == seg.matrix.diagonal().sum()
    assert sum(i.valid for i in seg.images) == seg.matrix.sum() == 3 * 9 * 12 + 13 * 12
    assert 0.0999 < seg.largest_distance <= 0.1 + 1e-6
    assert len(seg.mis_ratio_curve) == len(seg.loss_share_curve) == 4
    assert seg.mis_ratio_curve[-1] == pytest.approx(seg.mis_ratio, abs=1e-6)


def test_without_labels_the_clean_prediction_is_attacked(model):
    clean, fgsm, _ = summarise(evaluate(model, Toy([(10, 12)] * 2, labelled=False), ATTACKS))
    assert clean.pixel_accuracy == 1
    assert fgsm.pixel_accuracy < 1


def test_resumes_where_it_was_stopped(model, tmp_path):
    data, setting = Toy([(10, 12)] * 3), {"model": "toy"}
    whole = summarise(evaluate(model, data, ATTACKS, batch_size=1))
    store = ResultStore(tmp_path / "batches.jsonl", setting)
    run = evaluate(model, data, ATTACKS, batch_size=1, store=store)
    for _ in range(4):
        next(run)
    run.close()
    with (tmp_path / "batches.jsonl").open("a") as file:
        file.write('{"attack": "fgsm", "opt')  # killed while writing
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    store = ResultStore(tmp_path / "batches.jsonl", setting)
    again = list(evaluate(model, data, ATTACKS, batch_size=1, store=store))
    resumed = len(calls)
    strip = [replace(r, seconds=0.0) for r in summarise(again)]
    assert strip == [replace(r, seconds=0.0) for r in whole]
    calls.clear()
    store = ResultStore(tmp_path / "batches.jsonl", setting)
    list(evaluate(model, data, ATTACKS, batch_size=1, store=store))
    assert len(calls) < resumed
    assert not calls


def test_store_of_another_setting_is_refused(tmp_path):
    ResultStore(tmp_path / "b.jsonl", {"model": "a", "data": "x"})
    with pytest.raises(InputError, match="another model"):
        ResultStore(tmp_path / "b.jsonl", {"model": "b", "data": "x"})


def test_pictures(model):
    data = Toy([(10, 12)] * 3)
    results = list(evaluate(model, data, ATTACKS, batch_size=3, pictures=2))
    shown = examples(results)
    assert [e.name for e in shown] == ["image-0", "image-1"]
    for i, example in enumerate(shown):
        assert (example.truth == data[i].labels.numpy()).all()
    assert set(shown[1].attacked) == {"fgsm", "segpgd-3"}
    image, prediction = shown[1].attacked["fgsm"]
    assert image.shape == (10, 12, 3)
    assert prediction.shape == (10, 12)
    assert abs(image.astype(int) - shown[1].image).max() == round(25.5)


def test_pictures_of_several_radii_have_different_names(model):
    attacks = [named("fgsm", eps=0.1), named("fgsm", eps=8 / 255)]
    shown = examples(list(evaluate(model, Toy([(10, 12)]), attacks, pictures=1)))
    assert set(shown[0].attacked) == {"fgsm eps 25.5 of 255", "fgsm eps 8 of 255"}


@pytest.mark.parametrize("void", [-1, 0, 3])
def test_attack_and_scores_agree_about_void(void):
    torch.manual_seed(0)
    model = Segmenter(TinyNet(4), classes=4, ignore_index=void).eval()

    class Other(Toy):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            return replace(sample, labels=sample.labels.masked_fill(sample.labels == 255, void))

    clean, _, seg = summarise(evaluate(model, Other([(10, 12)] * 2), ATTACKS))
    assert clean.images == [replace(i, right=i.right) for i in clean.images]
    assert seg.mis_ratio_curve[-1] == pytest.approx(seg.mis_ratio, abs=1e-6)
    assert sum(i.valid for i in seg.images) == seg.matrix.sum()
    assert seg.options["ignore_index"] == void


def test_targeted_attacks_are_refused(model):
    with pytest.raises(InputError, match="evaluated untargeted"):
        next(evaluate(model, Toy([(10, 12)]), [named("pgd", targeted=True)]))


def test_broken_store_is_named(tmp_path):
    for content in ("", "[]\n", "no json\n"):
        (tmp_path / "b.jsonl").write_text(content)
        with pytest.raises(InputError, match="holds no results that could be gone on with"):
            ResultStore(tmp_path / "b.jsonl", {})


def test_report_round_trip(model, tmp_path):
    results = summarise(evaluate(model, Toy([(10, 12)]), ATTACKS))
    report = RobustnessReport(
        "toy", "toy data", "labels", list(PALETTE.classes), [*PALETTE.colours], results
    )
    report.save(tmp_path / "report.json")
    assert RobustnessReport.load(tmp_path / "report.json") == report
    values = json.loads((tmp_path / "report.json").read_text())
    assert values["results"][1]["options"]["norm"] == "Linf"
    assert values["results"][1]["options"]["eps"] == 0.1
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match=r"bad\.json is not a report"):
        RobustnessReport.load(tmp_path / "bad.json")


class Rounded(TinyNet):
    def forward(self, x):
        return super().forward((x * 255).round() / 255)


def test_a_model_that_hides_its_gradient_is_named():
    """By the evaluation of a data set, and by a plan's answer and its iterates, once each."""
    hidden = Segmenter(Rounded(4), classes=4).eval()
    with pytest.warns(UserWarning, match="zero or not finite .* for 2 of 2 images") as caught:
        list(evaluate(hidden, Toy([(12, 14)] * 2), ATTACKS[1:]))
    assert len(caught) == 1
    clean = clean_images(hidden, torch.rand(1, 3, 12, 14), None)
    plan = AttackPlan("segpgd-3", {"eps": 0.1})
    for run in (lambda: plan.answer(clean), lambda: list(plan.iterates(clean))):
        with pytest.warns(UserWarning, match="for 1 of 1 images") as caught:
            run()
        assert len(caught) == 1
