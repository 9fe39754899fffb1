import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models import Classifier
from art_segplugin.models import torchvision as adapter
from art_segplugin.models.optional import IMAGENET_MEAN, IMAGENET_STD

torchvision_models = pytest.importorskip("torchvision.models")


@pytest.fixture
def downloaded(monkeypatch):
    """Stand in for the download: the weights of a fresh model with its auxiliary head."""
    torch.manual_seed(0)
    reference = torchvision_models.segmentation.deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=21, aux_loss=True
    ).eval()

    def download(url, **options):
        assert options["weights_only"]
        return reference.state_dict()

    monkeypatch.setattr(adapter, "load_state_dict_from_url", download)
    return reference


def test_equals_the_model_on_normalised_images(downloaded):
    segmenter = adapter.load("deeplabv3_mobilenet_v3_large")
    images = torch.rand(1, 3, 33, 47)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        torch.testing.assert_close(segmenter(images), downloaded((images - mean) / std)["out"])
    assert segmenter.info.classes[15] == "person"
    assert segmenter.model.aux_classifier is None


def test_classifiers_have_one_label_an_image(monkeypatch):
    torch.manual_seed(0)
    reference = torchvision_models.squeezenet1_1(weights=None).eval()
    monkeypatch.setattr(
        adapter, "load_state_dict_from_url", lambda *_, **__: reference.state_dict()
    )
    classifier = adapter.load("squeezenet1_1")
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        torch.testing.assert_close(classifier(images)[:, :, 0, 0], reference((images - mean) / std))
    assert type(classifier) is Classifier
    assert classifier.info.classes[0] == "tench"
    classifier.validate(images, torch.tensor([255, 999]).view(2, 1, 1))


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"classifier 'resnet19'; it has .*fcn_resnet50"):
        adapter.load("resnet19")


def test_a_failed_download_is_one_sentence(monkeypatch):
    def download(url, **options):
        raise OSError("no network")

    monkeypatch.setattr(adapter, "load_state_dict_from_url", download)
    with pytest.raises(
        InputError,
        match=r"lraspp_mobilenet_v3_large cannot be downloaded: no net.*checkpoints yourself",
    ):
        adapter.load("lraspp_mobilenet_v3_large")
