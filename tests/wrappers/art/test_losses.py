import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.losses import batch_loss, image_losses, zero_one_losses

torch.manual_seed(0)
LOGITS = torch.randn(3, 4, 5, 6, dtype=torch.float64)
LABELS = torch.randint(4, (3, 5, 6))
LABELS[0, :2] = 255
LABELS[2] = 255  # an image that is all void

LOSSES = {
    "map": nn.CrossEntropyLoss(ignore_index=255, reduction="none"),
    "scalar": nn.CrossEntropyLoss(ignore_index=255),
    "scalar with another void index": nn.CrossEntropyLoss(),  # its ignore_index is -100
}


def by_hand():
    kept = [LABELS[i] != 255 for i in (0, 1)]
    return [F.cross_entropy(LOGITS[i][:, k].T, LABELS[i][k]) for i, k in enumerate(kept)]


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_valid_pixel_means_and_an_all_void_image_is_0(loss):
    losses = image_losses(loss, LOGITS, LABELS, 255)
    assert torch.allclose(losses, torch.stack([*by_hand(), LOGITS.new_zeros(())]))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_all_void_batch_has_loss_and_gradient_0(loss):
    logits = LOGITS.clone().requires_grad_()
    void = torch.full_like(LABELS, 255)
    for total in (batch_loss(loss, logits, void, 255), image_losses(loss, logits, void, 255).sum()):
        (gradient,) = torch.autograd.grad(total, logits)
        assert total == 0
        assert not gradient.any()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_loss_of_a_batch_is_the_mean_over_its_valid_pixels(loss):
    valid = LABELS != 255
    expected = F.cross_entropy(LOGITS.movedim(1, -1)[valid], LABELS[valid])
    assert torch.allclose(batch_loss(loss, LOGITS, LABELS, 255), expected)


def test_a_function_without_ignore_index_gets_that_of_the_estimator():
    seen = []

    def loss(logits, labels):
        seen.append(labels)
        return logits.mean()

    batch_loss(loss, LOGITS, LABELS, 255)
    assert torch.equal(seen[0], LABELS)


def test_a_loss_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"the loss returned shape \(1,\)"):
        image_losses(lambda logits, labels: logits.mean((1, 2, 3)), LOGITS, LABELS, 255)


def test_zero_one_losses_count_valid_pixels_only():
    labels = LOGITS.argmax(1)
    labels[0, 0, 0] = (labels[0, 0, 0] + 1) % 4
    labels[0, 1:] = 255
    assert torch.allclose(
        zero_one_losses(LOGITS, labels, 255), torch.tensor([1 / 6, 0, 0], dtype=torch.float64)
    )


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_no_loss_is_evaluated_on_the_batch_in_vain(loss):
    """A scalar one is asked for one image to learn its kind, then for each that is not void."""
    images = []

    def counted(logits, labels):
        images.append(len(logits))
        return loss(logits, labels.masked_fill(labels == 255, getattr(loss, "ignore_index", 255)))

    image_losses(counted, LOGITS, LABELS, 255)
    assert images == ([1, 3] if loss is LOSSES["map"] else [1, 1, 1])


def test_a_loss_that_says_it_is_a_map_is_evaluated_once():
    calls = []

    class Counted(nn.CrossEntropyLoss):
        def forward(self, logits, labels):
            calls.append(len(logits))
            return super().forward(logits, labels)

    image_losses(Counted(ignore_index=255, reduction="none"), LOGITS, LABELS, 255)
    assert calls == [3]
