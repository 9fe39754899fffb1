from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from art_segplugin.errors import InputError
from art_segplugin.models.outputs import pixel_logits

LOGITS = torch.randn(2, 5, 6, 8)
OTHER = torch.randn(2, 5, 6, 8)


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        {"aux": OTHER, "out": LOGITS},
        {"loss": torch.zeros(()), "logits": LOGITS},
        {"logits": OTHER, "out": LOGITS},
        SimpleNamespace(logits=LOGITS, hidden_states=OTHER),
        (LOGITS, torch.randn(2, 5)),
        [torch.randn(2, 5), LOGITS, OTHER.argmax(1, keepdim=True)],
    ],
    ids=["tensor", "out", "logits", "out-first", "attribute", "tuple", "list"],
)
def test_finds_the_logits(output):
    assert pixel_logits(output, (6, 8)) is LOGITS


def test_enlarges_inside_autograd():
    logits = LOGITS.clone().requires_grad_()
    enlarged = pixel_logits({"out": logits}, (24, 32))
    assert torch.equal(
        enlarged, F.interpolate(logits, (24, 32), mode="bilinear", align_corners=False)
    )
    (gradient,) = torch.autograd.grad(enlarged.sum(), logits)
    assert gradient.sum().item() == pytest.approx(2 * 5 * 24 * 32)


def test_queries_give_log_scores_with_the_usual_class_map():
    classes, masks = torch.randn(2, 7, 5), torch.randn(2, 7, 6, 8)
    output = SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks)
    logits = pixel_logits(output, (12, 16))
    scores = torch.einsum("bqc,bqhw->bchw", classes.softmax(-1)[..., :-1], masks.sigmoid())
    scores = F.interpolate(scores, (12, 16), mode="bilinear", align_corners=False)
    assert logits.shape == (2, 4, 12, 16)
    assert torch.equal(logits.argmax(1), scores.argmax(1))
    torch.testing.assert_close(logits.softmax(1), scores / scores.sum(1, keepdim=True))
    torch.testing.assert_close(logits, (scores / scores.sum(1, keepdim=True)).log())


def test_queries_of_one_class_tell_it_from_none():
    masks = torch.randn(2, 1, 6, 8)
    output = SimpleNamespace(
        class_queries_logits=torch.tensor([[[2.0, 0.0]]]).expand(2, 1, 2),
        masks_queries_logits=masks,
    )
    logits = pixel_logits(output, (6, 8))
    score = torch.tensor(2.0).sigmoid() * masks.sigmoid()
    torch.testing.assert_close(logits.softmax(1), torch.cat((1 - score, score), 1))


def test_queries_that_cover_nothing_have_no_nan():
    masks = torch.full((1, 2, 4, 4), -200.0, requires_grad=True)
    output = SimpleNamespace(class_queries_logits=torch.zeros(1, 2, 4), masks_queries_logits=masks)
    logits = pixel_logits(output, (8, 8))
    torch.testing.assert_close(logits.softmax(1), torch.full((1, 3, 8, 8), 1 / 3))
    assert torch.autograd.grad(logits[:, 0].sum(), masks)[0].isfinite().all()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (torch.zeros(2, 6, 8), r"shape \(2, 6, 8\).*before the argmax"),
        (torch.zeros(2, 10), r"shape \(2, 10\).*is this a segmentation model"),
        ({"masks": LOGITS}, "mapping with 'masks'"),
        ((torch.zeros(2, 10), None), "tuple without a tensor"),
        (None, "a NoneType, in which no logits"),
        (SimpleNamespace(prediction=LOGITS), "a SimpleNamespace, in which no logits"),
    ],
)
def test_says_what_it_cannot_use(output, message):
    with pytest.raises(InputError, match=message):
        pixel_logits(output, (6, 8))
