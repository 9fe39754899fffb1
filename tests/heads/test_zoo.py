"""The last layers of other packages' networks, with random weights."""

import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import check_is_last, find_last_layer, hypersphere_head, to_hypersphere
from art_segplugin.models import Classifier, Segmenter

CLASSES = 5


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def check(network, name, wrapper=Segmenter, size=64):
    """The logits are bounded by the scale, whatever happens to the last layer's weights."""
    segmenter = wrapper(network, classes=CLASSES).eval()
    before = set(network.state_dict())
    assert find_last_layer(segmenter, CLASSES)[0] == name
    to_hypersphere(segmenter, CLASSES, 2.0)
    assert network.get_submodule(name) is hypersphere_head(segmenter)
    assert before - set(network.state_dict()) <= {f"{name}.bias"}
    images = torch.rand(1, 3, size, size)
    check_is_last(segmenter, images)
    with torch.no_grad():
        logits = segmenter(images)
        assert 0 < logits.abs().max() <= 2 * (1 + 1e-5)
        hypersphere_head(segmenter).weight.mul_(1000.0)
        torch.testing.assert_close(segmenter(images), logits, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_mobilenet_v3_large"])
def test_torchvision_segmenters(name):
    models = pytest.importorskip("torchvision.models")
    options = {"weights": None, "weights_backbone": None, "aux_loss": True}
    network = models.get_model(name, num_classes=CLASSES, **options)
    check(network, "classifier.4")
    assert type(network.aux_classifier[4]) is nn.Conv2d


@pytest.mark.parametrize("layer", [None, "classifier.high_classifier"])
def test_lraspp_has_no_last_layer(layer):
    models = pytest.importorskip("torchvision.models")
    options = {"weights": None, "weights_backbone": None, "num_classes": CLASSES}
    network = models.get_model("lraspp_mobilenet_v3_large", **options)
    with pytest.raises(InputError, match="high_classifier"):
        to_hypersphere(network, CLASSES, layer=layer)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "fc"),
        ("mobilenet_v3_small", "classifier.3"),
        ("shufflenet_v2_x0_5", "fc"),
    ],
)
def test_torchvision_classifiers(name, layer):
    models = pytest.importorskip("torchvision.models")
    check(models.get_model(name, weights=None, num_classes=CLASSES), layer, Classifier)


def test_a_torchvision_transformer_whose_last_weights_are_zero():
    models = pytest.importorskip("torchvision.models")
    network = models.VisionTransformer(32, 16, 1, 2, 16, 32, num_classes=CLASSES)
    assert not network.heads.head.weight.any()
    check(network, "heads.head", Classifier, size=32)


def test_squeezenet_clips_its_last_layer():
    models = pytest.importorskip("torchvision.models")
    network = models.squeezenet1_1(weights=None, num_classes=CLASSES)
    with pytest.raises(InputError, match=r"classifier\.1 is followed by ReLU"):
        to_hypersphere(network, CLASSES)


@pytest.mark.parametrize("architecture", ["unet", "fpn"])
@pytest.mark.parametrize("auxiliary", [None, {"classes": CLASSES}])
def test_smp(architecture, auxiliary):
    smp = pytest.importorskip("segmentation_models_pytorch")
    options = {"encoder_weights": None, "classes": CLASSES, "aux_params": auxiliary}
    network = smp.create_model(architecture, "mobilenet_v2", **options)
    check(network, "segmentation_head.0")
    assert hypersphere_head(network).kernel_size == ((3, 3) if architecture == "unet" else (1, 1))


def test_segformer():
    transformers = pytest.importorskip("transformers")
    config = transformers.SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[8, 16],
        num_attention_heads=[1, 2],
        patch_sizes=[7, 3],
        strides=[4, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=16,
        num_labels=CLASSES,
    )
    check(transformers.SegformerForSemanticSegmentation(config), "decode_head.classifier")


def test_upernet():
    transformers = pytest.importorskip("transformers")
    backbone = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        auxiliary_in_channels=8,
        auxiliary_channels=8,
        num_labels=CLASSES,
    )
    network = transformers.UperNetForSemanticSegmentation(config)
    check(network, "decode_head.classifier")
    assert type(network.auxiliary_head.classifier) is nn.Conv2d


def test_beit():
    transformers = pytest.importorskip("transformers")
    config = transformers.BeitConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=64,
        patch_size=16,
        out_indices=[1, 2, 3, 4],
        auxiliary_channels=8,
        num_labels=CLASSES,
    )
    network = transformers.BeitForSemanticSegmentation(config)
    check(network, "decode_head.classifier")
    assert type(network.auxiliary_head.classifier) is nn.Conv2d


def test_mask_classification_is_refused():
    transformers = pytest.importorskip("transformers")
    config = transformers.MaskFormerConfig(
        backbone_config=transformers.SwinConfig(
            image_size=32,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        decoder_config=transformers.DetrConfig(
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            num_queries=5,
        ),
        fpn_feature_size=32,
        mask_feature_size=16,
        num_labels=CLASSES,
    )
    network = transformers.MaskFormerForInstanceSegmentation(config)
    # One output more than classes: "no object".
    for layer, outputs in ((None, CLASSES), ("class_predictor", CLASSES + 1)):
        with pytest.raises(InputError, match="classifies masks, not pixels"):
            to_hypersphere(Segmenter(network), outputs, layer=layer)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet10t", "fc"),
        ("mobilenetv3_small_050", "classifier"),
        ("convnext_atto", "head.fc"),
    ],
)
def test_timm(name, layer):
    timm = pytest.importorskip("timm")
    check(timm.create_model(name, num_classes=CLASSES), layer, Classifier)


def test_two_averaged_heads_of_timm_are_refused():
    timm = pytest.importorskip("timm")
    network = timm.create_model(
        "deit_tiny_distilled_patch16_224", num_classes=CLASSES, depth=1, embed_dim=24
    )
    with pytest.raises(InputError, match="head and head_dist give as many outputs"):
        to_hypersphere(network, CLASSES)
