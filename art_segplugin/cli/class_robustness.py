"""Class weights for `train` from what `diagnose` measured."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.training import robustness_weights


def measured_weights(path: Path, classes: Sequence[str], strength: float) -> Tensor:
    """Weights from the class accuracies under the strongest attack on the report's first model.

    Args:
        path: diagnosis.json, of data that are neither trained on nor judged by.
        classes: classes of the training data.
        strength: see `robustness_weights`.

    Raises:
        InputError: no such report, other classes, or a bad strength.
    """
    report = DiagnosisReport.load(path)
    if tuple(report.classes) != tuple(classes):
        raise InputError(
            f"{path} is about the classes {', '.join(report.classes)}, and the training data have "
            f"{', '.join(classes)}; diagnose a model on held-out data of the same kind."
        )
    attacked = report.models[0].results[1:] if report.models else []
    if not attacked or any(len(one.class_accuracy) != len(classes) for one in attacked):
        raise InputError(f"{path} holds no attack on a model of these classes; diagnose one.")
    strongest = min(attacked, key=lambda result: result.accuracy)
    return robustness_weights(torch.tensor(strongest.class_accuracy), strength)
