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
