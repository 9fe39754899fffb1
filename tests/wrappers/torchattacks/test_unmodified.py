import inspect
import pickle

import pytest
import torch
import torchattacks
from oracles import tiny_problem
from torch import nn

from art_segplugin import attacks
from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks import for_segmentation, to_torchattacks_labels
from art_segplugin.wrappers.torchattacks.unmodified import REFUSED, WORKING

LABEL_FREE = {"GN", "TPGD", "VANILA"}
EPS = {"PGDL2": 1.0, "PIFGSM": 16 / 255, "PIFGSMPP": 16 / 255, "GN": 1.0, "VANILA": 0.0}

every_attack = pytest.mark.parametrize("name", WORKING)


class DictNet(nn.Module):
    """Half-size logits in a dict, as torchvision's models return them before enlarging."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return {"out": nn.functional.avg_pool2d(self.net(x), 2)}


@pytest.fixture
def problem():
    net, x, labels = tiny_problem()
    return DictNet(net).eval(), x, labels


def made(name, model, **options):
    return for_segmentation(getattr(torchattacks, name))(model, **options)


def seeded(attack, *arguments):
    torch.manual_seed(1)
    return attack(*arguments)


def loss(attack, images, labels):
    logits = attack.get_logits(images)
    return nn.functional.cross_entropy(logits, labels, ignore_index=attack.ignore_index).item()


def test_every_attack_of_torchattacks_is_brought_over_or_refused():
    assert len(WORKING) == 18
    theirs = [
        name
        for name in torchattacks.__all__  # register() adds ours
        if getattr(torchattacks, name).__module__.startswith("torchattacks.")
    ]
    assert sorted((*WORKING, *REFUSED)) == sorted(theirs)


@every_attack
def test_runs_on_a_rectangle_with_void_pixels_and_a_dict_of_coarse_logits(problem, name):
    model, x, labels = problem
    attack = made(name, model)
    model.train()
    adv_images = seeded(attack, x, labels)
    assert adv_images.shape == x.shape
    assert 0 <= adv_images.min() <= adv_images.max() <= 1
    length = (adv_images - x).flatten(1).norm(dim=1, p=2 if name == "PGDL2" else torch.inf)
    assert (length <= EPS.get(name, 8 / 255) + 1e-6).all()
    assert all(module.training for module in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    model.eval()
    if name not in LABEL_FREE:
        assert loss(attack, adv_images, labels) > loss(attack, x, labels)


@every_attack
def test_is_the_unmodified_attack(problem, name):
    """Equal to what torchattacks itself does on plain logits of image size and labels of -100."""
    model, x, labels = problem
    net = model.net
    plain = getattr(torchattacks, name)(net)
    expected = seeded(plain, x, to_torchattacks_labels(labels))
    assert torch.equal(seeded(made(name, net), x, labels), expected)


@pytest.mark.parametrize("name", [name for name in WORKING if name not in LABEL_FREE])
def test_void_pixels_do_not_steer_the_attack(name):
    """What the model says on void pixels must not matter: its bias there is arbitrary."""
    net, x, labels = tiny_problem()
    bias = torch.zeros(2, 4, 12, 14)
    bias[:, 2, 0] = 3.0
    expected = seeded(made(name, net), x, labels)
    assert torch.equal(seeded(made(name, lambda images: net(images) + bias), x, labels), expected)


@every_attack
def test_an_image_without_valid_pixels_comes_back(problem, name):
    model, x, labels = problem
    labels[1] = 255
    adv_images = made(name, model)(x, labels)
    assert torch.equal(adv_images[1], x[1])
    assert adv_images.isfinite().all()


@pytest.mark.parametrize("mode", ["by_label", "by_function", "random", "least_likely"])
@every_attack
def test_targeted(problem, name, mode):
    model, x, labels = problem
    attack = made(name, model)
    arguments = (lambda images, labels: (labels + 1) % 4,) if mode == "by_function" else ()
    switch = getattr(attack, f"set_mode_targeted_{mode}")
    if "targeted" not in attack.supported_mode:
        with pytest.raises(ValueError, match="not supported"):
            switch(*arguments, quiet=True)
        return
    switch(*arguments, quiet=True)
    given = torch.where(labels == 255, 255, (labels + 1) % 4) if mode == "by_label" else labels
    seen = []
    choose = attack.get_target_label
    attack.get_target_label = lambda *a: seen.append(choose(*a)) or seen[-1]
    adv_images = seeded(attack, x, given)
    wanted = seen[0]
    assert torch.equal(wanted == -100, labels == 255)
    assert not (wanted == labels).any()
    wanted = wanted.masked_fill(wanted == -100, 255)
    assert loss(attack, adv_images, wanted) < loss(attack, x, wanted)


@pytest.mark.parametrize("name", sorted(LABEL_FREE))
def test_labels_may_be_left_out_where_the_attack_uses_none(problem, name):
    model, x, labels = problem
    attack = made(name, model)
    assert torch.equal(seeded(attack, x), seeded(attack, x, labels))


def test_labels_may_not_be_left_out_elsewhere(problem):
    model, x, _ = problem
    with pytest.raises(InputError, match="PGD was called without labels"):
        made("PGD", model)(x)


def test_pgd_agrees_with_ours():
    net, x, labels = tiny_problem(dtype=torch.float64)
    ours = attacks.pgd(steps=10, random_start=False)(net, x, labels)
    theirs = made("PGD", net, steps=10, random_start=False)(x, labels)
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss_name", ["dlr", "margin"])
def test_losses_of_upgd_for_one_label_are_refused(problem, loss_name):
    model, x, labels = problem
    with pytest.raises(InputError, match=f"loss is '{loss_name}'"):
        made("UPGD", model, loss=loss_name)(x, labels)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refusals_give_the_reason_in_one_sentence(name):
    with pytest.raises(
        InputError, match=f"^torchattacks.{name} cannot attack label maps: "
    ) as caught:
        for_segmentation(getattr(torchattacks, name))
    assert REFUSED[name] in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "attack", [torch.nn.ReLU, "PGD", torchattacks.PGD(nn.Conv2d(3, 3, 1)), pickle.Pickler]
)
def test_anything_else_is_refused(attack):
    with pytest.raises(InputError, match="no attack class of torchattacks"):
        for_segmentation(attack)


def test_8_bit_labels_do_not_wrap_a_negative_void():
    labels = torch.tensor([[[255, 156, 2]]], dtype=torch.uint8)
    assert to_torchattacks_labels(labels, -1).tolist() == labels.tolist()
    assert to_torchattacks_labels(labels).tolist() == [[[-100, 156, 2]]]


def test_the_way_named_for_lgv_works():
    net, x, labels = tiny_problem()
    loader = [(x, to_torchattacks_labels(labels))]
    attack = torchattacks.LGV(
        net,
        loader,
        epochs=1,
        nb_models_epoch=1,
        verbose=False,
        attack_class=for_segmentation(torchattacks.BIM),
        ignore_index=-100,
    )
    adv_images = attack(x, to_torchattacks_labels(labels))
    assert 0 < (adv_images - x).abs().max() <= 8 / 255 + 1e-6


@every_attack
def test_class_reads_like_the_original(name):
    original = getattr(torchattacks, name)
    made_class = for_segmentation(original)
    assert issubclass(made_class, original)
    assert for_segmentation(original) is made_class
    parameters = inspect.signature(made_class).parameters
    assert list(parameters) == [*inspect.signature(original).parameters, "ignore_index"]
    assert parameters["ignore_index"].default == 255


def test_pickle_and_repr(problem):
    model, x, labels = problem
    attack = made("MIFGSM", model, eps=0.05, ignore_index=255)
    copy = pickle.loads(pickle.dumps(attack))  # of our own making
    assert repr(copy) == repr(attack)
    assert repr(attack).startswith("MIFGSM(ignore_index=255, model_name=DictNet")
    assert torch.equal(copy(x, labels), attack(x, labels))


def test_to_torchattacks_labels():
    labels = torch.tensor([[[0, 255], [7, 3]]], dtype=torch.uint8)
    translated = to_torchattacks_labels(labels)
    assert translated.dtype == torch.int64
    assert translated.tolist() == [[[0, -100], [7, 3]]]
    assert to_torchattacks_labels(labels, ignore_index=7).tolist() == [[[0, 255], [-100, 3]]]


@pytest.mark.gpu
@every_attack
def test_runs_on_cuda(problem, name):
    model, x, labels = problem
    attack = made(name, model.cuda())
    adv_images = attack(x, labels)
    assert adv_images.is_cuda
    if name not in LABEL_FREE:
        x, labels = x.cuda(), labels.cuda()
        assert loss(attack, adv_images, labels) > loss(attack, x, labels)
