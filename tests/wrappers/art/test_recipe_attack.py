import warnings

import numpy as np
import pytest
import torch
from art.defences.postprocessor import HighConfidence

from art_segplugin.attacks import segpgd
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD

every_attack = pytest.mark.parametrize("kind", [SegPGD, SegFGSM, SegmentationPGD, TemperaturePGD])


def quiet(kind, estimator, **options):
    if kind is not SegFGSM:
        options = {"max_iter": 3, **options}
    return kind(estimator, verbose=False, **options)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def many(problem, n=5):
    """Images of which no two are the same."""
    repeated = [np.concatenate([values] * 3)[:n] for values in (problem.x, problem.y)]
    repeated[0] = np.clip(repeated[0] + np.linspace(0, 0.05, n)[:, None, None, None], 0, 1)
    return repeated[0].astype(np.float32), repeated[1]


@every_attack
def test_the_mask_is_not_ignored(problem, kind):
    mask = np.zeros((2, 12, 14), bool)
    mask[0, 3:6], mask[1, :, 5:] = True, True
    for norm, eps in ((np.inf, 0.1), (2, 1.0), (1, 9.0)):
        attack = quiet(kind, problem.estimator, norm=norm, eps=eps, num_random_init=1)
        adversarial = attack.generate(problem.x, problem.y, mask=mask)
        moved = (adversarial != problem.x).any(1)
        assert moved.any((1, 2)).all()
        assert not moved[~mask].any()


@every_attack
def test_restarts_are_not_refused_and_keep_the_best(problem, kind):
    x, y = many(problem)
    losses = []
    for restarts in (1, 4):
        attack = quiet(kind, problem.estimator, num_random_init=restarts, eps=0.1)
        adversarial = attack.generate(x, y, generator=seeded())
        losses.append(problem.estimator.compute_losses(adversarial, y)["zero_one"])
    assert (losses[1] >= losses[0]).all()
    assert losses[1].sum() > losses[0].sum()


@pytest.mark.parametrize("kind", [SegPGD, SegmentationPGD])
def test_momentum_with_more_images_than_a_batch(problem, kind):
    x, y = many(problem)
    results = [
        quiet(kind, problem.estimator, decay=1.0, num_random_init=0, batch_size=size).generate(x, y)
        for size in (2, 1)
    ]
    assert (np.abs(results[0] - results[1]) < 1e-6).mean() > 0.995


@every_attack
@pytest.mark.parametrize("defence", [None, HighConfidence(0.9)], ids=["plain", "defended"])
def test_no_labels_means_what_the_model_says(problem, kind, defence):
    """Also behind a defence that hides scores: their arg max would be class 0 nearly everywhere."""
    attack = quiet(kind, problem.with_options(postprocessing_defences=defence))
    without = attack.generate(problem.x, generator=seeded())
    predicted = problem.estimator.predict(problem.x, output="labels")
    assert np.array_equal(without, attack.generate(problem.x, predicted, generator=seeded()))


def test_no_labels_cost_one_forward_pass_without_a_graph(problem, monkeypatch):
    seen, logits = [], problem.estimator.logits

    def watched(images, training_mode=False):
        seen.append((len(images), torch.is_grad_enabled()))
        return logits(images)

    monkeypatch.setattr(problem.estimator, "logits", watched)
    quiet(SegPGD, problem.estimator, max_iter=1).generate(problem.x)
    assert seen == [(2, False), (1, False), (2, True)]  # the labels, the check, the step


@every_attack
def test_a_targeted_attack_without_labels_is_refused(problem, kind):
    with pytest.raises(InputError, match="targeted and y is None"):
        quiet(kind, problem.estimator, targeted=True).generate(problem.x)


@every_attack
def test_labels_in_all_forms(problem, kind):
    y = problem.estimator.predict(problem.x, output="labels")
    attack = quiet(kind, problem.estimator)
    expected = attack.generate(problem.x, y, generator=seeded())
    one_hot = np.eye(4, dtype=np.float32)[y].transpose(0, 3, 1, 2)
    for form in (y[:, None], one_hot, y.astype(np.uint8), torch.from_numpy(y)):
        assert np.array_equal(attack.generate(problem.x, form, generator=seeded()), expected)


@every_attack
@pytest.mark.parametrize("norm", [np.inf, "inf", 1, 2])
def test_radii_per_image_follow_their_image_into_its_batch(problem, kind, norm):
    x, y = many(problem)
    radii = np.array([0.0, 0.02, 0.04, 0.06, 0.08]) * (1 if norm in (np.inf, "inf") else 10)
    sizes = {"eps": radii.reshape(5, 1, 1, 1)}
    if kind is not SegFGSM:
        sizes["eps_step"] = sizes["eps"] / 2 + 1e-3
    attack = quiet(kind, problem.estimator, norm=norm, num_random_init=1, batch_size=2, **sizes)
    delta = (attack.generate(x, y) - x).reshape(5, -1).astype(np.float64)
    lengths = np.linalg.norm(delta, ord=np.inf if norm == "inf" else norm, axis=1)
    assert (lengths <= radii + 1e-5).all()
    assert (lengths[1:] > radii[1:] / 2).all()


def test_arrays_equal_the_core_bit_for_bit(problem):
    eps, step = np.array([0.03, 0.1]), np.array([0.01, 0.04])
    attack = quiet(SegPGD, problem.estimator, eps=eps, eps_step=step)
    core = segpgd(torch.from_numpy(eps), torch.from_numpy(step), 3)
    expected = core(problem.model, problem.images(), problem.labels(), generator=seeded())
    assert np.array_equal(attack.generate(problem.x, problem.y, generator=seeded()), expected)


@every_attack
@pytest.mark.parametrize("norm", [np.inf, 1, 2])
def test_a_random_start_stays_inside_eps_mask_and_bounds(problem, kind, norm):
    x = np.where(problem.x > 0.5, 1.0, 0.0).astype(np.float32)  # on the bounds
    mask = np.zeros((2, 12, 14), bool)
    mask[:, ::2] = True
    eps = 0.05 if norm == np.inf else 2.0
    attack = quiet(kind, problem.estimator, norm=norm, eps=eps, num_random_init=2)
    adversarial = attack.generate(x, problem.y, mask=mask)
    lengths = np.linalg.norm((adversarial - x).reshape(2, -1), ord=norm, axis=1)
    assert (lengths <= eps * (1 + 1e-5)).all()
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    assert not (adversarial != x).any(1)[~mask].any()


@every_attack
def test_the_radius_can_be_drawn_at_random(problem, kind):
    attack = quiet(kind, problem.estimator, eps=0.1, random_eps=True, num_random_init=0)
    reach = [
        np.abs(attack.generate(problem.x, problem.y, generator=seeded(s)) - problem.x).max()
        for s in range(6)
    ]
    assert len(set(reach)) == 6
    assert max(reach) <= 0.1 + 1e-6
    assert attack.eps == 0.1  # a later call draws from the same distribution


@every_attack
def test_a_seed_makes_it_reproducible(problem, kind):
    attack = quiet(kind, problem.estimator, num_random_init=1, random_eps=True)
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(attack.generate(problem.x, problem.y))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@every_attack
def test_clip_values_are_the_bounds(problem, kind):
    scaled = problem.with_options(clip_values=(0, 255), preprocessing=(0.0, 255.0))
    x = problem.x * 255
    adversarial = quiet(kind, scaled, eps=200.0).generate(x, problem.y)
    assert adversarial.min() >= 0
    assert adversarial.max() <= 255
    assert np.abs(adversarial - x).max() > 100
    unbounded = problem.with_options(clip_values=None)
    assert quiet(kind, unbounded, eps=3.0).generate(problem.x, problem.y).max() > 1


@every_attack
def test_channels_last(problem, kind):
    last = problem.with_options(channels_first=False, input_shape=(12, 14, 3))
    x, mask = problem.x.transpose(0, 2, 3, 1), np.zeros((2, 12, 14, 1), bool)
    mask[:, 4:] = True
    result = quiet(kind, last, num_random_init=1).generate(
        x, problem.y, mask=mask, generator=seeded()
    )
    expected = quiet(kind, problem.estimator, num_random_init=1).generate(
        problem.x, problem.y, mask=mask[..., 0], generator=seeded()
    )
    assert np.array_equal(result.transpose(0, 3, 1, 2), expected)


@every_attack
def test_images_of_another_size_than_input_shape(problem, kind):
    x, y = problem.x[:, :, :10, :8], problem.y[:, :10, :8]
    adversarial = quiet(kind, problem.estimator).generate(x, y)
    assert adversarial.shape == x.shape
    assert not np.array_equal(adversarial, x)


@every_attack
def test_all_void_images_come_back_within_eps(problem, kind):
    void = np.full_like(problem.y, 255)
    adversarial = quiet(kind, problem.estimator, num_random_init=0).generate(problem.x, void)
    assert np.array_equal(adversarial, problem.x)


@every_attack
def test_tensors_in_tensors_out(problem, kind):
    attack = quiet(kind, problem.estimator)
    expected = attack.generate(problem.x, problem.y, generator=seeded())
    result = attack.generate(problem.images(), problem.labels(), generator=seeded())
    assert torch.equal(result, torch.from_numpy(expected))
    assert np.array_equal(problem.images(), problem.x)


def test_float64_tensors_keep_their_type(problem):
    result = quiet(SegPGD, problem.estimator).generate(problem.images().double(), problem.labels())
    assert result.dtype == torch.float64


@every_attack
def test_the_mode_the_hooks_and_the_gradients_are_left_as_they_were(problem, kind):
    problem.model.train()
    problem.model.body[1].eval()
    before = [m.training for m in problem.model.modules()]
    quiet(kind, problem.estimator, num_random_init=2).generate(problem.x, problem.y)
    assert [m.training for m in problem.model.modules()] == before
    assert all(p.grad is None for p in problem.model.parameters())


@every_attack
def test_no_image_gives_no_image(problem, kind):
    assert quiet(kind, problem.estimator).generate(problem.x[:0]).shape == (0, 3, 12, 14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda x, y: {"x": x[0], "y": y[:1]}, "x has shape"),
        (lambda x, y: {"x": x, "y": y[:1]}, "labels for 1 images and 2 images"),
        (lambda x, y: {"x": x, "y": y + 1}, "labels hold"),
        (lambda x, y: {"x": x * 255, "y": y}, "clip_values 0 to 1; .*preprocessing"),
        (lambda x, y: {"x": x - 0.5, "y": y}, "clip_values 0 to 1; .*preprocessing"),
        (lambda x, y: {"x": x * np.nan, "y": y}, "x holds NaN"),
        (lambda x, y: {"x": x, "y": y, "mask": np.ones((7, 7))}, "mask has shape"),
    ],
)
def test_arguments_that_do_not_fit(problem, arguments, message):
    with pytest.raises(InputError, match=message):
        quiet(SegPGD, problem.estimator).generate(**arguments(problem.x, problem.y))


def test_radii_of_another_number_are_refused(problem):
    attack = quiet(SegPGD, problem.estimator, eps=np.ones(3), eps_step=np.ones(3))
    with pytest.raises(InputError, match=r"eps has shape \(3,\) for 2 images"):
        attack.generate(problem.x, problem.y)


@every_attack
def test_verbose_gates_the_progress_bar(problem, kind, capsys):
    attack = quiet(kind, problem.estimator)
    attack.generate(problem.x, problem.y)
    assert capsys.readouterr().err == ""
    attack.set_params(verbose=True)
    attack.generate(problem.x, problem.y)
    assert kind.__name__ in capsys.readouterr().err


def test_rounding_beyond_the_bounds_is_no_other_range(problem):
    x = problem.x.copy()
    x[:, 0] = np.nextafter(np.float32(1), np.float32(2))
    assert quiet(SegPGD, problem.estimator).generate(x, problem.y).max() == 1


@every_attack
def test_arguments_of_other_attacks_are_taken_as_in_art(problem, kind):
    attack = quiet(kind, problem.estimator, num_random_init=0)
    expected = attack.generate(problem.x, problem.y)
    assert np.array_equal(attack.generate(problem.x, problem.y, cost_matrix=None), expected)


@every_attack
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_model_is_noticed(problem, kind, value):
    torch.nn.init.constant_(problem.model.head.bias, value)
    for norm in (np.inf, 2):
        with pytest.raises(InputError, match="NaN or infinite"):
            quiet(kind, problem.estimator, norm=norm).generate(problem.x, problem.y)


@every_attack
def test_probabilities_are_warned_of_once(problem, segmenter, kind):
    estimator = segmenter(torch.nn.Sequential(problem.model, torch.nn.Softmax(1)).eval())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet(kind, estimator, batch_size=1).generate(problem.x, problem.y)
        quiet(kind, problem.estimator).generate(problem.x, problem.y)
    assert sum("probabilities" in str(warning.message) for warning in caught) == 1
