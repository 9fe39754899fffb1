import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from one_label import one_label_problem
from oracles import LinearSegmenter, tiny_problem

from art_segplugin.attacks import SWEEP, pgd, segpgd, temperature_pgd
from art_segplugin.attacks.segpgd import SegWeights
from art_segplugin.attacks.temperature_pgd import TemperedWeights
from art_segplugin.core.losses import TemperedCrossEntropy
from art_segplugin.core.types import NO_VOID
from art_segplugin.core.weightings import UNIFORM
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model

EPS, STEP, STEPS = 0.05, 0.01, 10
TEMPERATURES = (10.0, 2.0, 0.5, 0.1, 0.02)

segmenter_and_classifier = pytest.mark.parametrize(
    ("problem", "void"), [(tiny_problem, 255), (one_label_problem, NO_VOID)]
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("schedule", [None, "linear"])
@pytest.mark.parametrize("temperature", [5.0, 1.0, 0.3])
def test_every_step_goes_where_the_tempered_cross_entropy_says(temperature, schedule, targeted):
    """A step in L2 is the gradient over its length, so a factor per image is all that may differ."""
    model, x, labels = tiny_problem(dtype=torch.float64)
    valid = labels != 255
    if targeted:
        labels = torch.where(valid, (labels + 1) % 4, labels)
    loss = TemperedCrossEntropy(temperature)
    base = UNIFORM if schedule is None else SegWeights(schedule)
    attack = pgd(
        50.0, 0.05, 4, norm=2, random_start=False, targeted=targeted, bounds=(-50, 50),
        loss=loss, weighting=TemperedWeights(loss, base),
    )  # fmt: skip
    runs = list(attack.iterates(model, x, labels))
    for i, (before, after) in enumerate(pairwise(runs)):
        leaf = before.x_adv.clone().requires_grad_(True)
        logits = model(leaf)
        wrong = (logits.argmax(1) != labels) != targeted
        share = 0.5 if schedule is None else i / 8
        weight = torch.where(wrong, share, 1 - share)
        plain = F.cross_entropy(logits / temperature, labels, ignore_index=255, reduction="none")
        (gradient,) = torch.autograd.grad((plain * weight).sum(), leaf)
        direction = gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        moved = (after.x_adv - before.x_adv) / 0.05
        torch.testing.assert_close(moved, -direction if targeted else direction)


@segmenter_and_classifier
@pytest.mark.parametrize("temperature", [5.0, 0.5, 0.1])
def test_sign_step_is_that_of_the_plain_cross_entropy_in_float64(problem, void, temperature):
    model, x, labels = problem(dtype=torch.float64)
    leaf = x.clone().requires_grad_(True)
    plain = F.cross_entropy(model(leaf) / temperature, labels, ignore_index=void, reduction="sum")
    plain.backward()
    attack = temperature_pgd(
        EPS, EPS, 1, random_start=False, ignore_index=void, temperature=temperature
    )
    sign = ((attack(model, x, labels) - x) / EPS).round()
    clear = leaf.grad.abs() > 1e-9 * leaf.grad.abs().flatten(1).amax(1).view(-1, 1, 1, 1)
    assert clear.double().mean() > 0.5
    assert torch.equal(sign[clear], leaf.grad.sign()[clear])


def confident_segmenter():
    """Pixels ahead by more than a float32 can say; those near the border between classes are void."""
    model = LinearSegmenter().eval()
    x = 0.3 + 0.4 * torch.rand(2, 3, 6, 7, generator=seeded())
    labels = model(x).argmax(1).masked_fill(model.margin(x).abs() < 0.03, 255)
    return (lambda images: 1e3 * model(images)), x, labels, 255


def confident_classifier():
    model, x, labels = one_label_problem()
    ahead = -TemperedCrossEntropy(1e-4).log_odds(model(x), labels.clamp(min=0))
    factor = 30 / (1e-4 * ahead[:-1].min().item())  # e^(-30 * 50) is 0 in float64 too
    return (lambda images: factor * model(images)), x, labels, NO_VOID


@pytest.mark.parametrize("problem", [confident_segmenter, confident_classifier])
def test_no_step_is_silently_lost(problem):
    model, x, labels, void = problem()
    valid = labels != void
    labelled = valid.flatten(1).any(1)

    def plain_loss(logits, labels):
        return F.cross_entropy(50 * logits, labels, reduction="none")

    options = {"eps": 0.02, "step_size": 0.002, "steps": 5, "random_start": False}
    options["ignore_index"] = void
    plain = pgd(**options, loss=plain_loss)(model, x, labels)
    assert torch.equal(plain, x)

    runs = list(temperature_pgd(**options, temperature=0.02).iterates(model, x, labels))
    assert not runs[0].forward.pixel_loss.any()  # the reported loss is the honest one
    closest = []
    for before, after in pairwise(runs):
        moved = (after.x_adv - before.x_adv).abs().flatten(1).amax(1)
        torch.testing.assert_close(moved[labelled], torch.full_like(moved[labelled], 0.002))
    for iterate in runs:
        odds = TemperedCrossEntropy(0.02).log_odds(
            model(iterate.x_adv).double(), labels.masked_fill(~valid, 0)
        )
        closest.append(odds.masked_fill(~valid, -math.inf).flatten(1).amax(1)[labelled])
    assert all((after > before).all() for before, after in pairwise(closest))


@pytest.mark.parametrize("options", [{}, {"norm": 2, "decay": 1.0}, {"targeted": True}])
def test_temperature_1_is_pgd_bit_for_bit(options):
    model, x, labels = tiny_problem()
    options = {"restarts": 2, **options}
    ours = temperature_pgd(EPS, STEP, STEPS, temperature=1, **options)
    theirs = pgd(EPS, STEP, STEPS, **options)
    assert torch.equal(
        ours(model, x, labels, generator=seeded()), theirs(model, x, labels, generator=seeded())
    )
    ours = temperature_pgd(EPS, STEP, STEPS, temperature=1.0, schedule="log", **options)
    theirs = segpgd(EPS, STEP, STEPS, schedule="log", **options)
    assert torch.equal(
        ours(model, x, labels, generator=seeded()), theirs(model, x, labels, generator=seeded())
    )


@pytest.mark.parametrize("schedule", [None, "linear"])
def test_at_temperature_1_the_general_way_is_pgd_too(schedule):
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"steps": STEPS, "random_start": False}
    general = temperature_pgd(EPS, STEP, temperature=3.0, scale=3.0, schedule=schedule, **options)
    assert isinstance(general.weighting, TemperedWeights)
    plain = pgd(EPS, STEP, **options) if schedule is None else segpgd(EPS, STEP, **options)
    answer = general(model, x, labels)
    assert (answer != x).any()
    torch.testing.assert_close(answer, plain(model, x, labels), atol=1e-9, rtol=0)


def test_the_temperature_matters():
    model, x, labels = tiny_problem()
    options = {"steps": STEPS, "random_start": False}
    answers = [
        temperature_pgd(EPS, STEP, temperature=t, **options)(model, x, labels)
        for t in (5.0, 1.0, 0.1)
    ]
    assert len({answer.numpy().tobytes() for answer in answers}) == 3


def test_a_scale_is_a_lower_temperature():
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"steps": STEPS, "random_start": False}
    scaled = temperature_pgd(EPS, STEP, temperature=2.0, scale=10.0, **options)
    colder = temperature_pgd(EPS, STEP, temperature=0.2, **options)
    torch.testing.assert_close(
        scaled(model, x, labels), colder(model, x, labels), atol=1e-9, rtol=0
    )


def straight(model, x, labels, eps, step_size, steps, temperature, schedule):
    """PGD on the cross-entropy of softmax(z / T), weighted by equation 4 of SegPGD, in float64."""
    x_adv = x.clone()
    for t in range(1, steps + 1):
        x_adv = x_adv.detach().requires_grad_(True)
        probabilities = torch.exp(model(x_adv) / temperature)
        probabilities = probabilities / probabilities.sum(1, keepdim=True)
        loss = 0.0
        progress = (t - 1) / steps
        lam = {"linear": progress / 2, "exp": (2**progress - 1) / 2}[schedule]
        for n in range(len(x)):
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    y = labels[n, i, j].item()
                    if y == 255:
                        continue
                    right = probabilities[n, :, i, j].argmax().item() == y
                    ce = -torch.log(probabilities[n, y, i, j])
                    loss = loss + ((1 - lam) if right else lam) * ce
        loss.backward()
        x_adv = x_adv.detach() + step_size * x_adv.grad.sign()
        x_adv = (x + (x_adv - x).clamp(-eps, eps)).clamp(0, 1)
    return x_adv.detach()


@pytest.mark.parametrize(("schedule", "temperature"), [("linear", 0.5), ("exp", 4.0)])
def test_with_a_schedule_it_equals_the_equations_written_straight(schedule, temperature):
    model, x, labels = tiny_problem(size=(5, 6), dtype=torch.float64)
    expected = straight(model, x, labels, EPS, STEP, 6, temperature, schedule)
    attack = temperature_pgd(
        EPS, STEP, 6, random_start=False, temperature=temperature, schedule=schedule
    )
    answer = attack(model, x, labels)
    plain = temperature_pgd(EPS, STEP, 6, random_start=False, temperature=temperature)
    assert (answer - plain(model, x, labels)).abs().max() > STEP / 2  # the schedule does something
    torch.testing.assert_close(answer, expected, atol=1e-9, rtol=0)


@segmenter_and_classifier
@pytest.mark.parametrize("temperature", [10.0, 0.02])
def test_half_precision(problem, void, temperature):
    model, x, labels = problem()
    attack = temperature_pgd(
        EPS, STEP, 4, ignore_index=void, temperature=temperature, schedule="linear"
    )
    runs = list(attack.iterates(model.bfloat16(), x.bfloat16(), labels))
    assert runs[-1].best.dtype == torch.bfloat16
    assert all(i.forward.loss.isfinite().all() for i in runs)
    assert all(i.forward.weights is None or i.forward.weights.isfinite().all() for i in runs)
    assert runs[-1].best_success.sum() > runs[0].best_success.sum()


@pytest.mark.parametrize("temperature", [1e9, *SWEEP])
def test_no_step_overflows_or_underflows_in_float16(temperature):
    """A net with slopes of 3000, of which float16 holds 20 times, not 50 times as much."""
    model = LinearSegmenter().eval().half()
    x = (0.3 + 0.4 * torch.rand(2, 3, 6, 7, generator=seeded())).half()
    labels = 1 - model(x).argmax(1)  # wrong already: all pixels count the same when T is small
    attack = temperature_pgd(0.02, 0.02, 1, random_start=False, temperature=temperature)
    moved = attack(lambda images: 6000 * model(images), x, labels) - x
    assert (moved.abs() > 0.019).all()


def test_float16_attacks_the_shipped_model_as_float32_does():
    (scene,) = SceneDataset(1, split="test", size=(64, 96))
    model, x, labels = load_model("small-scenes"), scene.image[None], scene.labels[None]
    attack = temperature_pgd(0.01, 0.005, 3, random_start=False, temperature=0.02)
    exact = list(attack.iterates(model, x, labels))[-1].best_success
    half = list(attack.iterates(model.half(), x.half(), labels))[-1].best_success
    assert exact > 0.1
    assert abs(half - exact) < 0.02
