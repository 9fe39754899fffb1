import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models.outputs import check_outputs
from art_segplugin.models.segmenter import Segmenter

IMAGES = torch.rand(2, 3, 12, 16)


def _network(classes=4, **options):
    torch.manual_seed(0)
    return nn.Conv2d(3, classes, 3, padding=1, **options).eval()


def test_is_the_model_itself_without_options():
    network = _network()
    assert torch.equal(Segmenter(network)(IMAGES), network(IMAGES))


def test_normalises_with_gradient_and_leaves_the_images():
    network, mean, std = _network(), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    before = IMAGES.clone()
    images = IMAGES.clone().requires_grad_()
    logits = Segmenter(network, mean=mean, std=std)(images)
    columns = [torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std)]
    assert torch.equal(logits, network((IMAGES - columns[0]) / columns[1]))
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
    expected = F.conv_transpose2d(torch.ones(2, 1, 12, 16), network.weight[:1], padding=1)
    torch.testing.assert_close(gradient, expected / columns[1])
    assert torch.equal(images.detach(), before)


@pytest.mark.parametrize("options", [{}, {"mean": (0.5,) * 3}, {"bgr": True}, {"stride": 7}])
def test_a_model_may_start_with_an_in_place_operation(options):
    network = _network()
    images = IMAGES.clone().requires_grad_()
    logits = Segmenter(lambda x: network(x.sub_(0.4)), **options)(images)
    assert torch.equal(logits, Segmenter(lambda x: network(x - 0.4), **options)(images))
    assert torch.equal(images.detach(), IMAGES)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    assert gradient.abs().sum() > 0


def test_enlarges_small_logits_with_gradient():
    segmenter = Segmenter(_network(stride=4))
    images = IMAGES.clone().requires_grad_()
    logits = segmenter(images)
    assert logits.shape == (2, 4, 12, 16)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    assert gradient.abs().sum() > 0


def test_pads_to_a_stride_and_crops_again():
    sizes = []

    class Strict(nn.Conv2d):
        def forward(self, images):
            sizes.append(tuple(images.shape[-2:]))
            return super().forward(images)

    network = Strict(3, 2, 3, padding=1, padding_mode="replicate")
    images = torch.rand(1, 3, 13, 17)
    logits = Segmenter(network, stride=8)(images)
    assert sizes == [(16, 24)]
    # Repeating the edge once is what the layer itself does beyond the image.
    torch.testing.assert_close(logits, network(images))


def test_bgr_channels_output_and_callables():
    network = _network(6)
    flipped = Segmenter(network, bgr=True)(IMAGES)
    assert torch.equal(flipped, network(IMAGES.flip(1)))
    kept = Segmenter(lambda x: {"deep": [network(x)]}, output=lambda r: r["deep"][0])
    assert torch.equal(kept(IMAGES), network(IMAGES))
    kept = Segmenter(network, channels=slice(1, 4), classes=3)
    assert torch.equal(kept(IMAGES), network(IMAGES)[:, 1:4])


def test_to_and_eval_reach_the_inner_model():
    segmenter = Segmenter(nn.Sequential(_network(), nn.BatchNorm2d(4)), mean=(0.5,) * 3).train()
    assert segmenter.model[1].training
    segmenter.eval().double()
    assert not segmenter.model[1].training
    assert segmenter(IMAGES.double()).dtype == torch.float64
    assert list(segmenter.state_dict()) == [f"model.{k}" for k in segmenter.model.state_dict()]


def test_wrap_is_idempotent():
    segmenter = Segmenter.wrap(_network(), classes=4)
    assert Segmenter.wrap(segmenter) is segmenter
    with pytest.raises(InputError, match="classes cannot be changed"):
        Segmenter.wrap(segmenter, classes=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (0.5,)}, "one value per channel"),
        ({"std": (1.0, 0.0, 1.0)}, "every std must be positive"),
        ({"mean": (), "std": ()}, "one value per channel"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_refuses_impossible_options(options, message):
    with pytest.raises(InputError, match=message):
        Segmenter(_network(), **options)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(3, 8, 8), r"shape \(3, 8, 8\); expected \(n, channels, height, width\)"),
        (torch.rand(1, 1, 8, 8), r"shape \(1, 1, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "torch.uint8; expected floating-point"),
    ],
)
def test_forward_refuses_other_images(images, message):
    with pytest.raises(InputError, match=message):
        Segmenter(_network())(images)


def test_forward_refuses_outputs_that_do_not_fit():
    with pytest.raises(InputError, match="gives 4 classes and 19 were expected"):
        Segmenter(_network(), classes=19)(IMAGES)
    with pytest.raises(InputError, match="1 logit maps for 2 images"):
        Segmenter(lambda x: _network()(x[:1]))(IMAGES)


def test_forward_reads_nothing_back_to_the_host():
    class NoReading(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            assert "_local_scalar_dense" not in str(function)
            return function(*args, **(kwargs or {}))

    segmenter = Segmenter(_network(), classes=4, mean=(0.5,) * 3, std=(0.2,) * 3, stride=8)
    with NoReading():
        segmenter(torch.rand(1, 3, 13, 17))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(2, 1, 3, 4), (0, 3, 3, 4)])
def test_one_class_or_no_image_is_no_probability(shape):
    check_outputs(torch.ones(shape))


class TestValidate:
    def test_learns_the_classes_and_leaves_the_model_alone(self):
        network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        segmenter = Segmenter(network)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert segmenter.validate(IMAGES) is segmenter
        assert segmenter.classes == 4
        assert network[1].training
        assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (IMAGES * 255, r"expected \[0, 1\]: divide 8-bit images by 255"),
            (IMAGES - 0.5, r"values from -0\."),
            (IMAGES.log().log(), "values from nan"),
        ],
    )
    def test_refuses_images_outside_the_unit_range(self, images, message):
        with pytest.raises(InputError, match=message):
            Segmenter(_network()).validate(images)

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_refuses_broken_outputs(self, value):
        network = _network()
        network.bias.data[2] = value
        with pytest.raises(InputError, match="NaN or infinite"):
            Segmenter(network).validate(IMAGES)

    def test_warns_about_probabilities(self):
        network = _network()
        with pytest.warns(UserWarning, match="looks like probabilities") as caught:
            Segmenter(lambda x: network(x).softmax(1)).validate(IMAGES)
        assert caught[0].filename == __file__

    def test_warns_about_cosines_that_are_not_scaled(self):
        network = _network()

        def cosines(x):
            return F.normalize(network(x), dim=1)

        predicted = cosines(IMAGES).argmax(1)
        labels = predicted.clone()
        labels[:, :2] = 0  # right on most pixels
        with pytest.warns(UserWarning, match="looks like cosines") as caught:
            Segmenter(cosines).validate(IMAGES, labels)
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Segmenter(cosines).validate(IMAGES, (predicted + 1) % 4)  # not trained
            Segmenter(lambda x: 15 * cosines(x)).validate(IMAGES, labels)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (torch.zeros(2, 6, 8, dtype=torch.long), r"shape \(2, 6, 8\)"),
            (torch.zeros(2, 12, 16), "torch.float32; expected integers"),
            (torch.full((2, 12, 16), -1), "hold -1; expected 0 to 3, or 255 for void"),
            (torch.arange(384).view(2, 12, 16), "hold 4, 5, 6, 7, 8 and 374 more"),
        ],
    )
    def test_refuses_labels(self, labels, message):
        with pytest.raises(InputError, match=message):
            Segmenter(_network()).validate(IMAGES, labels)

    def test_accepts_classes_and_void(self):
        labels = torch.randint(0, 4, (2, 12, 16))
        labels[0] = 255
        Segmenter(_network()).validate(IMAGES, labels)
        Segmenter(_network(), ignore_index=-1).validate(IMAGES, labels.where(labels < 255, -1))

    def test_a_mask_of_0_and_255_is_warned_of_once(self):
        labels = torch.zeros(2, 12, 16, dtype=torch.long)
        labels[:, :6] = 255
        segmenter = Segmenter(_network())
        with pytest.warns(UserWarning, match="contain 255 in 50 % .* only one class") as caught:
            segmenter.validate(IMAGES, labels)
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            segmenter.validate(IMAGES, labels)
            Segmenter(_network(), ignore_index=-1).validate(IMAGES, labels.clamp(max=1))
        with pytest.warns(UserWarning, match="in every pixel"):
            Segmenter(_network()).validate(IMAGES, torch.full_like(labels, 255))

    def test_labels_need_the_number_of_classes(self):
        with pytest.raises(InputError, match=r"call validate\(images\) first"):
            Segmenter(_network()).check_labels(torch.zeros(1, 2, 2, dtype=torch.long))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}, r"divide mean and std by 255"),
        ({"mean": float("nan")}, "all finite"),
        ({"std": [0.5, float("inf"), 0.5], "mean": 0.0}, "all finite"),
        ({"mean": "imagenet"}, "mean is 'imagenet' .* one per channel"),
        ({"stride": 8.0}, r"stride is 8\.0"),
        ({"classes": 0}, "classes is 0"),
        ({"channels": 2}, r"channels is 2; expected a slice"),
        ({"channels": (0, 19)}, r"channels is \(0, 19\); expected a slice"),
    ],
)
def test_options_that_would_be_wrong_in_silence_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Segmenter(nn.Conv2d(3, 4, 1), **options)


@pytest.mark.parametrize("model", [None, nn.Conv2d, nn.Conv2d(3, 4, 1).state_dict()])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(InputError, match=r"the model is a .* load_state_dict"):
        Segmenter(model)
