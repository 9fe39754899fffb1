import pytest
import torch
import torch.nn.functional as F
from torch import nn
from training import by_hand

from art_segplugin.errors import InputError
from art_segplugin.heads import to_hypersphere
from art_segplugin.training import Supervised, TrainingBatch, WeightedCrossEntropy

IMAGES = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 255, 1] * 8).view(2, 4, 5)
WEIGHTS = torch.tensor([0.5, 1.0, 4.0])
LOGITS = 3 * torch.randn(
    2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
)


def supervised(model, images, labels, **values):
    batch = TrainingBatch(images, labels, tuple(range(len(images))), tuple(range(len(images))))
    return Supervised(WeightedCrossEntropy(**values))(model, batch)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_sum_over_total_is_the_weighted_mean_of_the_valid_pixels(weights):
    loss = WeightedCrossEntropy(255, weights)
    found = loss(LOGITS, LABELS) / loss.total(LABELS).double()
    torch.testing.assert_close(found, by_hand.mean_cross_entropy(LOGITS, LABELS, weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_parts_add_up_to_the_whole(weights):
    loss = WeightedCrossEntropy(255, weights, 10.0, 0.2)
    parts = [loss(LOGITS[[i]], LABELS[[i]]) for i in range(2)]
    torch.testing.assert_close(sum(parts), loss(LOGITS, LABELS))
    totals = [loss.total(LABELS[[i]]) for i in range(2)]
    torch.testing.assert_close(sum(totals), loss.total(LABELS))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_is_torchs_own(weights):
    model = nn.Conv2d(3, 3, 1)
    expected = F.cross_entropy(model(IMAGES), LABELS, weights, ignore_index=255)
    torch.testing.assert_close(supervised(model, IMAGES, LABELS, class_weights=weights), expected)


@pytest.mark.parametrize(("scale", "margin"), [(15.0, 0.2), (1.0, 1.5)])
def test_the_margin_lowers_the_cosine_of_the_label(scale, margin):
    """-log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum of the others' e^(s cos)))."""
    cosines = F.normalize(LOGITS, dim=1)
    onehot = F.one_hot(LABELS.where(LABELS != 255, 0), 3).movedim(-1, 1)
    found = WeightedCrossEntropy(255, WEIGHTS, scale, margin)(scale * cosines, LABELS)
    lowered = scale * (cosines - margin * onehot)
    each = WEIGHTS.double()[LABELS[LABELS != 255]]
    expected = (each * by_hand.cross_entropies(lowered, LABELS)).sum()
    torch.testing.assert_close(found, expected)
    assert found > WeightedCrossEntropy(255, WEIGHTS, scale)(scale * cosines, LABELS)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_void_pixels_have_no_gradient(margin):
    logits = LOGITS.clone().requires_grad_()
    WeightedCrossEntropy(255, WEIGHTS, 2.0, margin)(logits, LABELS).backward()
    void = (LABELS == 255)[:, None].expand_as(logits)
    assert not logits.grad[void].any()
    assert logits.grad[~void].all()


def test_only_void_pixels_cost_nothing():
    model = nn.Conv2d(3, 3, 1)
    loss = supervised(model, IMAGES, torch.full_like(LABELS, 255))
    loss.backward()
    assert loss == 0
    assert model.weight.grad.abs().sum() == 0


def test_few_light_pixels_are_a_mean_too():
    """A batch whose weights add up to less than 1, as those of two images of a light class do."""
    model, weights = nn.Conv2d(3, 3, 1), torch.tensor([0.1, 1.0, 1.0])
    images, labels = torch.rand(2, 3, 1, 1), torch.zeros(2, 1, 1, dtype=torch.int64)
    expected = F.cross_entropy(model(images), labels, weights)
    torch.testing.assert_close(supervised(model, images, labels, class_weights=weights), expected)


def test_a_negative_index_and_class_255_get_along():
    logits = torch.randn(1, 256, 1, 2, dtype=torch.float64)
    labels = torch.tensor([[[255, -100]]])
    loss = WeightedCrossEntropy(-100)
    assert loss.total(labels) == 1
    expected = F.cross_entropy(logits[..., :1], labels[..., :1])
    torch.testing.assert_close(loss(logits, labels), expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_negative_labels_are_void_too(weights, margin):
    labels = LABELS.masked_fill(LABELS == 2, -1)
    void = LABELS.masked_fill(LABELS == 2, 255)
    loss = WeightedCrossEntropy(255, weights, 2.0, margin)
    assert torch.equal(loss(LOGITS, labels), loss(LOGITS, void))
    assert torch.equal(loss.total(labels), loss.total(void))
    assert torch.equal(loss.valid(labels), void != 255)


def test_scale_and_margin_have_to_fit_the_head():
    plain, sphere = nn.Conv2d(3, 3, 1), to_hypersphere(nn.Sequential(nn.Conv2d(3, 3, 1)), 3, 10.0)
    WeightedCrossEntropy().check_head(plain)
    WeightedCrossEntropy(scale=10.0, margin=0.2).check_head(sphere)
    with pytest.raises(InputError, match=r"margin is 0\.2 and the model has no hypersphere head"):
        WeightedCrossEntropy(scale=10.0, margin=0.2).check_head(plain)
    for margin in (0.0, 0.2):
        with pytest.raises(InputError, match=r"scale is 15 and the .* head of the model has 10;"):
            WeightedCrossEntropy(scale=15.0, margin=margin).check_head(sphere)


def test_described_is_what_tells_it_apart():
    losses = [
        WeightedCrossEntropy(),
        WeightedCrossEntropy(255, WEIGHTS),
        WeightedCrossEntropy(255, WEIGHTS, 1.0, 0.1),
    ]
    assert len({Supervised(loss).name for loss in losses}) == 3
    assert losses[1].described() == {"weights": [0.5, 1.0, 4.0], "scale": 1.0, "margin": 0.0}
