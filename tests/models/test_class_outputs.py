from types import SimpleNamespace

import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models.outputs import class_logits

LOGITS = torch.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        LOGITS[..., None, None],
        SimpleNamespace(logits=LOGITS),
        {"logits": LOGITS},
        {"out": LOGITS[..., None, None]},
        SimpleNamespace(logits=LOGITS[..., None, None]),
    ],
)
def test_outputs_of_classifiers(output):
    assert torch.equal(class_logits(output, 2), LOGITS)


def test_the_graph_is_kept():
    logits = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(class_logits(logits[..., None, None], 2)[:, 1].sum(), logits)
    assert gradient.tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"scores": LOGITS}, r"a dict for one label per image; .*models\.Classifier, with output="),
        (None, "a NoneType"),
        (torch.zeros(2, 3, 4, 5), r"a tensor \(2, 3, 4, 5\) .* give label maps"),
        (torch.zeros(2, 0), r"a tensor \(2, 0\) .* one logit per class"),
        (torch.zeros(3), r"a tensor \(3,\) .* one logit per class"),
        (torch.zeros(2, dtype=torch.int64), r"a tensor \(2,\) .* before the argmax"),
        (torch.zeros(()), r"a tensor \(\) .* one logit per class"),
        (torch.zeros(2, 3, 4), r"a tensor \(2, 3, 4\)"),
        (torch.zeros(5, 3), r"a tensor \(5, 3\) .* expected logits \(2, classes\)"),
    ],
)
def test_other_outputs_are_refused(output, words):
    with pytest.raises(InputError, match=words) as caught:
        class_logits(output, 2)
    assert str(caught.value).endswith(".")
