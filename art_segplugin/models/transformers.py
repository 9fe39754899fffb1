"""Segmentation models of Hugging Face transformers: ``hf:owner/name`` or ``hf:folder``."""

import json
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.errors import InputError, warn
from art_segplugin.models.fixed_shape import FixedShape
from art_segplugin.models.info import CheckpointInfo, default_colours
from art_segplugin.models.optional import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    download_hint,
    import_zoo,
    one_line,
)
from art_segplugin.models.segmenter import Segmenter

QUERIES = ("mask2former", "maskformer", "oneformer", "eomt", "eomt_dinov3")
"""Models of masks and classes whose semantic scores are known."""
TRAINED_SIZE = ("beit", "data2vec-vision", "dpt", "eomt", "eomt_dinov3")
"""Models whose positions are those of the images they were trained on."""
_TASK = "the task is semantic"


def load(name: str) -> Segmenter:
    """Load a semantic or universal segmentation model and what it says about images and labels.

    Only safetensors weights are read, in single precision, and no code that comes with a model is run.
    Models of `TRAINED_SIZE` see images resized to the size of their image processor, each side by
    itself, and their logits are enlarged back (`FixedShape`); EoMT's own evaluation takes windows
    instead. All others see images as they are given.

    Args:
        name: Folder written by ``save_pretrained``, or a model of the Hugging Face hub.

    Returns:
        The model in eval mode. Normalisation, channel order and label rule are those of
        ``preprocessor_config.json``, and ImageNet's normalisation where there is none.

    Raises:
        InputError: transformers is missing, nothing is found under the name, it is no segmentation
            model, or its weights are not all there.
    """
    transformers = import_zoo("transformers")
    local = Path(name).is_dir()
    where = {"local_files_only": local, "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(name, **where)
        model, found = _model_class(transformers, config).from_pretrained(
            name, config=config, use_safetensors=True, output_loading_info=True, **where
        )
        preprocessing = _preprocessing(transformers, name, local)
        network = _adapted(transformers, model.float(), preprocessing, name, where)
    except InputError:
        raise
    except Exception as error:  # a file that does not fit raises whatever reads it
        raise InputError(
            f"transformers cannot load {name!r}: {one_line(error)}{download_hint(name)}"
        ) from error
    parameters = dict(model.named_parameters())
    missing = [key for key in sorted(found["missing_keys"]) if key in parameters]
    if missing:
        raise InputError(
            f"{name!r} holds no weights of {missing[0]} and {len(missing) - 1} more: it is not a trained "
            "segmentation model, a backbone perhaps."
        )
    mean, std = _normalisation(preprocessing)
    labels = config.id2label
    classes = tuple(str(labels[index]) for index in sorted(labels))
    info = CheckpointInfo(
        architecture=f"hf:{name}",
        classes=classes,
        colours=default_colours(len(classes)) if len(classes) <= 255 else (),
        ignore_index=_ignore_index(config, preprocessing, len(classes)),
        mean=mean,
        std=std,
        bgr=bool(preprocessing.get("do_flip_channel_order")),
        reduce_labels=bool(_first(preprocessing, "do_reduce_labels", "reduce_labels")),
    )
    return Segmenter.from_info(network, info)


class _WithTask(nn.Module):
    """OneFormer, told that the task is semantic segmentation."""

    tokens: Tensor

    def __init__(self, model: nn.Module, tokens: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("tokens", tokens, persistent=False)

    def forward(self, images: Tensor) -> Any:
        return self.model(images, task_inputs=self.tokens.expand(len(images), -1))


class _FullMasks(nn.Module):
    """EoMT with its masks enlarged before they become scores, as its image processor does."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Any:
        result = self.model(images)
        result.masks_queries_logits = F.interpolate(
            result.masks_queries_logits, images.shape[-2:], mode="bilinear", align_corners=False
        )
        return result


def _adapted(
    transformers: Any, model: nn.Module, settings: dict[str, Any], name: str, where: dict[str, Any]
) -> nn.Module:
    """Let the model take images alone, and of any size."""
    config: Any = model.config
    kind = config.model_type
    if kind == "oneformer":
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **where)
        tokens = tokenizer(
            [_TASK],
            padding="max_length",
            max_length=config.task_seq_len,
            truncation=True,
            return_tensors="pt",
        )
        # What lies behind the end is 0 here, whatever the tokenizer fills with.
        return _WithTask(model, tokens["input_ids"] * tokens["attention_mask"])
    if kind not in TRAINED_SIZE:
        return model
    size = _pair(config.image_size)
    if kind.startswith("eomt"):
        model = _FullMasks(model)
    elif kind in ("beit", "dpt") and (wanted := _wanted_size(settings)):
        size = wanted
    warn(
        f"hf:{name} was trained on {size[0]}x{size[1]} pixels: images are resized to that inside the "
        "model, and its logits enlarged back."
    )
    return FixedShape(model, size)


def _wanted_size(settings: dict[str, Any]) -> tuple[int, int] | None:
    """Height and width that the image processor makes of every image."""
    size = settings.get("size")
    if isinstance(size, dict):
        return (size["height"], size["width"]) if "height" in size else None
    return None if size is None else _pair(size)


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _model_class(transformers: Any, config: Any) -> Any:
    if type(config) in transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING:
        return transformers.AutoModelForSemanticSegmentation
    if config.model_type in QUERIES:
        return transformers.AutoModelForUniversalSegmentation
    raise InputError(
        f"a {config.model_type} model of transformers does not segment images into classes; these do: "
        f"{', '.join(_names(transformers))}."
    )


def _names(transformers: Any) -> list[str]:
    semantic = transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING
    return sorted({config.model_type for config in semantic} | set(QUERIES))


def _ignore_index(config: Any, settings: dict[str, Any], classes: int) -> int:
    """The label that the model's training left out, where that is no class."""
    for index in (
        getattr(config, "semantic_loss_ignore_index", None),
        settings.get("ignore_index"),
    ):
        if isinstance(index, int) and not 0 <= index < classes:
            return index
    return 255


def _preprocessing(transformers: Any, name: str, local: bool) -> dict[str, Any]:
    """What the image processor of the model does, as transformers itself looks it up."""
    for filename in ("processor_config.json", "preprocessor_config.json"):
        found = transformers.utils.cached_file(
            name,
            filename,
            local_files_only=local,
            _raise_exceptions_for_missing_entries=False,
        )
        if found is None:
            continue
        settings: dict[str, Any] = json.loads(Path(found).read_text(encoding="utf-8"))
        if filename == "preprocessor_config.json":
            return settings
        if "image_processor" in settings:  # a processor of text and images
            return dict(settings["image_processor"])
    return {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}


def _first(settings: dict[str, Any], *keys: str) -> Any:
    """The value of the first key that is there; older files have other names."""
    return next((settings[key] for key in keys if key in settings), None)


def _normalisation(settings: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std for images in [0, 1]; the settings are for values in 0..255."""
    rescales = settings.get("do_rescale", True)
    unit = 255 * (settings.get("rescale_factor", 1 / 255) if rescales else 1)
    normalises = settings.get("do_normalize", "image_mean" in settings)
    mean = settings.get("image_mean", IMAGENET_MEAN) if normalises else (0.0, 0.0, 0.0)
    std = settings.get("image_std", IMAGENET_STD) if normalises else (1.0, 1.0, 1.0)
    return tuple(value / unit for value in mean), tuple(value / unit for value in std)
