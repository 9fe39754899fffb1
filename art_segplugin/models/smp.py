"""Models of segmentation-models-pytorch: ``smp:folder`` or ``smp:owner/name``."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from art_segplugin.errors import InputError, warn
from art_segplugin.models.info import CheckpointInfo, default_colours
from art_segplugin.models.optional import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    download_hint,
    import_zoo,
    one_line,
)
from art_segplugin.models.segmenter import Segmenter


def load(name: str) -> Segmenter:
    """Load a trained model; images are padded where it needs that.

    Images are normalised as the pre-trained weights of its encoder want, and as ImageNet's where it
    began with none; images that are not RGB are not normalised. An activation behind the last layer
    and the head that labels whole images are left out.

    Args:
        name: Folder written by ``model.save_pretrained``, or a model of the Hugging Face hub.

    Returns:
        The model in eval mode.

    Raises:
        InputError: segmentation-models-pytorch is missing, nothing is found under the name, or it does
            not fit.
    """
    smp = import_zoo("segmentation_models_pytorch")
    if (
        name.partition("/")[0].lower() in smp.MODEL_ARCHITECTURES_MAPPING
        and not Path(name).exists()
    ):
        raise InputError(
            f"segmentation-models-pytorch has no trained weights for {name!r}: train such a model, "
            "write it with model.save_pretrained(FOLDER) and give smp:FOLDER."
        )
    try:
        # The weights of the encoder are among those of the model; its own are not downloaded.
        model = smp.from_pretrained(name, encoder_weights=None).float()
        config = _config(name)
    except Exception as error:  # a file that does not fit raises whatever reads it
        raise InputError(
            f"segmentation-models-pytorch cannot load {name!r}: {one_line(error)}"
            f"{download_hint(name)}"
        ) from error
    model.segmentation_head[2] = nn.Identity()
    model.classification_head = None
    count = model.segmentation_head[0].out_channels
    mean, std, bgr = _normalisation(smp, config)
    info = CheckpointInfo(
        architecture=f"smp:{name}",
        classes=tuple(f"class {index}" for index in range(count)) if count > 1 else ("foreground",),
        colours=default_colours(count) if count <= 255 else (),
        mean=mean,
        std=std,
        bgr=bgr,
        in_channels=len(mean),
        stride=model.encoder.output_stride if model.requires_divisible_input_shape else 1,
    )
    return Segmenter.from_info(model, info)


def _config(name: str) -> dict[str, Any]:
    """What the model was made with."""
    file = Path(name) / "config.json"
    if not file.is_file():
        file = Path(import_zoo("huggingface_hub").hf_hub_download(name, "config.json"))
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return config


def _normalisation(
    smp: Any, config: dict[str, Any]
) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Mean and std for RGB images in [0, 1], and whether the network wants BGR."""
    channels, encoder = config.get("in_channels", 3), config.get("encoder_name", "resnet34")
    if channels != 3:
        return (0.0,) * channels, (1.0,) * channels, False
    weights = config.get("encoder_weights")
    if weights is None:
        return IMAGENET_MEAN, IMAGENET_STD, False
    try:
        settings = smp.encoders.get_preprocessing_params(encoder, weights)
    except Exception as error:  # of the hub's client, which has many
        warn(
            f"how the encoder {encoder} ({weights}) wants its images cannot be looked up "
            f"({one_line(error, 100)}): they are normalised as ImageNet's."
        )
        return IMAGENET_MEAN, IMAGENET_STD, False
    bgr = settings["input_space"] == "BGR"
    # Images keep the scale 0..255 where that is its range; BGR models have their numbers in that order.
    scale, step = settings["input_range"][1], -1 if bgr else 1
    mean, std = (tuple(value / scale for value in settings[key])[::step] for key in ("mean", "std"))
    return mean, std, bgr
