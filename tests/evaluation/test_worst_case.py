"""The worst case over the answers of an evaluation, against attacks by hand and every choice."""

import itertools
import json
from dataclasses import replace

import pytest
import torch
from evaluation.test_runner import PALETTE, Toy
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.evaluation import (
    ResultStore,
    RobustnessReport,
    evaluate,
    summarise,
    worst_cases,
)
from art_segplugin.evaluation.dataset import attack_samples
from art_segplugin.evaluation.result import class_lists
from art_segplugin.metrics import count, mean_iou
from art_segplugin.models import Segmenter

VALUES = {"eps": 0.1, "step_size": 0.05, "temperatures": (0.5, 2.0)}
SWEEP = named("temperature-sweep-2", **VALUES)
PGD = named("pgd-2", **VALUES)
DATA = Toy([(10, 12)] * 3 + [(14, 12)])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


def matrix(model, image, labels):
    return count(model(image).argmax(1), labels, 4)


def by_hand(model, attacks):
    """Confusion matrices of the answers of each image, that of the clean image first."""
    found = []
    for index in range(len(DATA)):
        sample = DATA[index]
        image, labels = sample.image.unsqueeze(0), sample.labels.unsqueeze(0)
        answers = [matrix(model, image, labels)]
        for attack in attacks:
            members = {}
            for iterate in attack.build().iterates(model, image, labels, seeds=[index]):
                members[iterate.member] = iterate.answer_of_member
            answers += [matrix(model, x_adv, labels) for x_adv in members.values()]
        found.append(answers)
    return found


def lowest(answers):
    """The lowest accuracy and mIoU of all choices."""
    pools = [sum(choice) for choice in itertools.product(*answers)]
    return min(float(p.trace() / p.sum()) for p in pools), min(map(mean_iou, pools))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_equals_the_lowest_of_all_choices_by_hand(model, batch_size):
    one, both = worst_cases(evaluate(model, DATA, [SWEEP, PGD], batch_size=batch_size))
    assert (one.attacks, one.answers) == ([SWEEP.name], 4)  # clean, the ensemble and two members
    assert (both.attacks, both.answers) == ([SWEEP.name, PGD.name], 5)
    for worst, attacks in ((one, [SWEEP]), (both, [SWEEP, PGD])):
        accuracy, miou = lowest(by_hand(model, attacks))
        assert worst.pixel_accuracy == pytest.approx(accuracy, abs=1e-6)
        assert worst.mean_iou == pytest.approx(miou, abs=1e-12)
        assert [image.name for image in worst.images] == [f"image-{i}" for i in range(4)]
        assert worst.options == {"eps": 0.1, "norm": "Linf"}


def test_is_never_above_any_attack_of_the_same_threat_model(model):
    attacks = [SWEEP, PGD, named("fgsm", eps=0.02)]
    results = list(evaluate(model, DATA, attacks, seeds=(0, 3)))
    worst, scores = worst_cases(results), summarise(results)
    assert [(one.seed, len(one.attacks)) for one in worst] == [(0, 1), (0, 2), (3, 1), (3, 2)]
    for one in worst:
        same = [s for s in scores if s.attack in one.attacks and s.seed == one.seed]
        assert len(same) == len(one.attacks)
        for single in [*same, scores[0]]:
            assert one.mean_iou <= single.mean_iou + 1e-12
            assert one.pixel_accuracy <= single.pixel_accuracy
    assert worst[1].pixel_accuracy <= worst[0].pixel_accuracy
    assert worst[1].mean_iou <= worst[0].mean_iou + 1e-12


def test_an_adversary_may_leave_an_image_alone(model):
    """Where the attack did the images good, the clean ones are the worst case."""
    results = list(evaluate(model, DATA, [SWEEP]))
    clean, attacked = (
        [replace(r, attack=name, options=options, members=None) for r in results if r.attack == old]
        for old, name, options in (
            (SWEEP.name, "clean", {}), ("clean", "harmless", {"eps": 0.1, "norm": "Linf"}),
        )
    )  # fmt: skip
    more = [replace(result, attack="other") for result in attacked]
    (worst,) = worst_cases([*clean, *attacked, *more])
    assert worst.pixel_accuracy <= summarise(clean)[0].pixel_accuracy


def test_one_attack_without_members_has_no_worst_case(model):
    assert worst_cases(evaluate(model, DATA, [PGD, named("fgsm", eps=0.02)])) == []


def test_resumed_results_give_the_same(model, tmp_path):
    def run():
        store = ResultStore(tmp_path / "store.jsonl", {"model": "toy"})
        return worst_cases(evaluate(model, DATA, [SWEEP, PGD], store=store))

    assert run() == run() == worst_cases(evaluate(model, DATA, [SWEEP, PGD]))


def test_many_classes_are_stored_as_the_cells_that_are_not_zero(tmp_path):
    torch.manual_seed(0)
    model = Segmenter(TinyNet(40), classes=40).eval()

    class Many(Toy):
        palette = replace(
            PALETTE,
            classes=tuple(f"class {i}" for i in range(40)),
            colours=tuple((i, i, i) for i in range(40)),
        )

    def run(store=None):
        return worst_cases(evaluate(model, Many([(10, 12)] * 2), [SWEEP], store=store))

    first = run(ResultStore(tmp_path / "store.jsonl", {}))
    assert '"shape": [1, 2, 3, 40]' in (tmp_path / "store.jsonl").read_text()
    assert run(ResultStore(tmp_path / "store.jsonl", {})) == first == run()


def test_results_without_members_are_read_and_damaged_ones_are_made_again(model, tmp_path):
    path = tmp_path / "store.jsonl"
    whole = worst_cases(evaluate(model, DATA, [SWEEP], store=ResultStore(path, {})))
    setting, *lines = path.read_text().splitlines()
    older = [json.dumps({k: v for k, v in json.loads(line).items() if k != "members"})
             for line in lines]  # fmt: skip
    path.write_text("\n".join([setting, *older]) + "\n")
    assert worst_cases(evaluate(model, DATA, [SWEEP], store=ResultStore(path, {}))) == []
    for damage in ([], [[1]], {"shape": [1]}, 3):
        broken = [json.dumps(json.loads(line) | {"members": damage}) for line in lines]
        path.write_text("\n".join([setting, *broken]) + "\n")
        assert worst_cases(evaluate(model, DATA, [SWEEP], store=ResultStore(path, {}))) == whole


def test_the_shares_of_two_processes_give_what_one_gives(model):
    whole = worst_cases(evaluate(model, DATA, [SWEEP, PGD], batch_size=1))
    shared = [
        result
        for rank in range(2)
        for result in evaluate(model, DATA, [SWEEP, PGD], share=range(rank, 4, 2), batch_size=2)
    ]
    assert worst_cases(shared) == whole
    half = [result for result in shared if result.attack != PGD.name or result.first % 2]
    assert [one.attacks for one in worst_cases(half)] == [[SWEEP.name]]  # PGD lacks images


def test_a_rounded_image_is_not_an_answer_of_a_member(model):
    (attacked,) = attack_samples(model, [DATA[0]], SWEEP)
    _, exact, rounded = attacked.results
    assert exact.members.shape == (1, 2, 3, 4)
    assert rounded.members is None


def test_a_report_keeps_them(model, tmp_path):
    results = list(evaluate(model, DATA, [SWEEP, PGD]))
    report = RobustnessReport(
        "toy", "toys", "labels", results=summarise(results), worst=worst_cases(results),
        **class_lists(PALETTE),
    )  # fmt: skip
    report.save(tmp_path / "report.json")
    assert RobustnessReport.load(tmp_path / "report.json").worst == report.worst
    assert len(report.worst) == 2


def test_progress_is_told_in_images_after_every_point(model):
    told = []
    results = evaluate(
        model, DATA, [SWEEP, PGD], batch_size=4, progress=lambda *now: told.append(now)
    )
    assert len(list(results)) == 2 * 3  # two sizes
    first = [(SWEEP.name, 3 * number / 6) for number in range(1, 7)]
    second = [(PGD.name, float(number)) for number in range(1, 4)]
    assert told[:9] == [*first, *second]
