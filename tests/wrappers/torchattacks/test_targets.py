import pytest
import torch
from oracles import tiny_problem

from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks import SegPGD


@pytest.fixture
def problem():
    model, x, labels = tiny_problem()
    return SegPGD(model, steps=3), model, x, labels


def test_random_targets_are_uniform_over_the_other_classes(problem):
    attack, _, x, labels = problem
    attack.set_mode_targeted_random(quiet=True)
    torch.manual_seed(0)
    draws = torch.stack([attack.get_target_label(x, labels) for _ in range(200)])
    valid = labels != 255
    assert (draws[:, ~valid] == 255).all()
    assert not (draws == labels)[:, valid].any()
    ahead = (draws - labels)[:, valid] % 4
    shares = torch.bincount(ahead.flatten(), minlength=4) / ahead.numel()
    torch.testing.assert_close(shares, torch.tensor([0, 1 / 3, 1 / 3, 1 / 3]), rtol=0, atol=0.01)


@pytest.mark.parametrize("kth_min", [1, 2, 3])
def test_least_likely_targets(problem, kth_min):
    attack, model, x, labels = problem
    attack.set_mode_targeted_least_likely(kth_min, quiet=True)
    targets = attack.get_target_label(x, labels)
    logits = model(x).detach()
    for n, row, column in [(0, 0, 3), (0, 5, 2), (1, 11, 13), (1, 7, 0), (0, 9, 9)]:
        true = int(labels[n, row, column])
        others = [c for c in range(4) if c != true]
        others.sort(key=lambda c: float(logits[n, c, row, column]))
        expected = 255 if true == 255 else others[kth_min - 1]
        assert int(targets[n, row, column]) == expected


@pytest.mark.parametrize("mode", ["random", "least_likely"])
def test_without_labels_the_prediction_is_avoided(problem, mode):
    attack, model, x, _ = problem
    getattr(attack, f"set_mode_targeted_{mode}")(quiet=True)
    targets = attack.get_target_label(x)
    assert not (targets == model(x).argmax(1)).any()


def test_a_target_function_need_not_know_of_void(problem):
    attack, _, x, labels = problem
    attack.set_mode_targeted_by_function(lambda images, labels: (labels + 1) % 4, quiet=True)
    targets = attack.get_target_label(x, labels)
    assert torch.equal(targets, torch.where(labels == 255, 255, (labels + 1) % 4))


def test_a_target_function_may_look_targets_up_in_a_table(problem):
    attack, _, x, labels = problem
    table = torch.tensor([1, 2, 3, 0])
    attack.set_mode_targeted_by_function(lambda images, labels: table[labels], quiet=True)
    targets = attack.get_target_label(x, labels)
    assert torch.equal(targets, torch.where(labels == 255, 255, (labels + 1) % 4))
    assert attack(x, labels).shape == x.shape


@pytest.mark.parametrize("mode", ["by_label", "by_function", "random", "least_likely"])
def test_targeted_attacks_get_nearer_to_their_targets(problem, mode):
    attack, model, x, labels = problem
    attack.eps, attack.random_start = 0.1, False
    chosen = (labels + 1) % 4
    arguments = (lambda images, labels: chosen,) if mode == "by_function" else ()
    getattr(attack, f"set_mode_targeted_{mode}")(*arguments, quiet=True)
    given = torch.where(labels == 255, 255, chosen) if mode == "by_label" else labels
    torch.manual_seed(0)
    targets = attack.get_target_label(x, given)
    torch.manual_seed(0)
    adv_images = attack(x, given)

    def loss(images):
        return torch.nn.functional.cross_entropy(model(images), targets, ignore_index=255)

    assert loss(adv_images) < loss(x)


def test_back_to_default(problem):
    attack, _, x, labels = problem
    attack.random_start = False
    expected = attack(x, labels)
    attack.set_mode_targeted_by_label(quiet=True)
    assert not torch.equal(attack(x, labels), expected)
    attack.set_mode_default()
    assert torch.equal(attack(x, labels), expected)


def one_channel(images):
    return images[:, :1]


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (
            lambda a: a.set_mode_targeted_least_likely(4, quiet=True),
            "kth_min is 4; .* give at most 3",
        ),
        (
            lambda a: a.set_mode_targeted_by_function(lambda x, y: y[:, 1:], quiet=True),
            r"returned torch.int64 of shape \(2, 11, 14\) for labels of shape \(2, 12, 14\)",
        ),
        (
            lambda a: a.set_mode_targeted_by_function(lambda x, y: None, quiet=True),
            "returned a NoneType",
        ),
        (
            lambda a: a.set_mode_targeted_by_function(lambda x, y: y + 4, quiet=True),
            "labels hold 7 and the model has the classes 0 to 3",
        ),
    ],
)
def test_bad_targets_are_named(problem, prepare, words):
    attack, _, x, labels = problem
    prepare(attack)
    with pytest.raises(InputError, match=words):
        attack(x, labels)


def test_a_model_with_one_output_channel_has_the_other_class_to_aim_at(problem):
    attack, _, x, labels = problem
    attack.set_model(one_channel)
    attack.set_mode_targeted_random(quiet=True)
    labels = labels % 2
    assert torch.equal(attack.get_target_label(x, labels), 1 - labels)
