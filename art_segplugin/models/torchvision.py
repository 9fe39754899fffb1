"""Pre-trained segmentation models and classifiers of torchvision: ``torchvision:fcn_resnet50``."""

from torch.hub import get_dir, load_state_dict_from_url

from art_segplugin.core.types import NO_VOID
from art_segplugin.errors import InputError
from art_segplugin.models.classifier import Classifier
from art_segplugin.models.info import CheckpointInfo, default_colours
from art_segplugin.models.optional import import_zoo
from art_segplugin.models.segmenter import Segmenter


def load(name: str) -> Segmenter:
    """Load a model with its default weights, downloaded once and kept by torch.

    The auxiliary head, which only training uses, is left out.

    Args:
        name: Name of a model in ``torchvision.models.segmentation``, such as ``fcn_resnet50``, or of an
            image classifier in ``torchvision.models``, such as ``resnet18``.

    Returns:
        The model in eval mode, with the normalisation of its weights; a Classifier for a classifier.

    Raises:
        InputError: torchvision is missing, the name is unknown, or the download fails.
    """
    import_zoo("torchvision")
    models = import_zoo("torchvision.models")
    segments = models.list_models(module=models.segmentation)
    if name not in segments and name not in models.list_models(module=models):
        raise InputError(
            f"torchvision has no segmentation model or classifier {name!r}; it has {segments}, and "
            "classifiers such as resnet18."
        )
    weights = models.get_model_weights(name).DEFAULT
    classes = tuple(weights.meta["categories"])
    wrapper: type[Segmenter] = Segmenter if name in segments else Classifier
    without_backbone = {"weights_backbone": None} if name in segments else {}
    model = models.get_model(name, weights=None, num_classes=len(classes), **without_backbone)
    try:
        # torchvision's own loader unpickles; numbers are all that is needed.
        tensors = load_state_dict_from_url(
            weights.url, map_location="cpu", check_hash=True, weights_only=True
        )
    except OSError as error:
        raise InputError(
            f"the weights of {name} cannot be downloaded: {error}; put {weights.url} into "
            f"{get_dir()}/checkpoints yourself."
        ) from error
    model.load_state_dict(
        {key: value for key, value in tensors.items() if not key.startswith("aux_classifier.")}
    )
    preprocessing = weights.transforms()
    info = CheckpointInfo(
        architecture=f"torchvision:{name}",
        classes=classes,
        colours=default_colours(len(classes)) if len(classes) <= 255 else (),
        ignore_index=255 if name in segments else NO_VOID,
        mean=tuple(preprocessing.mean),
        std=tuple(preprocessing.std),
        data=str(weights),
        task=wrapper.task,
    )
    return wrapper.from_info(model, info)
