"""Models whose output has no gradient in the images: one sentence, in everything that attacks."""

import pytest
import torch
import torchattacks
from art.estimators.classification import PyTorchClassifier
from torch import nn

from art_segplugin.attacks import segpgd
from art_segplugin.core.forward_pass import NO_GRADIENT
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import PyTorchSegmenter, SegPGD

X, LABELS = torch.rand(2, 3, 6, 7), torch.zeros(2, 6, 7, dtype=torch.long)


class Cut(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.net, self.how = nn.Conv2d(3, 4, 3, padding=1), how

    def forward(self, x):
        return self.how(self.net, x)


def no_grad(net, x):
    with torch.no_grad():
        return net(x)


def inference_mode(net, x):
    with torch.inference_mode():
        return net(x)


def class_map(net, x):
    return nn.functional.one_hot(net(x).argmax(1), 4).permute(0, 3, 1, 2).float()


WAYS = {
    "no_grad": no_grad,
    "inference_mode": inference_mode,
    "detached images": lambda net, x: net(x.detach()),
    "detached logits": lambda net, x: net(x).detach(),
    "images of NumPy": lambda net, x: net(torch.from_numpy(x.numpy())),
    "logits of NumPy": lambda net, x: torch.from_numpy(net(x).numpy()),
    "arg max": class_map,
    "images unused": lambda net, x: net.bias.view(1, -1, 1, 1).expand(len(x), 4, *x.shape[2:]),
}
every_way = pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)


@every_way
def test_one_sentence(how):
    model = Cut(how).eval()
    options = {"device_type": "cpu", "clip_values": (0, 1)}
    estimator = PyTorchSegmenter(model, input_shape=(3, 6, 7), nb_classes=4, **options)
    network = nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = PyTorchClassifier(network, nn.CrossEntropyLoss(), (3, 6, 7), 4, **options)
    unmodified = [ta.for_segmentation(a) for a in (torchattacks.PGD, torchattacks.PIFGSM)]
    for ask in (
        lambda: segpgd(steps=1)(model, X, LABELS),
        lambda: segpgd(steps=1)(Segmenter(model), X, LABELS),
        lambda: Segmenter(model).validate(X, LABELS),
        lambda: estimator.loss_gradient(X, LABELS),
        lambda: SegPGD(estimator, verbose=False).generate(X, LABELS),
        lambda: SegPGD(classifier, verbose=False).generate(X, LABELS[:, 0, 0]),
        lambda: ta.SegPGD(model)(X, LABELS),
        lambda: unmodified[0](model)(X, LABELS),
        lambda: unmodified[1](model)(X, LABELS),
    ):
        with pytest.raises(InputError) as caught:
            ask()
        assert str(caught.value) == NO_GRADIENT


def test_weights_made_in_inference_mode():
    with torch.inference_mode():
        model = nn.Conv2d(3, 4, 3, padding=1)
    estimator = PyTorchSegmenter(model, input_shape=(3, 6, 7), nb_classes=4, device_type="cpu")
    for ask in (
        lambda: segpgd(steps=1)(model, X, LABELS),
        lambda: estimator.loss_gradient(X, LABELS),
        lambda: ta.SegPGD(model)(X, LABELS),
    ):
        with pytest.raises(InputError, match=r"make or load it outside torch\.inference_mode"):
            ask()


def test_other_errors_of_the_model_are_left_as_they_are():
    def broken(net, x):
        raise RuntimeError("something else")

    for ask in (
        lambda: segpgd()(Cut(broken), X, LABELS),
        lambda: ta.SegPGD(Cut(broken))(X, LABELS),
    ):
        with pytest.raises(RuntimeError, match="something else"):
            ask()
