import io
import json

import pytest
import torch
import torch.nn.functional as F

from art_segplugin.errors import InputError
from art_segplugin.models import load_model
from art_segplugin.models import transformers as adapter
from art_segplugin.models.optional import IMAGENET_MEAN

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def segformer(tmp_path_factory):
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
        id2label={0: "road", 1: "sky", 2: "car"},
        label2id={"road": 0, "sky": 1, "car": 2},
    )
    torch.manual_seed(0)
    model = transformers.SegformerForSemanticSegmentation(config).eval()
    folder = tmp_path_factory.mktemp("segformer")
    model.save_pretrained(folder)
    return model, folder


def _describe(folder, **settings):
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def test_equals_the_model_with_its_own_normalisation(segformer):
    model, folder = segformer
    _describe(
        folder, do_rescale=True, rescale_factor=1 / 255, image_mean=[0.5] * 3, image_std=[0.25] * 3
    )
    segmenter = adapter.load(str(folder))
    images = torch.rand(2, 3, 32, 48, requires_grad=True)
    logits = segmenter(images)
    with torch.no_grad():
        low = model(pixel_values=(images - 0.5) / 0.25).logits
    expected = F.interpolate(low, (32, 48), mode="bilinear", align_corners=False)
    torch.testing.assert_close(logits, expected)
    assert segmenter.info.classes == ("road", "sky", "car")
    assert not segmenter.training
    (gradient,) = torch.autograd.grad(logits.square().sum(), images)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize(
    ("settings", "mean", "std"),
    [
        ({"image_mean": [0.5], "image_std": [0.2], "rescale_factor": 1 / 255}, 0.5, 0.2),
        ({"image_mean": [127.5], "image_std": [51.0], "do_rescale": False}, 0.5, 0.2),
        ({"do_normalize": False, "rescale_factor": 1 / 255}, 0.0, 1.0),
        ({"do_normalize": False, "do_rescale": False}, 0.0, 1 / 255),
        ({"image_mean": [0.0], "image_std": [1.0], "rescale_factor": 1 / 127.5}, 0.0, 0.5),
    ],
)
def test_reads_every_way_of_normalising(segformer, settings, mean, std):
    _, folder = segformer
    repeated = {k: v * 3 if isinstance(v, list) else v for k, v in settings.items()}
    _describe(folder, **repeated)
    segmenter = adapter.load(str(folder))
    assert segmenter.info.mean == pytest.approx((mean,) * 3)
    assert segmenter.info.std == pytest.approx((std,) * 3)


def test_channel_order_and_missing_preprocessing(segformer):
    model, folder = segformer
    _describe(folder, do_normalize=False, do_flip_channel_order=True)
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        low = model(images.flip(1)).logits
        segmenter = adapter.load(str(folder))
        assert segmenter.info.bgr
        torch.testing.assert_close(
            segmenter(images),
            F.interpolate(low, (32, 32), mode="bilinear", align_corners=False),
        )
    (folder / "preprocessor_config.json").unlink()
    assert adapter.load(str(folder)).info.mean == IMAGENET_MEAN


@pytest.mark.parametrize(
    ("settings", "reduced"),
    [
        ({"do_reduce_labels": True}, True),
        ({"reduce_labels": True}, True),
        ({"do_reduce_labels": False}, False),
        ({"do_reduce_labels": None}, False),
        ({}, False),
    ],
)
def test_the_label_rule_of_the_model_is_kept(segformer, settings, reduced):
    _, folder = segformer
    _describe(folder, **settings)
    assert adapter.load(str(folder)).info.reduce_labels is reduced


def test_the_image_processor_inside_a_processor_counts(segformer):
    _, folder = segformer
    _describe(folder, image_mean=[0.1] * 3, image_std=[0.2] * 3)
    inner = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "do_reduce_labels": True}
    file = folder / "processor_config.json"
    file.write_text(json.dumps({"image_processor": inner}))
    try:
        info = adapter.load(str(folder)).info
    finally:
        file.unlink()
    assert info.mean == pytest.approx((0.5,) * 3)
    assert info.reduce_labels


def test_mask_and_class_queries(tmp_path):
    config = transformers.MaskFormerConfig(
        backbone_config=transformers.SwinConfig(
            image_size=32,
            patch_size=4,
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
        num_labels=4,
    )
    torch.manual_seed(0)
    transformers.MaskFormerForInstanceSegmentation(config).save_pretrained(tmp_path)
    segmenter = adapter.load(str(tmp_path))
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    logits = segmenter(images)
    assert logits.shape == (1, 4, 64, 64)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    assert gradient.abs().sum() > 0


def test_refuses_what_is_no_segmentation_model(tmp_path):
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="a bert model of transformers does not segment"):
        adapter.load(str(tmp_path))


def test_never_runs_code_that_comes_with_a_model(tmp_path, monkeypatch):
    auto_map = {"AutoConfig": "bomb.BombConfig"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bomb", "auto_map": auto_map}))
    (tmp_path / "bomb.py").write_text(
        f"import pathlib\nfrom transformers import PretrainedConfig\n"
        f"pathlib.Path({str(tmp_path / 'harmed')!r}).touch()\n"
        "class BombConfig(PretrainedConfig):\n    model_type = 'bomb'\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("y\ny\n"))
    with pytest.raises(InputError, match="transformers cannot load"):
        adapter.load(str(tmp_path))
    assert not (tmp_path / "harmed").exists()


def test_refuses_an_empty_folder_and_pickled_weights(tmp_path, segformer):
    with pytest.raises(InputError, match="transformers cannot load"):
        adapter.load(str(tmp_path))
    model, folder = segformer
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"transformers cannot load.*safetensors"):
        adapter.load(str(tmp_path))


@pytest.mark.parametrize("zoo", ["hf", "smp"])
def test_without_a_network_the_cache_is_named(monkeypatch, zoo):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        InputError, match=r"cannot load 'o/n': .* Downloads are kept in .*/hub: fetch"
    ):
        load_model(f"{zoo}:o/n")


def test_other_universal_models_are_refused_by_name(tmp_path):
    transformers.DetrConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"a detr model .* these do: .*mask2former.*segformer"):
        adapter.load(str(tmp_path))


@pytest.mark.parametrize(("settings", "index"), [({"ignore_index": 254}, 255), ({}, 255)])
def test_the_ignored_label_is_the_config_s(segformer, settings, index):
    _, folder = segformer
    _describe(folder, **settings)
    assert adapter.load(str(folder)).info.ignore_index == index
    assert adapter._ignore_index(object(), {"ignore_index": 254}, 3) == 254
    assert adapter._ignore_index(object(), {"ignore_index": 0}, 3) == 255
