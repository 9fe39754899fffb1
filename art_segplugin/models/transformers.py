"""Segmentation models of Hugging Face transformers: ``hf:owner/name`` or ``hf:folder``."""

import json
from pathlib import Path
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.models.info import CheckpointInfo, default_colours
from art_segplugin.models.optional import IMAGENET_MEAN, IMAGENET_STD, import_zoo
from art_segplugin.models.segmenter import Segmenter


def load(name: str) -> Segmenter:
    """Load a semantic or universal segmentation model and its normalisation.

    Only safetensors weights are read, and no code that comes with a model is run.

    Args:
        name: Folder written by ``save_pretrained``, or a model of the Hugging Face hub.

    Returns:
        The model in eval mode. Its normalisation is that of ``preprocessor_config.json``, and
        ImageNet's where there is none.

    Raises:
        InputError: transformers is missing, nothing is found under the name, or it is no segmentation
            model.
    """
    transformers = import_zoo("transformers")
    local = Path(name).is_dir()
    try:
        config = transformers.AutoConfig.from_pretrained(
            name, local_files_only=local, trust_remote_code=False
        )
        model = _model_class(transformers, config).from_pretrained(
            name,
            config=config,
            local_files_only=local,
            use_safetensors=True,
            trust_remote_code=False,
        )
        preprocessing = _preprocessing(transformers, name, local)
    except (OSError, ValueError) as error:
        raise InputError(
            f"transformers cannot load {name!r}: {' '.join(str(error).split())[:300]}"
        ) from error
    mean, std = _normalisation(preprocessing)
    labels = config.id2label
    classes = tuple(str(labels[index]) for index in sorted(labels))
    info = CheckpointInfo(
        architecture=f"hf:{name}",
        classes=classes,
        colours=default_colours(len(classes)),
        ignore_index=getattr(config, "semantic_loss_ignore_index", 255),
        mean=mean,
        std=std,
        bgr=bool(preprocessing.get("do_flip_channel_order")),
        reduce_labels=bool(_first(preprocessing, "do_reduce_labels", "reduce_labels")),
    )
    return Segmenter.from_info(model, info)


def _model_class(transformers: Any, config: Any) -> Any:
    if type(config) in transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING:
        return transformers.AutoModelForSemanticSegmentation
    if type(config) in transformers.MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING:
        return transformers.AutoModelForUniversalSegmentation
    raise InputError(f"a {config.model_type} model of transformers does not segment images.")


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
