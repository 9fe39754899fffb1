import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.core.task import TaskAttack
from art_segplugin.errors import InputError


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[0], y), "give floats (n, ch, h, w)"),
        (lambda x, y: ((x * 255).byte(), y), "images are torch.uint8"),
        (lambda x, y: (x, y[:, 1:]), "labels are torch.int64 of shape (2, 11, 14)"),
        (lambda x, y: (x, y.float()), "labels are torch.float32"),
        (lambda x, y: (x, y[:, 0, 0]), "or of shape (2, 1, 1), one per image, for a classifier."),
        (lambda x, y: (x, y[:1, :1, :1]), "of shape (1, 1, 1)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, words, monkeypatch):
    model, x, labels = tiny_problem()
    x, labels = change(x, labels)
    attack = pgd(0.1, 0.1, 1)
    # the public method without the run-time shape checks of the tests
    iterates = getattr(GradientAttack.iterates, "__wrapped__", GradientAttack.iterates)
    with pytest.raises(InputError) as caught:
        list(iterates(attack, model, x, labels))
    assert words in str(caught.value)


def test_low_resolution_logits_are_explained():
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match=r"wrap the model in art_segplugin\.models\.Segmenter"):
        pgd(0.1, 0.1, 1)(lambda t: model(t)[..., ::2, ::2], x, labels)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda logits: {"out": logits}, "returned a dict"),
        (lambda logits: logits[:, 0], r"returned a tensor of \(2, 12, 14\)"),
        (lambda logits: logits[:, :1], r"returned a tensor of \(2, 1, 12, 14\)"),
        (lambda logits: logits[:1], r"returned logits of \(1, 4, 12, 14\)"),
        (lambda logits: logits.sum(), r"a tensor of \(\), .* one logit per class\.$"),
        (lambda logits: logits.sum((1, 2, 3)), r"a tensor of \(2,\), .* one logit per class\.$"),
    ],
)
def test_outputs_that_are_no_logits_are_explained(output, words):
    model, x, labels = tiny_problem()
    iterates = getattr(GradientAttack.iterates, "__wrapped__", GradientAttack.iterates)
    with pytest.raises(InputError, match=words):
        list(iterates(pgd(0.1, 0.1, 1), lambda t: output(model(t)), x, labels))


@pytest.mark.parametrize(
    ("output", "per_image", "words"),
    [
        (lambda z: z.mean((2, 3)), False, r"\(2, 4\).*Classifier and give it one label per image"),
        (lambda z: z[..., :1, :1], False, r"\(2, 4, 1, 1\).*Classifier and give it one label"),
        (lambda z: z.mean((2, 3)), True, r"\(2, 4\), expected.*1, 1\); wrap.*models\.Classifier"),
        (lambda z: z, True, r"\(2, 4, 12, 14\), .* give label maps of the size of the images"),
        (lambda z: {"out": z}, True, r"a dict, .* wrap the model in .*models\.Classifier"),
        (lambda z: z.sum((1, 2, 3)), True, r"\(2,\), .* give a model that returns one logit per"),
        (lambda z: z.sum(), True, r"\(\), .* give a model that returns one logit per class"),
    ],
)
def test_classifiers_and_segmenters_are_told_apart(output, per_image, words):
    model, x, labels = tiny_problem()
    labels = labels[:, 1:2, :1] if per_image else labels
    iterates = getattr(GradientAttack.iterates, "__wrapped__", GradientAttack.iterates)
    with pytest.raises(InputError, match=words) as caught:
        list(iterates(pgd(0.1, 0.1, 1), lambda t: output(model(t)), x, labels))
    assert str(caught.value).endswith(".")


def test_a_mask_of_the_size_of_the_labels_is_refused_where_that_is_not_the_size_of_the_images():
    model, x, labels = tiny_problem()
    iterates = getattr(GradientAttack.iterates, "__wrapped__", GradientAttack.iterates)
    mask = torch.ones(2, 1, 1, dtype=torch.bool)
    with pytest.raises(InputError, match=r"give booleans of shape \(2, 12, 14\)"):
        list(iterates(pgd(0.1, 0.1, 1), model, x, labels[:, 1:2, :1], mask=mask))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (255 * x, y), "divide 8-bit images by 255"),
        (lambda x, y: (x - 1, y), "the bounds are"),
        (lambda x, y: (x * torch.nan, y), "the images hold NaN"),
        (lambda x, y: (x, y.masked_fill(y == 255, -1)), "the labels hold -1"),
        (lambda x, y: (x, y.masked_fill(y == 1, 9)), "hold class 9 and the model has 4 classes"),
    ],
)
def test_values_that_do_not_fit_are_named(change, words):
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match=words):
        pgd(0.1, 0.1, 1)(model, *change(x, labels))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x[:1], r"start is torch.float32 of shape \(1, 3, 12, 14\); give torch.float32"),
        (lambda x: x[0], r"of shape \(3, 12, 14\); give torch.float32 of shape \(2, 3, 12, 14\)"),
        (lambda x: x.double(), "start is torch.float64"),
        (lambda x: (255 * x).byte(), "start is torch.uint8"),
        (lambda x: x.clone().index_fill_(3, torch.tensor(2), torch.nan), "infinite or NaN"),
        (lambda x: x.clone().index_fill_(3, torch.tensor(2), -torch.inf), "infinite or NaN"),
    ],
)
@pytest.mark.parametrize("attack", [pgd(0.1, 0.1, 1), WorstCase([pgd(0.1, 0.1, 1)])])
def test_starts_that_do_not_fit_are_named(attack, change, words):
    model, x, labels = tiny_problem()
    iterates = getattr(TaskAttack.iterates, "__wrapped__", TaskAttack.iterates)
    with pytest.raises(InputError, match=words):
        next(iterates(attack, model, x, labels, start=change(x)))


def test_a_start_outside_the_threat_model_is_projected():
    model, x, labels = tiny_problem()
    first = next(pgd(0.1, 0.1, 1).iterates(model, x, labels, start=x + 1))
    assert torch.equal(first.x_adv, (x + 0.1).clamp(max=1))


def test_inference_mode_is_explained():
    model, x, labels = tiny_problem()
    with torch.inference_mode(), pytest.raises(InputError, match="leave torch"):
        pgd(0.1, 0.1, 1)(model, x, labels)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_any_integer_labels(dtype):
    model, x, labels = tiny_problem()
    attack = pgd(0.05, 0.02, 2, random_start=False)
    assert torch.equal(attack(model, x, labels.to(dtype)), attack(model, x, labels))


def test_8_bit_labels_do_not_wrap_a_negative_void():
    model, x, labels = tiny_problem()
    labels = labels.masked_fill(labels == 255, 156)  # -100 modulo 256
    attack = pgd(0.05, 0.02, 1, ignore_index=-100)
    with pytest.raises(InputError, match="hold class 156 and the model has 4"):
        attack(model, x, labels.byte())


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": -3}, {"restarts": 0}])
def test_counts_below_one_are_refused(options):
    with pytest.raises(InputError, match="give a whole number >= 1"):
        pgd(**options)
