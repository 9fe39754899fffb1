import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models import smp as adapter
from art_segplugin.models.optional import IMAGENET_MEAN, IMAGENET_STD

smp = pytest.importorskip("segmentation_models_pytorch")


@pytest.mark.parametrize("architecture", ["unet", "fpn"])
def test_equals_the_model_and_takes_any_size(tmp_path, architecture):
    torch.manual_seed(0)
    model = smp.create_model(architecture, "mobilenet_v2", encoder_weights=None, classes=3).eval()
    model.save_pretrained(tmp_path)
    segmenter = adapter.load(str(tmp_path))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(segmenter(images), model((images - mean) / std))
        # 40 x 72 is no multiple of 32: fpn alone refuses it.
        assert segmenter(images.new_zeros(1, 3, 40, 72)).shape == (1, 3, 40, 72)
    assert len(segmenter.info.classes) == 3
    assert segmenter.info.stride == segmenter.stride


def test_an_architecture_alone_has_no_weights():
    with pytest.raises(InputError, match="no trained weights for 'unet/resnet34'"):
        adapter.load("unet/resnet34")


def test_refuses_a_folder_of_something_else(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="segmentation-models-pytorch cannot load"):
        adapter.load(str(tmp_path))


def _saved(folder, **options):
    torch.manual_seed(0)
    model = smp.create_model("unet", "mobilenet_v2", encoder_weights=None, **options).eval()
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("channels", [1, 4])
def test_images_that_are_not_rgb_are_given_as_they_are(tmp_path, channels):
    model = _saved(tmp_path, in_channels=channels, classes=3)
    images = torch.rand(1, channels, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(adapter.load(str(tmp_path))(images), model(images))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax2d", "argmax2d"])
def test_logits_before_the_activation_are_attacked(tmp_path, activation):
    model = _saved(tmp_path, classes=3, activation=activation, aux_params={"classes": 2})
    segmenter = adapter.load(str(tmp_path))
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    model.segmentation_head[2] = torch.nn.Identity()
    torch.testing.assert_close(segmenter(images), model((images - mean) / std)[0])
    assert torch.autograd.grad(segmenter(images).sum(), images)[0].abs().sum() > 0


def test_one_output_channel_has_two_classes(tmp_path):
    model = _saved(tmp_path, classes=1, activation="sigmoid")
    segmenter = adapter.load(str(tmp_path))
    images = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        probability = segmenter(images).softmax(1)[:, 1:]
        torch.testing.assert_close(probability, model((images - mean) / std))
    assert segmenter.info.classes == ("background", "foreground")


@pytest.mark.parametrize(
    ("settings", "mean", "std", "bgr"),
    [
        ({"input_range": [0, 1], "input_space": "RGB"}, (0.1, 0.2, 0.3), (0.5, 1.0, 2.0), False),
        ({"input_range": [0, 1], "input_space": "BGR"}, (0.3, 0.2, 0.1), (2.0, 1.0, 0.5), True),
        (
            {"input_range": [0, 255], "input_space": "RGB"},
            (25.5, 51, 76.5),
            (127.5, 255, 510),
            False,
        ),
    ],
)
def test_the_preprocessing_of_the_encoder_is_used(tmp_path, monkeypatch, settings, mean, std, bgr):
    model = _saved(tmp_path, classes=3)
    text = (tmp_path / "config.json").read_text()
    text = text.replace('"encoder_weights": null', '"encoder_weights": "imagenet"')
    (tmp_path / "config.json").write_text(text)
    # mean and std in the order and on the scale in which the library's own preprocess_input takes them
    step = -1 if bgr else 1
    params = {**settings, "mean": list(mean)[::step], "std": list(std)[::step]}
    asked = []
    monkeypatch.setattr(
        smp.encoders, "get_preprocessing_params", lambda *names: asked.append(names) or params
    )
    segmenter = adapter.load(str(tmp_path))
    images = torch.rand(1, 3, 64, 64)
    pixels = images[0].permute(1, 2, 0).numpy() * settings["input_range"][1]
    given = smp.encoders.preprocess_input(pixels, **params).transpose(2, 0, 1)
    with torch.no_grad():
        expected = model(torch.tensor(given.copy(), dtype=torch.float32)[None])
        torch.testing.assert_close(segmenter(images), expected, rtol=1e-4, atol=1e-5)
    assert asked == [("mobilenet_v2", "imagenet")]
    assert segmenter.bgr is bgr


def test_a_preprocessing_that_cannot_be_looked_up_is_said(tmp_path, monkeypatch):
    _saved(tmp_path, classes=3)
    file = tmp_path / "config.json"
    file.write_text(file.read_text().replace('_weights": null', '_weights": "imagenet"'))

    def fail(*names):
        raise OSError("no network")

    monkeypatch.setattr(smp.encoders, "get_preprocessing_params", fail)
    with pytest.warns(UserWarning, match=r"mobilenet_v2 \(imagenet\).*\(no network\).*ImageNet's"):
        assert adapter.load(str(tmp_path)).info.mean == IMAGENET_MEAN
