"""Models whose changed weights can be written to a checkpoint and loaded again."""

from art_segplugin.errors import InputError
from art_segplugin.models import CheckpointInfo, Segmenter, load_model
from art_segplugin.models.checkpoint import ARCHITECTURES


def load_own(spec: str) -> tuple[Segmenter, CheckpointInfo]:
    """A shipped model or checkpoint of an architecture of this package, and its description.

    Raises:
        InputError: nothing that can be loaded, or a model of another architecture.
    """
    model = load_model(spec)
    if model.info is None or model.info.architecture not in ARCHITECTURES:
        raise InputError(
            f"{spec} is no checkpoint of this package's own networks "
            f"({', '.join(sorted(ARCHITECTURES))}); what came of it could not be loaded again."
        )
    return model, model.info
