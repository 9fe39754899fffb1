import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluation.counted import attacked, logits_for, maps

from art_segplugin.data.palettes import Palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport, ModelCounts, diagnose
from art_segplugin.evaluation.documents import to_plain

PALETTE = Palette("toy", ("a", "b", "c", "d"), ((0, 0, 0), (9, 9, 9), (99, 0, 0), (0, 99, 0)))
LABELS = maps()
REGIONS = {"left": torch.arange(6).expand(LABELS.shape) < 3}
NORMS = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)


def model(name="net", seed=0, norms=NORMS):
    strength = {"clean": 0.8, "pgd-20": 0.6, "strong": 0.3}
    results = [
        attacked(attack, LABELS, right, seed + i, {"eps": 0.1} if i else {}, REGIONS)
        for i, (attack, right) in enumerate(strength.items())
    ]
    return ModelCounts(name, results, norms)


@pytest.fixture(scope="module")
def report():
    return diagnose([model()], PALETTE, "toy data", "art-segplugin diagnose", samples=50)


def test_scores_of_classes_are_those_of_plain_loops(report):
    valid = LABELS != 255
    for i, (result, right) in enumerate(
        zip(report.models[0].results, (0.8, 0.6, 0.3), strict=True)
    ):
        prediction = logits_for(LABELS, right, seed=i).argmax(1)
        hit = (prediction == LABELS) & valid
        assert result.accuracy == pytest.approx(hit.sum().item() / valid.sum().item())
        for index in range(4):
            true, guessed = (index == LABELS), (prediction == index) & valid
            union = (true | guessed).sum().item()
            both = (true & guessed).sum().item()
            accuracy, iou = result.class_accuracy[index], result.class_iou[index]
            assert iou == pytest.approx(both / union)
            if index == 3:  # never true, but predicted
                assert math.isnan(accuracy)
                assert result.confounds[index] is None
                continue
            assert accuracy == pytest.approx(both / true.sum().item())
            wrong = [(true & (prediction == other)).sum().item() for other in range(4)]
            wrong[index] = 0
            assert result.confounds[index] == int(np.argmax(wrong))
            assert result.confound_share[index] == pytest.approx(max(wrong) / sum(wrong))
        known = result.class_accuracy[:3]
        assert result.accuracy_spread.gap == pytest.approx(max(known) - min(known))
        assert result.accuracy_spread.variance == pytest.approx(np.var(known))
        assert result.accuracy_spread.worst == int(np.argmin(known))
        assert result.mean_iou == pytest.approx(np.mean(result.class_iou))


def test_mean_iou_of_images_is_over_the_classes_of_each(report):
    prediction = logits_for(LABELS, 0.6, seed=1).argmax(1)
    means = []
    for truth, guess in zip(LABELS, prediction, strict=True):
        truth, guess = truth[1:], guess[1:]  # the first row is void
        shares = [
            ((truth == k) & (guess == k)).sum().item() / ((truth == k) | (guess == k)).sum().item()
            for k in range(4)
            if ((truth == k) | (guess == k)).any()
        ]
        means.append(np.mean(shares))
    assert report.models[0].baseline.image_mean_iou == pytest.approx(np.mean(means))


def test_regions_are_scored_over_the_classes_that_are_true_there(report):
    found = report.models[0].baseline.regions["left"]
    prediction = logits_for(LABELS, 0.6, seed=1).argmax(1)
    inside = REGIONS["left"] & (LABELS != 255)
    assert found.pixels == inside.sum().item() == 6 * 4 * 3
    assert found.accuracy == pytest.approx((prediction == LABELS)[inside].double().mean().item())
    truth, guess = LABELS[inside], prediction[inside]
    shares = [
        ((truth == k) & (guess == k)).sum().item() / ((truth == k) | (guess == k)).sum().item()
        for k in range(3)
    ]
    assert (guess == 3).any()
    assert found.mean_iou == pytest.approx(np.mean(shares))


def test_correlations_are_over_the_classes_that_occur(report):
    for result in report.models[0].results:
        accuracy = np.array(result.class_accuracy[:3])
        for name, values in (("weight norm", NORMS[:3]), ("frequency", report.pixels[:3])):
            found = result.correlations[name]
            assert found.pearson == pytest.approx(np.corrcoef(accuracy, values)[0, 1])
            ranks = np.argsort(np.argsort(accuracy)), np.argsort(np.argsort(list(values)))
            assert found.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_attacks_are_compared_with_the_first(report):
    clean, baseline, strong = report.models[0].results
    assert clean.comparison is clean.gain is baseline.comparison is baseline.gain is None
    difference = strong.comparison.accuracy
    assert difference.estimate == pytest.approx(strong.accuracy - baseline.accuracy)
    assert difference.low <= difference.estimate <= difference.high < 0
    expected = np.array(baseline.class_accuracy) - np.array(strong.class_accuracy)
    assert strong.gain.classes[:3] == pytest.approx(expected[:3])
    assert strong.gain.weakest == [int(np.argmin(baseline.class_accuracy[:3]))]
    assert report.models[0].selection is None  # a single other attack is no choice
    third = attacked("third", LABELS, 0.1, 9, {"eps": 0.1}, REGIONS)
    whole = diagnose([replace(model(), results=[*model().results, third])], PALETTE, "toy")
    chosen = whole.models[0].selection
    assert (chosen.attack, chosen.chosen_on, chosen.comparison.images) == (3, 3, 3)


def test_models_are_compared_under_each_attack():
    first, second = model(), model("other", seed=10, norms=None)
    report = diagnose([first, second], PALETTE, "toy", samples=20)
    assert report.models[1].weight_norms is None
    assert "weight norm" not in report.models[1].clean.correlations
    assert len(report.model_consistency) == 2
    for index, matrix in enumerate(report.model_consistency, 1):
        rows = [np.argsort(np.argsort(m.results[index].class_accuracy[:3])) for m in report.models]
        assert np.array(matrix) == pytest.approx(np.corrcoef(rows))
    pairs = [(one.model, one.attack) for one in report.model_comparisons]
    assert pairs == [(1, 0), (1, 1), (1, 2)]
    for one in report.model_comparisons:
        before, after = (m.results[one.attack] for m in report.models)
        gained = np.array(after.class_accuracy) - np.array(before.class_accuracy)
        estimates = [found.estimate for found in one.class_accuracy]
        assert estimates == pytest.approx(gained, nan_ok=True)
        assert one.comparison.accuracy.estimate == pytest.approx(after.accuracy - before.accuracy)
    ranks = [np.argsort(np.argsort(r.class_accuracy[:3])) for r in report.models[0].results[1:]]
    assert np.array(report.models[0].rank_consistency) == pytest.approx(np.corrcoef(ranks))


def test_json_round_trip_without_nan(report, tmp_path):
    path = tmp_path / "diagnosis.json"
    report.save(path)
    assert "NaN" not in path.read_text()
    again = DiagnosisReport.load(path)
    assert to_plain(again) == to_plain(report)
    assert again.colours == report.colours
    assert math.isnan(again.models[0].clean.class_accuracy[3])
    values = json.loads(path.read_text())
    assert values["models"][0]["results"][1]["class_accuracy"][3] is None
    assert values["command"] == "art-segplugin diagnose"
    assert values["versions"]["torch"]


def test_what_is_new_in_comparisons_of_models_is_optional(tmp_path):
    path = tmp_path / "diagnosis.json"
    report = diagnose([model(), model("other", seed=10)], PALETTE, "toy", samples=20)
    report.save(path)
    again = DiagnosisReport.load(path)
    assert again.model_comparisons[1].fell_first in range(3)
    assert to_plain(again) == to_plain(report)
    values = json.loads(path.read_text())
    for one in values["model_comparisons"]:
        for name in ("fell_first", "of_fell_first", "of_others"):
            del one[name]
    path.write_text(json.dumps(values))
    earlier = DiagnosisReport.load(path).model_comparisons[1]
    assert earlier.fell_first is earlier.of_fell_first is None
    assert math.isnan(earlier.of_others)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"data": 3}'])
def test_other_files_are_no_diagnosis(content, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"bad\.json is not a diagnosis"):
        DiagnosisReport.load(path)


def test_images_as_a_whole_are_told_from_pixels(report):
    labels = torch.arange(6).remainder(3).view(6, 1, 1)
    results = [attacked(name, labels, right) for name, right in (("clean", 1.0), ("pgd", 0.1))]
    found = diagnose([ModelCounts("net", results)], PALETTE, "toy", samples=20)
    assert found.classification
    assert found.pixels == [2, 2, 2, 0]
    assert found.models[0].clean.regions == {}
    assert not report.classification
    one_pixel = torch.full((6, 2, 2), 255)
    one_pixel[:, 0, 0] = torch.arange(6) % 3
    regions = {"left": torch.ones(6, 2, 2, dtype=torch.bool)}
    results = [attacked(name, one_pixel, 0.5, regions=regions) for name in ("clean", "pgd")]
    assert not diagnose([ModelCounts("net", results)], PALETTE, "toy", samples=20).classification


def test_models_may_call_void_differently():
    first, second = (
        ModelCounts(
            name, [replace(r, options={**r.options, "ignore_index": void}) for r in model().results]
        )
        for name, void in (("a", 255), ("b", -1))
    )
    assert len(diagnose([first, second], PALETTE, "toy", samples=20).models) == 2


def test_what_cannot_be_compared_is_refused():
    good = model()
    with pytest.raises(InputError, match="at least one attack"):
        diagnose([ModelCounts("net", good.results[:1])], PALETTE, "toy")
    with pytest.raises(InputError, match="a diagnosis needs a model"):
        diagnose([], PALETTE, "toy")
    fewer = ModelCounts("other", good.results[:2])
    with pytest.raises(InputError, match="other and net were not attacked in the same way"):
        diagnose([good, fewer], PALETTE, "toy")
    elsewhere = attacked("strong", maps(seed=5), 0.5, options={"eps": 0.1}, regions=REGIONS)
    mixed = ModelCounts("net", [*good.results[:2], elsewhere])
    with pytest.raises(InputError, match="strong on net was counted on other images"):
        diagnose([mixed], PALETTE, "toy")
    void = torch.full_like(LABELS, 255)
    results = [attacked(name, void, 0.5) for name in ("clean", "pgd")]
    with pytest.raises(InputError, match="void everywhere"):
        diagnose([replace(good, results=results)], PALETTE, "toy")
