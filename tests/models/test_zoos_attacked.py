"""Every zoo through its real library, with random weights and without a network.

Logits and gradients equal a forward pass written out by hand, in float64, and SegPGD works on them.
"""

import copy
import itertools
import json
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.attacks import segpgd
from art_segplugin.errors import InputError
from art_segplugin.models import load_model
from art_segplugin.models import torchvision as torchvision_adapter

transformers = pytest.importorskip("transformers")
smp = pytest.importorskip("segmentation_models_pytorch")
torchvision_models = pytest.importorskip("torchvision.models")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # sizes of training; see below

MEAN, STD = 0.375, 0.25  # what float32 holds exactly
CLASSES, SIZE = 4, (64, 48)
EPS = 1 / 255  # so small that a step up the gradient of any network is one up its loss


def resize(x, size, antialias=False):
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=antialias)


def livelier(model):
    """Weights so large that the output depends on the image."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter)
    return model


def swin():
    return transformers.SwinConfig(
        image_size=32,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def segformer():
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
    return transformers.SegformerForSemanticSegmentation(config)


def upernet():
    backbone = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        auxiliary_channels=8,
        auxiliary_in_channels=16,
        pool_scales=[1, 2],
        num_labels=CLASSES,
    )
    return transformers.UperNetForSemanticSegmentation(config)


VIT = {
    "image_size": 32,
    "patch_size": 4,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_labels": CLASSES,
}


def beit():
    config = transformers.BeitConfig(
        **VIT,
        out_indices=[1, 2, 3, 4],
        use_relative_position_bias=True,
        pool_scales=[1, 2],
        auxiliary_channels=8,
        vocab_size=8,
    )
    return transformers.BeitForSemanticSegmentation(config)


def data2vec():
    config = transformers.Data2VecVisionConfig(
        **VIT,
        out_indices=[1, 2, 3, 4],
        use_relative_position_bias=True,
        pool_scales=[1, 2],
        auxiliary_channels=8,
    )
    return transformers.Data2VecVisionForSemanticSegmentation(config)


def dpt():
    config = transformers.DPTConfig(
        **VIT,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        is_hybrid=False,
    )
    return transformers.DPTForSemanticSegmentation(config)


def mobilenet():
    config = transformers.MobileNetV2Config(
        depth_multiplier=0.25, image_size=32, num_labels=CLASSES
    )
    model = transformers.MobileNetV2ForSemanticSegmentation(config)
    return livelier(model)


def mask2former():
    config = transformers.Mask2FormerConfig(
        backbone_config=swin(),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        num_queries=6,
        num_labels=CLASSES,
    )
    return transformers.Mask2FormerForUniversalSegmentation(config)


def maskformer():
    decoder = transformers.DetrConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_queries=5,
    )
    config = transformers.MaskFormerConfig(
        backbone_config=swin(),
        decoder_config=decoder,
        fpn_feature_size=32,
        mask_feature_size=16,
        num_labels=CLASSES,
    )
    return transformers.MaskFormerForInstanceSegmentation(config)


def oneformer():
    config = transformers.OneFormerConfig(
        backbone_config=swin(),
        num_queries=6,
        text_encoder_width=16,
        text_encoder_num_layers=1,
        text_encoder_vocab_size=64,
        text_encoder_proj_layers=1,
        text_encoder_n_ctx=2,
        conv_dim=32,
        mask_dim=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        query_dec_layers=1,
        num_labels=CLASSES,
    )
    return transformers.OneFormerForUniversalSegmentation(config)


def eomt():
    config = transformers.EomtConfig(
        **VIT, mlp_ratio=2, num_blocks=1, num_queries=5, num_upscale_blocks=1
    )
    return transformers.EomtForUniversalSegmentation(config)


LETTERS = [f"{letter}{end}" for letter in "thesakimnc" for end in ("", "</w>")]
VOCABULARY = [*LETTERS, "<|startoftext|>", "<|endoftext|>"]


def write_tokenizer(folder):
    """CLIP's tokenizer, with a vocabulary of the letters of OneFormer's task."""
    numbers = {token: number for number, token in enumerate(VOCABULARY)}
    (folder / "vocab.json").write_text(json.dumps(numbers))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))


def task_tokens():
    words = ["the", "task", "is", "semantic"]
    letters = [[*word[:-1], f"{word[-1]}</w>"] for word in words]
    tokens = ["<|startoftext|>", *itertools.chain(*letters), "<|endoftext|>"]
    numbers = [VOCABULARY.index(token) for token in tokens]
    return torch.tensor([numbers + [0] * (77 - len(numbers))])


def dense(model, images):
    """Logits of every pixel."""
    return resize(model(pixel_values=(images - MEAN) / STD).logits, images.shape[-2:])


def of_trained_size(model, images):
    small = resize((images - MEAN) / STD, (32, 32), antialias=True)
    return resize(model(pixel_values=small).logits, images.shape[-2:])


def shares(classes, masks, size):
    """Logarithm of each class's share of the semantic scores."""
    probabilities = classes.softmax(-1)[:, :, :-1]
    scores = sum(
        probabilities[:, query, :, None, None] * masks[:, query].sigmoid()[:, None]
        for query in range(masks.shape[1])
    )
    scores = resize(scores, size)
    return torch.log(scores / scores.sum(1, keepdim=True))


def queries(model, images, masks_at=None, **inputs):
    result = model(pixel_values=(images - MEAN) / STD, **inputs)
    masks = result.masks_queries_logits
    masks = masks if masks_at is None else resize(masks, masks_at)
    return shares(result.class_queries_logits, masks, images.shape[-2:])


def of_eomt(model, images):
    result = model(pixel_values=resize((images - MEAN) / STD, (32, 32), antialias=True))
    masks = resize(result.masks_queries_logits, (32, 32))
    return shares(result.class_queries_logits, masks, images.shape[-2:])


TRANSFORMERS = {
    "segformer": (segformer, dense),
    "upernet": (upernet, dense),
    "beit": (beit, of_trained_size),
    "data2vec": (data2vec, of_trained_size),
    "dpt": (dpt, of_trained_size),
    "mobilenet": (mobilenet, dense),
    "mask2former": (mask2former, lambda m, x: queries(m, x, (384, 384))),
    "maskformer": (maskformer, queries),
    "oneformer": (
        oneformer,
        lambda m, x: queries(m, x, task_inputs=task_tokens().expand(len(x), -1)),
    ),
    "eomt": (eomt, of_eomt),
}


def hf(name, folder):
    make, by_hand = TRANSFORMERS[name]
    model = make().eval()
    if by_hand not in (dense, of_trained_size):
        livelier(model)
    model.save_pretrained(folder)
    settings = {"image_mean": [MEAN] * 3, "image_std": [STD] * 3, "rescale_factor": 1 / 255}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    if name == "oneformer":
        write_tokenizer(folder)
    model = model.double()
    return f"hf:{folder}", lambda images: by_hand(model, images)


def smp_model(folder, **options):
    model = smp.create_model(encoder_weights=None, classes=CLASSES, **options).eval()
    model.save_pretrained(folder)
    return f"smp:{folder}", model.double()


def imagenet(model):
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float32).double().view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float32).double().view(1, 3, 1, 1)
    return lambda images: model((images - mean) / std)


def smp_unet(folder, monkeypatch):
    spec, model = smp_model(folder, arch="unet", encoder_name="mobilenet_v2")
    return spec, imagenet(model)


def smp_timm(folder, monkeypatch):
    spec, model = smp_model(folder, arch="fpn", encoder_name="tu-resnet10t")
    padded = lambda x: F.pad(x, (0, -x.shape[-1] % 32, 0, -x.shape[-2] % 32), mode="replicate")  # noqa: E731
    by_hand = imagenet(model)
    return spec, lambda x: by_hand(padded(x))[..., : x.shape[-2], : x.shape[-1]]


def torchvision(folder, monkeypatch):
    model = torchvision_models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None
    ).eval()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    monkeypatch.setattr(torchvision_adapter, "load_state_dict_from_url", lambda *_, **__: state)
    by_hand = imagenet(model.double())
    return "torchvision:lraspp_mobilenet_v3_large", lambda images: by_hand(images)["out"]


def small_net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, CLASSES, 1)
    ).double()


def torchscript(folder, monkeypatch):
    model = small_net()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.freeze(torch.jit.script(model.eval())), str(folder / "net.pt"))
    return str(folder / "net.pt"), model


def export(folder, monkeypatch):
    model = small_net()
    example = torch.rand(1, 3, *SIZE, dtype=torch.float64)
    torch.export.save(torch.export.export(model, (example,)), str(folder / "net.pt2"))
    return str(folder / "net.pt2"), model


def _code(folder, file):
    model = small_net()
    torch.save(model.state_dict(), folder / "weights.pth")
    (folder / file).write_text(
        "import torch\nfrom torch import nn\n"
        "def build():\n"
        "    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))\n"
        f"    net.load_state_dict(torch.load({str(folder / 'weights.pth')!r}, weights_only=True))\n"
        "    return net\n"
    )
    return model


def hub(folder, monkeypatch):
    model = _code(folder, "hubconf.py")
    return f"hub:{folder}:build", model


def function(folder, monkeypatch):
    model = _code(folder, "own.py")
    return f"{folder / 'own.py'}:build", model


OTHERS = (smp_unet, smp_timm, torchvision, torchscript, export, hub, function)


@pytest.fixture(params=[*TRANSFORMERS, *(make.__name__ for make in OTHERS)])
def zoo(request, tmp_path, monkeypatch):
    """A model's spec, and its logits written out for images in [0, 1]."""
    torch.manual_seed(0)
    others = {make.__name__: make for make in OTHERS}
    if request.param in TRANSFORMERS:
        return hf(request.param, tmp_path)
    return others[request.param](tmp_path, monkeypatch)


def test_logits_gradients_and_attack(zoo):
    spec, by_hand = zoo
    model = load_model(spec)
    model = model if spec.endswith((".pt", ".pt2")) else model.double()
    images = torch.rand(2, 3, *SIZE, dtype=torch.float64, requires_grad=True)
    logits, expected = model(images), by_hand(images)
    assert logits.shape == (2, logits.shape[1], *SIZE)
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)
    direction = torch.randn_like(logits)
    (gradient,) = torch.autograd.grad((logits * direction).sum(), images)
    (by_hand_gradient,) = torch.autograd.grad((expected * direction).sum(), images)
    scale = by_hand_gradient.abs().max()
    assert scale > 0
    torch.testing.assert_close(gradient, by_hand_gradient, rtol=1e-7, atol=1e-9 * scale.item())

    images = images.detach()
    with torch.no_grad():
        labels = model(images).argmax(1)
    attacked = segpgd(eps=EPS, step_size=EPS / 2, steps=2, random_start=False)(
        model, images, labels
    )
    assert (attacked - images).abs().max() <= EPS + 1e-12
    assert 0 <= attacked.min() <= attacked.max() <= 1
    with torch.no_grad():
        before, after = (F.cross_entropy(model(x), labels) for x in (images, attacked))
    assert after > before


@pytest.mark.parametrize("name", ["mask2former", "maskformer", "oneformer", "eomt"])
def test_class_maps_are_those_of_the_library_s_post_processing(name, tmp_path):
    torch.manual_seed(1)
    spec, _ = hf(name, tmp_path)
    segmenter = load_model(spec)
    processor = {
        "mask2former": transformers.Mask2FormerImageProcessor,
        "maskformer": transformers.MaskFormerImageProcessor,
        "oneformer": transformers.OneFormerImageProcessor,
        "eomt": transformers.EomtImageProcessor,
    }[name]
    # of an image as large as EoMT's, which its processor does not cut into windows then
    size = (32, 32) if name == "eomt" else SIZE
    images = torch.rand(2, 3, *size)
    network = next(m for m in segmenter.modules() if isinstance(m, transformers.PreTrainedModel))
    given = {"task_inputs": task_tokens().expand(2, -1)} if name == "oneformer" else {}
    with torch.no_grad():
        result = network((images - MEAN) / STD, **given)
    # queries of many classes, so that the map has many
    result.class_queries_logits = 3 * torch.randn_like(result.class_queries_logits)
    result.masks_queries_logits = 5 * torch.randn_like(result.masks_queries_logits)
    network.forward = lambda *_, **__: copy.copy(result)
    logits = segmenter(images)
    if name == "eomt":
        made = processor(size={"shortest_edge": 32, "longest_edge": 32}, do_split_image=False)
        result.patch_offsets = [(0, 0, 32), (1, 0, 32)]
    else:
        made = processor.__new__(processor)  # its constructor downloads OneFormer's class names
    maps = made.post_process_semantic_segmentation(result, target_sizes=[size] * 2)
    assert torch.equal(logits.argmax(1), torch.stack(list(maps)))
    assert len(logits.argmax(1).unique()) > 1


def test_a_size_of_training_is_said(tmp_path):
    spec, _ = hf("beit", tmp_path)
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    for size, said in (
        ({"height": 48, "width": 40}, "48x40"),
        ({"shortest_edge": 9}, "32x32"),
        (36, "36x36"),
    ):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({**settings, "size": size}))
        with pytest.warns(UserWarning, match=f"was trained on {said} pixels: images are resized"):
            model = load_model(spec)
        assert model(torch.rand(1, 3, 50, 30)).shape == (1, CLASSES, 50, 30)


def test_a_backbone_alone_is_no_model(tmp_path):
    config = segformer().config
    transformers.SegformerModel(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"holds no weights of decode_head.*a backbone perhaps"):
        load_model(f"hf:{tmp_path}")


def test_half_precision_weights_are_computed_in_single_precision(tmp_path):
    segformer().half().save_pretrained(tmp_path)
    assert load_model(f"hf:{tmp_path}")(torch.rand(1, 3, 32, 32)).dtype == torch.float32
