"""What a user's model may raise, lack or want, and the sentence that comes of it."""

import json
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.data.palettes import Palette
from art_segplugin.errors import InputError, ModelError, out_of_memory
from art_segplugin.evaluation.class_names import reported_palette
from art_segplugin.models import (
    CheckpointInfo,
    Classifier,
    Segmenter,
    load_checkpoint,
    save_checkpoint,
)

IMAGES = torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def conv(classes=4, channels=3):
    torch.manual_seed(0)
    return nn.Conv2d(channels, classes, 3, padding=1).eval()


class Halves(nn.Module):
    """Down and up by 2 ** depth with a skip connection, as a U-Net: other sizes do not fit."""

    def __init__(self, depth):
        super().__init__()
        self.depth, self.head = depth, conv()

    def forward(self, x):
        small = x
        for _ in range(self.depth):
            small = F.max_pool2d(small, 2)
        return self.head(x + F.interpolate(small, scale_factor=2**self.depth))


class TestErrorsInside:
    def test_the_innermost_module_is_named_and_the_error_is_the_cause(self):
        inner = nn.Sequential(conv(4), nn.Sequential(nn.ReLU(), conv(4, channels=7)))
        with pytest.raises(ModelError) as caught:
            Segmenter(inner)(IMAGES)
        assert caught.match(
            r"^the model failed on images of shape \(2, 3, 12, 16\) in 1\.1 \(Conv2d\): "
            r"RuntimeError: .*expected input\[2, 4, 12, 16\] to have 7 channels"
        )
        assert isinstance(caught.value.__cause__, RuntimeError)
        assert isinstance(caught.value, InputError)

    def test_of_a_function_the_name(self):
        def mine(x):
            return x.does_not_exist

        with pytest.raises(ModelError, match=r"in .*mine: AttributeError: .*does_not_exist"):
            Segmenter(mine)(IMAGES)
        with pytest.raises(ModelError, match=r"in Net: KeyError: 'x'"):
            Classifier(type("Net", (nn.Module,), {"forward": lambda self, x: {}["x"]})())(IMAGES)

    def test_a_frozen_script(self):
        script = torch.jit.freeze(torch.jit.script(conv()))
        assert torch.equal(Segmenter(script).validate(IMAGES)(IMAGES), conv()(IMAGES))
        with pytest.raises(ModelError, match=r"shape \(2, 5, 12, 16\).*RuntimeError"):
            Segmenter(script)(torch.rand(2, 5, 12, 16))

    @pytest.mark.parametrize(
        "error",
        [
            InputError("mine"),
            KeyboardInterrupt(),
            MemoryError(),
            torch.OutOfMemoryError("CUDA out of memory."),
            RuntimeError(
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            ),
        ],
    )
    def test_what_is_no_fault_of_the_model_stays_what_it_is(self, error):
        def raises(x):
            raise error

        with pytest.raises(type(error)) as caught:
            Segmenter(raises)(IMAGES)
        assert caught.value is error
        assert out_of_memory(error) == (not isinstance(error, InputError | KeyboardInterrupt))

    def test_the_backward_pass(self):
        class Bad(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.clone()

            @staticmethod
            def backward(ctx, gradient):
                raise ValueError("no way back")

        with pytest.raises(ModelError, match="backward pass failed: ValueError: no way back"):
            Segmenter(lambda x: Bad.apply(x)).validate(IMAGES)

    def test_the_function_that_takes_the_logits_out(self):
        with pytest.raises(
            InputError, match=r"output=\.\.\. failed on the Tensor .*KeyError|IndexError"
        ):
            Segmenter(conv(), output=lambda r: r["logits"])(IMAGES)

    def test_another_device(self):
        class Elsewhere(nn.Conv2d):
            def forward(self, x):
                raise RuntimeError("Expected all tensors to be on the same device")

        with pytest.raises(ModelError, match="images are on cpu and the model is on meta: move"):
            Segmenter(Elsewhere(3, 4, 1, device="meta"))(IMAGES)


class TestSizes:
    @pytest.mark.parametrize(("depth", "stride"), [(1, 2), (3, 8), (5, 32)])
    def test_the_stride_that_helps_is_found_and_helps(self, depth, stride):
        images = torch.rand(1, 3, 33, 47)
        with pytest.raises(ModelError, match=rf"multiples of {stride}: pass stride={stride} to"):
            Segmenter(Halves(depth))(images)
        assert Segmenter(Halves(depth), stride=stride).validate(images)(images).shape[-2:] == (
            33,
            47,
        )

    def test_looking_for_it_changes_no_statistics(self):
        model = nn.Sequential(nn.BatchNorm2d(3), Halves(2)).train()
        with pytest.raises(ModelError, match="stride=4"):
            Segmenter(model)(torch.rand(2, 3, 9, 9))
        assert model[0].num_batches_tracked == 1  # of the forward that failed
        assert model.training

    def test_none_that_helps_is_not_named(self):
        with pytest.raises(ModelError) as caught:
            Segmenter(conv(channels=5))(torch.rand(1, 3, 9, 9))
        assert "stride=" not in str(caught.value)


class TestClasses:
    def test_channels_are_named_where_the_model_has_more(self):
        with pytest.raises(InputError, match=r"gives 12 classes and 11 .*channels=slice\(0, 11\)"):
            Segmenter(conv(12), classes=11)(IMAGES)
        assert Segmenter(conv(12), classes=11, channels=slice(0, 11))(IMAGES).shape[1] == 11

    def test_data_with_fewer_classes_name_them_too(self):
        names = tuple(f"class {index}" for index in range(11))
        data = Palette("own", names, ((0, 0, 1),) * 11)
        model = Segmenter(conv(12)).validate(IMAGES)
        with pytest.raises(InputError, match=r"12 classes and the data have 11 .*slice\(0, 11\)\)"):
            reported_palette(model, data)
        with pytest.raises(InputError) as caught:
            reported_palette(Segmenter(conv(4)).validate(IMAGES), data)
        assert "slice" not in str(caught.value)


CUTS = {
    "no_grad": torch.no_grad()(lambda x: conv()(x)),
    "inference_mode": torch.inference_mode()(lambda x: conv()(x)),
    "detach": lambda x: conv()(x).detach(),
    "detach early": lambda x: conv()(x.detach()),  # the weights still have a gradient
    "numpy": lambda x: torch.from_numpy(conv()(x).detach().numpy()),
    "numpy with a graph": lambda x: torch.from_numpy(conv()(x).numpy()),
    "one-hot": lambda x: F.one_hot(conv()(x).argmax(1)).movedim(-1, 1).float(),
    "script": torch.jit.script(nn.Sequential(conv(), nn.Identity())).forward,
}


class TestGradient:
    @pytest.mark.parametrize("kind", sorted(CUTS.keys() - {"script"}))
    def test_a_cut_graph_is_said_by_validate(self, kind):
        model = Segmenter(CUTS[kind])
        with pytest.raises(InputError, match="has no gradient in the images: something in it cuts"):
            model.validate(IMAGES)
        assert model.validate(IMAGES, gradient=False).classes == 4  # it can still be scored

    def test_frozen_weights_are_no_cut(self):
        model = Segmenter(conv().requires_grad_(False)).validate(IMAGES)
        moved = pgd(0.1, 0.05, 2)(model, IMAGES, model(IMAGES).argmax(1))
        assert not torch.equal(moved, IMAGES)
        assert Segmenter(CUTS["script"]).validate(IMAGES).classes == 4

    def test_validate_leaves_images_weights_and_modes(self):
        network = nn.Sequential(conv(), nn.BatchNorm2d(4)).train()
        images = IMAGES.clone()
        with torch.no_grad():
            Segmenter(network).validate(images)
        assert torch.equal(images, IMAGES)
        assert not images.requires_grad
        assert all(weight.grad is None for weight in network.parameters())
        assert network[1].training
        assert network[1].num_batches_tracked == 0

    def test_images_of_inference_mode(self):
        with torch.inference_mode():
            images = IMAGES.clone()
            Segmenter(conv()).validate(images)
        Segmenter(conv()).validate(images)


class TestChannels:
    def test_any_number_without_normalisation(self):
        network, images = nn.Conv2d(4, 4, 1), torch.rand(2, 4, 24, 32)
        model = Segmenter(network)
        assert model.in_channels is None
        assert torch.equal(model(images), network(images))

    def test_one_number_is_that_of_every_channel(self):
        for channels in (1, 3, 5):
            network, images = conv(4, channels), torch.rand(1, channels, 12, 16)
            logits = Segmenter(network, mean=0.5, std=0.25)(images)
            assert torch.equal(logits, network((images - 0.5) / 0.25))
        assert Segmenter(network, mean=0.5).in_channels is None
        assert Segmenter(network, mean=(0.1, 0.2)).in_channels == 2
        assert Segmenter(network, mean=0.5, std=(0.1, 0.2)).in_channels == 2
        assert Segmenter(network, mean=(0.5,), std=(0.2,)).in_channels == 1
        assert Segmenter(network, mean=(0.5,) * 3, in_channels=4).in_channels == 4

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"mean": (0.1, 0.2, 0.3), "in_channels": 4}, "have 3 values and there are 4 channels"),
            ({"mean": (0.1, 0.2), "std": (1.0, 1.0, 1.0)}, "one value per channel"),
            ({"bgr": True, "in_channels": 4}, "bgr is for images of 3 channels and these have 4"),
            ({"bgr": True, "mean": (0.1, 0.2)}, "2 values and there are 3 channels"),
            ({"in_channels": 0}, "in_channels is 0"),
            ({"stride": 0}, "stride is 0"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, options, words):
        with pytest.raises(InputError, match=words):
            Segmenter(conv(), **options)

    def test_other_images_are_refused_where_the_number_is_known(self):
        with pytest.raises(InputError, match=r"expected \(n, 4, height, width\)"):
            Segmenter(conv(4, 4), in_channels=4)(IMAGES)
        with pytest.raises(InputError, match=r"expected \(n, 3, height, width\)"):
            Segmenter(conv(), bgr=True)(torch.rand(1, 4, 8, 8))

    def test_a_checkpoint_keeps_the_number(self, tmp_path):
        network, info = conv(2, 4), CheckpointInfo("own", ("a", "b"))
        for options in ({"in_channels": 4}, {"in_channels": 4, "mean": 0.5, "std": (0.1,) * 4}):
            model = Segmenter(network, **options)
            save_checkpoint(tmp_path / "net.safetensors", model, info)
            loaded = load_checkpoint(tmp_path / "net.safetensors", conv(2, 4))
            assert loaded.in_channels == loaded.info.in_channels == 4
            images = torch.rand(1, 4, 12, 16)
            assert torch.equal(loaded(images), model(images))
        described = Segmenter(network, mean=0.5).describe(info)
        assert (described.in_channels, described.mean) == (3, (0.5, 0.5, 0.5))

    def test_a_description_of_before_has_as_many_as_its_mean(self):
        fields = json.loads(CheckpointInfo("own", ("a", "b"), mean=(0.5,), std=(0.2,)).to_json())
        del fields["in_channels"]
        assert CheckpointInfo.from_json(json.dumps(fields)).in_channels == 1
        with pytest.raises(InputError, match="in_channels is '3'"):
            CheckpointInfo.from_json(json.dumps(fields | {"in_channels": "3"}))


class TestPrecision:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_models_give_single_logits_and_gradients(self, dtype):
        network = conv().to(dtype)
        images = IMAGES.clone().requires_grad_()
        model = Segmenter(network, mean=0.5, std=0.25)
        logits = model(images)
        assert logits.dtype == torch.float32
        expected = network(((IMAGES - 0.5) / 0.25).to(dtype)).float()
        assert torch.equal(logits, expected)
        (gradient,) = torch.autograd.grad(logits.sum(), images)
        assert gradient.dtype == torch.float32
        assert gradient.abs().sum() > 0
        labels = model.validate(IMAGES)(IMAGES).argmax(1)
        moved = segpgd(8 / 255, 4 / 255, 3)(model, IMAGES, labels)
        assert moved.dtype == torch.float32
        assert (moved - IMAGES).abs().max() <= 8 / 255 + 1e-6

    def test_double_images_and_a_single_model(self):
        logits = Segmenter(conv())(IMAGES.double())
        assert torch.allclose(logits, conv()(IMAGES))

    def test_a_classifier(self):
        network = nn.Sequential(nn.Flatten(), nn.Linear(576, 3)).to(torch.bfloat16)
        assert Classifier(network)(IMAGES).dtype == torch.float32


class TestKindsOfModules:
    def test_without_weights(self):
        class Bright(nn.Module):
            def forward(self, x):
                return 10 * x

        model = Segmenter(Bright()).validate(IMAGES)
        assert model.device == torch.device("cpu")
        assert torch.equal(model(IMAGES).argmax(1), IMAGES.argmax(1))

    def test_wrapped_compiled_lazy_and_weight_normed(self):
        expected = conv()(IMAGES)
        compiled = torch.compile(conv(), backend="eager")
        for network in (
            nn.DataParallel(conv()),
            compiled,
            nn.utils.parametrizations.weight_norm(conv()),
        ):
            found = Segmenter(network, mean=(0.0,) * 3).validate(IMAGES)(IMAGES)
            assert torch.allclose(found, expected, atol=1e-6)
        lazy = Segmenter(nn.LazyConv2d(4, 1)).validate(IMAGES)
        assert lazy.classes == 4

    def test_a_segmenter_compiles_whole_and_exports(self):
        model = Segmenter(conv(), mean=0.5, stride=8).eval()
        expected = model(IMAGES)
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(IMAGES), expected, atol=1e-6)
        exported = torch.export.export(model, (IMAGES,)).module()
        assert torch.allclose(exported(IMAGES), expected, atol=1e-6)

    def test_outputs_that_are_broken_for_some_images_only(self):
        def broken(x):
            return conv()(x).masked_fill((torch.arange(len(x)) == 1).view(-1, 1, 1, 1), torch.nan)

        with pytest.raises(InputError, match=re.escape("infinite values on images 1 of these:")):
            Segmenter(broken).validate(IMAGES)


def test_one_probability_per_class_is_told_from_cosines():
    network, labels = conv(), conv()(IMAGES).argmax(1)
    with pytest.warns(UserWarning, match="one probability per class") as caught:
        Segmenter(lambda x: network(x).sigmoid()).validate(IMAGES, labels)
    assert "cosines" not in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="one probability per class"):
        Segmenter(lambda x: F.interpolate(network(x), scale_factor=0.5).sigmoid()).validate(IMAGES)


@pytest.mark.filterwarnings("error")
def test_the_own_prediction_as_labels_makes_no_cosines():
    network = conv()
    labels = network(IMAGES).argmax(1)
    Segmenter(network).validate(IMAGES, labels)
    labels[0, 0, 0] = (labels[0, 0, 0] + 1) % 4  # of 384: rounded elsewhere
    Segmenter(network).validate(IMAGES, labels)


@pytest.mark.filterwarnings("error")
def test_one_small_logit_is_no_cosine():
    network = conv(1)
    labels = (network(IMAGES) > 0).long().squeeze(1)
    labels[:, 0] = 1 - labels[:, 0]
    Segmenter(network).validate(IMAGES, labels)
