"""Models of segmentation-models-pytorch: ``smp:folder`` or ``smp:owner/name``."""

from pathlib import Path

from art_segplugin.errors import InputError
from art_segplugin.models.info import CheckpointInfo, default_colours
from art_segplugin.models.optional import IMAGENET_MEAN, IMAGENET_STD, import_zoo
from art_segplugin.models.segmenter import Segmenter


def load(name: str) -> Segmenter:
    """Load a trained model; images are normalised as ImageNet's, and padded where it needs that.

    Args:
        name: Folder written by ``model.save_pretrained``, or a model of the Hugging Face hub.

    Returns:
        The model in eval mode.

    Raises:
        InputError: segmentation-models-pytorch is missing, or nothing is found under the name.
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
        model = smp.from_pretrained(name)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"segmentation-models-pytorch cannot load {name!r}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error
    count = model.segmentation_head[0].out_channels
    info = CheckpointInfo(
        architecture=f"smp:{name}",
        classes=tuple(f"class {index}" for index in range(count)),
        colours=default_colours(count),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        stride=model.encoder.output_stride if model.requires_divisible_input_shape else 1,
    )
    return Segmenter.from_info(model, info)
