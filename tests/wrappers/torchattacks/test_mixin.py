import warnings
from types import SimpleNamespace

import pytest
import torch
import torchattacks
from oracles import tiny_problem
from torch import nn

from art_segplugin import attacks
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.torchattacks import SegAttackMixin, SegPGD, for_segmentation

MEAN, STD = (0.48, 0.45, 0.4), (0.22, 0.23, 0.25)


class Coarse(nn.Module):
    """Answers at half the size, packed as some library does."""

    def __init__(self, net, pack):
        super().__init__()
        self.net = net
        self.pack = pack

    def forward(self, x):
        return self.pack(nn.functional.avg_pool2d(self.net(x), 2))


PACKS = {
    "tensor": lambda logits: logits,
    "dict": lambda logits: {"out": logits, "aux": logits[:, :1]},
    "object": lambda logits: SimpleNamespace(logits=logits),
    "tuple": lambda logits: (logits.new_zeros(1), logits),
}


@pytest.mark.parametrize("pack", PACKS)
def test_every_kind_of_output_and_size(pack):
    net, x, labels = tiny_problem()
    model = Coarse(net, PACKS[pack]).eval()
    expected = attacks.segpgd(steps=3, random_start=False)(Segmenter(model), x, labels)
    assert torch.equal(SegPGD(model, steps=3, random_start=False)(x, labels), expected)


@pytest.mark.parametrize("as_list", [list, lambda values: torch.tensor(values).double().numpy()])
def test_normalised_images(as_list):
    """The attack of a model that wants normalised images is that of a model which normalises."""
    net, x, labels = tiny_problem()
    expected = attacks.segpgd(steps=3, random_start=False)(
        Segmenter(net, mean=MEAN, std=STD), x, labels
    )
    attack = SegPGD(net, steps=3, random_start=False)
    attack.set_normalization_used(as_list(MEAN), as_list(STD))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    adv_images = attack((x - mean) / std, labels)
    assert adv_images.dtype == x.dtype
    far = (adv_images * std + mean - expected).abs() > 1e-6
    assert far.float().mean() < 0.01  # a sign may flip where undoing the normalisation rounds


def modes(model):
    return [module.training for module in model.modules()]


class Failing(nn.Module):
    def forward(self, x):
        raise ArithmeticError


@pytest.mark.parametrize("options", [{}, {"model_training": True}])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_every_module_and_the_normalisation_get_their_state_back(options, fails, training):
    model, x, labels = tiny_problem()
    model.train(training)
    model.body[1].training = not training
    if fails:
        model.head = Failing()
    before = modes(model)
    attack = SegPGD(model, steps=1)
    attack.set_model_training_mode(**options)
    attack.set_normalization_used([0.0] * 3, [1.0] * 3)
    if fails:
        with pytest.raises(ArithmeticError):
            attack(x, labels)
    else:
        attack(x, labels)
    assert modes(model) == before
    assert attack._normalization_applied is True


@pytest.mark.parametrize("batchnorm_training", [False, True])
def test_model_runs_in_the_chosen_mode(batchnorm_training):
    model, x, labels = tiny_problem()
    seen = []
    model.register_forward_hook(lambda *_: seen.append(modes(model)[2:6]))
    attack = SegPGD(model, steps=1)
    model.train()
    attack(x, labels)
    attack.set_model_training_mode(True, batchnorm_training=batchnorm_training)
    attack(x, labels)
    # convolution, batch norm, activation, dropout; the first call looks at clean images besides
    assert seen == [[False] * 4, [False] * 4, [True, batchnorm_training, True, False]]


def test_chosen_modes_of_a_function():
    net, x, labels = tiny_problem()
    attack = SegPGD(lambda images: net(images), steps=1, random_start=False)
    expected = attack(x, labels)
    attack.set_model_training_mode(True)
    assert torch.equal(attack(x, labels), expected)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_model_may_start_with_an_in_place_operation(normalised):
    net, x, labels = tiny_problem()
    attack, expected = (
        SegPGD(model, steps=2, random_start=False)
        for model in (lambda images: net(images.sub_(0.1)), lambda images: net(images - 0.1))
    )
    if normalised:
        for each in (attack, expected):
            each.set_normalization_used([0.1] * 3, [1.0] * 3)
    before = x.clone()
    given = attack.normalize(x) if normalised else x
    assert torch.equal(attack(given, labels), expected(given, labels))
    attack.save([(given, labels)], verbose=False)
    assert torch.equal(x, before)


@pytest.mark.parametrize("make", [SegPGD, for_segmentation(torchattacks.PGD)])
def test_outputs_that_are_no_logits_are_said_once_an_attack(make):
    net, x, labels = tiny_problem()
    broken = make(lambda images: net(images) * torch.nan, steps=3)
    with pytest.raises(InputError, match="output holds NaN or infinite values"):
        broken(x, labels)
    probabilities = make(lambda images: net(images).softmax(1), steps=3)
    with pytest.warns(UserWarning, match="looks like probabilities") as caught:
        probabilities(x, labels)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities(x, labels)


def test_no_images_give_no_images(tmp_path):
    model, x, labels = tiny_problem()
    attack = SegPGD(model, steps=1)
    assert attack(x[:0], labels[:0]).shape == (0, 3, 12, 14)
    loader = [(x, labels), (x[:0], labels[:0])]
    scores = attack.save(loader, verbose=False, return_verbose=True)
    assert scores.rob_acc > 0


def test_attributes_may_hold_tensors_and_attacks():
    model, x, labels = tiny_problem()

    class Own(SegAttackMixin):
        def forward(self, images, labels):
            return images + self.shifts[labels.numel() % 2] + self.named["zero"]

    own, inner = Own("Own", model), SegPGD(model, steps=1)
    own.shifts = [torch.zeros(3, 1, 1), torch.ones(3, 1, 1)]
    own.named = {"zero": torch.zeros(3, 12, 14), "inner": [inner]}
    assert torch.equal(own(x, labels), x)
    own.set_normalization_used([0.5] * 3, [0.2] * 3)
    assert (
        inner.normalization_used is not None
    )  # handed on to the attacks inside, as in torchattacks


def test_gradients_of_the_weights_and_the_inputs_are_left_alone():
    model, x, labels = tiny_problem()
    model.head.weight.grad = torch.ones_like(model.head.weight)
    kept = x.clone(), labels.clone()
    adv_images = SegPGD(model, steps=2)(x, labels)
    assert not adv_images.requires_grad
    assert torch.equal(model.head.weight.grad, torch.ones_like(model.head.weight))
    assert model.head.bias.grad is None
    assert torch.equal(x, kept[0])
    assert torch.equal(labels, kept[1])


def test_model_without_weights(capsys):
    net, x, labels = tiny_problem()
    attack = SegPGD(lambda images: net(images), steps=2, random_start=False)
    assert capsys.readouterr().out == ""
    assert torch.equal(attack(x, labels), SegPGD(net, steps=2, random_start=False)(x, labels))
    assert attack.device == x.device


def test_the_device_is_where_the_weights_are_now():
    model, x, labels = tiny_problem()
    attack = SegPGD(model, steps=1)
    model.to("meta")
    with pytest.raises(RuntimeError, match="meta"):  # asked for the values of the images
        attack(x, labels)
    assert attack.device.type == "meta"


def test_own_attack():
    class Inverting(SegAttackMixin):
        def forward(self, images, labels):
            return torch.where((labels == self.ignore_index).unsqueeze(1), images, 1 - images)

    model, x, labels = tiny_problem()
    attack = Inverting("Inverting", model, ignore_index=2)
    labels[:, 0] = 2
    adv_images = attack(x, labels.byte())
    assert torch.equal(adv_images[:, :, 0], x[:, :, 0])
    assert torch.equal(
        adv_images.permute(0, 2, 3, 1)[labels == 1], 1 - x.permute(0, 2, 3, 1)[labels == 1]
    )


def void_as(value):
    def change(x, labels):
        return x, torch.where(labels == 255, value, labels)

    return change


BAD_INPUTS = {
    "images go from 0 to 255": lambda x, y: (x.sub(x.min()).div(x.max() - x.min()) * 255, y),
    "images hold NaN": lambda x, y: (x * torch.nan, y),
    "images are torch.uint8": lambda x, y: (x.byte(), y),
    r"images are torch.float32 of shape \(3, 12, 14\)": lambda x, y: (x[0], y),
    "images are a ndarray": lambda x, y: (x.numpy(), y),
    "labels are a list": lambda x, y: (x, y.tolist()),
    r"labels are torch.int64 of shape \(2, 12, 13\)": lambda x, y: (x, y[:, :, 1:]),
    "labels are torch.float32": lambda x, y: (x, y.float()),
    "called without labels": lambda x, y: (x, None),
    "labels hold -1; give classes from 0": void_as(-1),
    "labels hold 4 and the model has the classes 0 to 3": void_as(4),
}


@pytest.mark.parametrize("words", BAD_INPUTS)
def test_bad_inputs_are_named(words):
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match=words) as caught:
        SegPGD(model, steps=1)(*BAD_INPUTS[words](x, labels))
    assert str(caught.value).endswith(".")


def test_range_is_checked_after_undoing_the_normalisation():
    model, x, labels = tiny_problem()
    attack = SegPGD(model, steps=1)
    attack.set_normalization_used(MEAN, STD)
    attack(attack.normalize(x), labels)
    with pytest.raises(InputError, match="after undoing the normalisation"):
        attack(x + 5, labels)
