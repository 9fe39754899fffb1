import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import TinyNet, tiny_problem
from torch import nn

from art_segplugin.attacks import ATTACKS, named, pgd, rp_pgd
from art_segplugin.attacks.rp_pgd import RegionWeights, prototype_similarity
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

EPS, STEP, STEPS = 0.05, 0.01, 12
FIXED = {"eps": EPS, "step_size": STEP, "steps": STEPS}


class Strided(nn.Module):
    """Features of half the size, interpolated logits."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.Tanh())
        self.head = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        logits = self.head(self.backbone(x))
        return F.interpolate(logits, x.shape[2:], mode="bilinear", align_corners=False)


def strided_problem():
    torch.manual_seed(1)
    model = Strided().double()
    with torch.no_grad():
        model.head.weight *= 6
    x = 0.1 + 0.8 * torch.rand(2, 3, 12, 14, dtype=torch.float64)
    labels = model(x).argmax(1)
    labels[:, 5] = (labels[:, 5] + 1) % 4  # F
    labels[:, 0] = 255
    return model, x, labels


def start_of(x):
    noise = torch.empty_like(x).uniform_(-EPS, EPS, generator=torch.Generator().manual_seed(5))
    return (x + noise).clamp(0, 1)


def straight_similarity(features, right, labels):
    """Of one image: features (d, h, w) at the size of the labels; loops over pairs."""
    classes = [c for c in range(4) if (right & (labels == c)).any()]
    prototypes = [features[:, right & (labels == c)].mean(1) for c in classes]
    cosines = [
        F.cosine_similarity(one, other, dim=0)
        for i, one in enumerate(prototypes)
        for j, other in enumerate(prototypes)
        if i != j
    ]
    return torch.stack(cosines).mean() if cosines else features.sum() * 0


def straight_rp_pgd(model, x, labels, start, *, prototypes):
    """The paper's equations, image by image and with sets of pixels as they are written."""
    answers, sizes = [], []
    for n in range(len(x)):
        image, y = x[n : n + 1], labels[n]
        valid = y != 255
        truth = y.masked_fill(~valid, 0)
        wrong = (model(image)[0].argmax(0) != truth) & valid
        ever = wrong.clone()
        x_adv = start[n : n + 1].clone()
        for i in range(1, STEPS + 1):
            x_adv = x_adv.detach().requires_grad_()
            features = model.backbone(x_adv) if prototypes else None
            logits = model(x_adv)[0]
            ever |= (logits.argmax(0) != truth) & valid
            right, became = valid & ~ever, ever & ~wrong
            ce = F.cross_entropy(logits[None], truth[None], reduction="none")[0]
            region = (2 * STEPS - i) / (2 * STEPS) * ce[right].sum()
            region = region + (i - 1) / (2 * STEPS) * ce[became].sum()
            region = (region + 1 / (2 * STEPS) * ce[wrong].sum()) / valid.sum()
            loss = region
            if prototypes:
                features = F.interpolate(
                    features, truth.shape, mode="bilinear", align_corners=False
                )[0]
                loss = 0.75 * region + 0.25 * straight_similarity(features, right, truth)
            (gradient,) = torch.autograd.grad(loss, x_adv)
            moved = x_adv.detach() + STEP * gradient.sign()
            x_adv = (image + (moved - image).clamp(-EPS, EPS)).clamp(0, 1)
        answers.append(x_adv)
        sizes.append([int(right.sum()), int(became.sum()), int(wrong.sum())])
    assert all(min(of_image) > 0 for of_image in sizes)  # or the test would not see a region
    return torch.cat(answers)


def test_regions_are_the_equations():
    model, x, labels = strided_problem()
    start = start_of(x)
    answer = rp_pgd(**FIXED)(model, x, labels, start=start)
    expected = straight_rp_pgd(model, x, labels, start, prototypes=False)
    torch.testing.assert_close(answer, expected, atol=1e-9, rtol=0)


def test_regions_and_prototypes_are_the_equations():
    """Also where the layer is of another size than the labels, which ours never interpolates."""
    model, x, labels = strided_problem()
    start = start_of(x)
    answer = rp_pgd(**FIXED, layer="backbone")(model, x, labels, start=start)
    expected = straight_rp_pgd(model, x, labels, start, prototypes=True)
    torch.testing.assert_close(answer, expected, atol=1e-9, rtol=0)
    assert not torch.allclose(answer, rp_pgd(**FIXED)(model, x, labels, start=start), atol=1e-4)


def test_the_gradient_is_that_of_both_parts_in_their_shares():
    """Signs alone would hide a factor: one step of L2 does not."""
    model, x, labels = strided_problem()
    x, labels = x[:1], labels[:1]
    attack = rp_pgd(0.3, 0.1, 1, norm=2, layer="backbone", random_start=False)
    answer = attack(model, x, labels)
    leaf = x.clone().requires_grad_()
    logits, valid = model(leaf), labels != 255
    truth = labels.masked_fill(~valid, 0)
    right = (logits.argmax(1) == truth) & valid
    wrong = (logits.argmax(1) != truth) & valid
    ce = F.cross_entropy(logits, truth, reduction="none")
    region = (0.5 * ce[right].sum() + 0.5 * ce[wrong].sum()) / valid.sum()
    features = F.interpolate(
        model.backbone(leaf), truth.shape[1:], mode="bilinear", align_corners=False
    )
    loss = 0.75 * region + 0.25 * straight_similarity(features[0], right[0], truth[0])
    (gradient,) = torch.autograd.grad(loss, leaf)
    torch.testing.assert_close(answer, x + 0.1 * gradient / gradient.norm(), atol=1e-12, rtol=0)


def test_regions_remember():
    """T only shrinks, F never changes, and B never gives a pixel back."""
    model, x, labels = tiny_problem()
    valid = labels != 255
    clean_wrong = (model(x).argmax(1) != labels) & valid
    ever, run = clean_wrong.clone(), rp_pgd(**FIXED)
    for iterate in run.iterates(model, x, labels, generator=torch.Generator().manual_seed(0)):
        forward = iterate.forward
        ever |= forward.fooled
        if forward.weights is None:
            continue
        expected = torch.where(
            ever, forward.step / (2 * STEPS), 1 - (forward.step + 1) / (2 * STEPS)
        )
        expected = torch.where(clean_wrong, 1 / (2 * STEPS), expected) * valid
        torch.testing.assert_close(forward.weights, expected)
    assert (ever & ~clean_wrong & ~forward.fooled).any()  # became wrong and is right again


def test_the_regions_are_of_the_image_and_not_of_the_random_start():
    model, x, labels = tiny_problem()
    at_start = next(pgd(**FIXED).iterates(model, x, labels, start=start_of(x))).forward.fooled
    first = next(rp_pgd(**FIXED).iterates(model, x, labels, start=start_of(x))).forward
    clean = next(pgd(**FIXED, random_start=False).iterates(model, x, labels)).forward.fooled
    flipped = at_start & ~clean  # by the noise: in B, which weighs nothing in the first step
    assert flipped.any()
    assert not first.weights[flipped].any()
    assert (first.weights[clean] == 1 / (2 * STEPS)).all()


def test_where_nothing_is_fooled_it_is_pgd():
    model, x, labels = tiny_problem(dtype=torch.float64)
    labels = torch.where(labels == 255, labels, model(x).argmax(1))
    options = {"eps": 1e-5, "step_size": 2e-6, "steps": 5, "random_start": False}
    for iterate in rp_pgd(**options).iterates(model, x, labels):
        assert not iterate.forward.fooled.any()
    assert torch.equal(rp_pgd(**options)(model, x, labels), pgd(**options)(model, x, labels))


def test_prototypes_are_drawn_together():
    model, x, labels = strided_problem()
    valid = labels != 255
    right = (model(x).argmax(1) == labels) & valid

    def similarity(images):
        features = model.backbone(images)
        return prototype_similarity(features, right, labels.masked_fill(~valid, 0), 4)

    options = {"eps": 0.01, "step_size": 0.001, "steps": 1, "random_start": False}
    drawn = similarity(rp_pgd(**options, layer="backbone")(model, x, labels))
    assert (drawn > similarity(rp_pgd(**options)(model, x, labels))).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 9))
def test_similarity_is_the_mean_cosine_of_pairs(seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 5, height, width, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (2, 6, 8), generator=generator)
    right = torch.rand(2, 6, 8, generator=generator) < 0.3
    ours = prototype_similarity(features, right, labels, 4)
    large = F.interpolate(features, (6, 8), mode="bilinear", align_corners=False)
    for n in range(2):
        expected = straight_similarity(large[n], right[n], labels[n])
        torch.testing.assert_close(ours[n], expected, atol=1e-12, rtol=0)
    assert ((ours >= -1 - 1e-12) & (ours <= 1 + 1e-12)).all()


def test_a_weighting_inside_another_takes_the_first_point_for_the_image():
    model, x, labels = tiny_problem()
    first = next(pgd(**FIXED).iterates(model, x, labels, start=start_of(x))).forward
    weights = RegionWeights().start()(first)
    assert torch.equal(weights == 1 / (2 * STEPS), first.fooled | (weights == 1 / (2 * STEPS)))
    assert (weights[first.fooled] == 1 / (2 * STEPS)).all()
    assert torch.equal(weights, RegionWeights()(first))


def test_one_run_leaves_no_memory_to_the_next():
    model, x, labels = tiny_problem()
    attack = rp_pgd(**FIXED, random_start=False)
    assert torch.equal(attack(model, x, labels), attack(model, x, labels))


def test_refusals():
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match="layer is 'body' and targeted is True"):
        rp_pgd(layer="body", targeted=True)
    with pytest.raises(InputError, match="layer 'neck' does not exist"):
        rp_pgd(layer="neck")(model, x, labels)

    class Flat(TinyNet):
        def __init__(self):
            super().__init__()
            self.flat = nn.Flatten()

        def forward(self, images):
            self.flat(images)
            return super().forward(images)

    with pytest.raises(InputError, match=r"layer 'flat' gives \(2, 504\)"):
        rp_pgd(layer="flat")(Flat().eval(), x, labels)

    class Layered:
        layers = ("body",)

        def __call__(self, logits, labels, activations):
            return cross_entropy(logits, labels)

    attack = GradientAttack(
        ThreatModel(EPS), SteepestStep(STEP), 2, Layered(), RegionWeights("body")
    )
    with pytest.raises(InputError, match="give one without layers"):
        attack(model, x, labels)


def test_half_precision_features_are_averaged_in_float32():
    model, x, labels = strided_problem()
    features, right = model.backbone(x), labels == model(x).argmax(1)
    labels = labels.masked_fill(labels == 255, 0)
    exact = prototype_similarity(features, right, labels, 4)
    attack = rp_pgd(**FIXED, layer="backbone")
    x_adv = attack(model.bfloat16(), x.float(), labels)
    assert x_adv.isfinite().all()
    assert exact.isfinite().all()


def test_it_is_everywhere():
    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ours

    assert art.RPPGD.spec is ours.RPPGD.spec is ATTACKS["rp-pgd"]
    assert named("rp-pgd-100", "paper").described()["step_size"] == 0.01
    model, x, labels = tiny_problem()
    x_adv = ours.RPPGD(model, eps=EPS, alpha=STEP, steps=3, layer="body")(x, labels)
    assert 0 < (x_adv - x).abs().max() <= EPS * 1.0001
