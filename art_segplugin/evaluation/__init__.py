"""Attack images, data sets and clips, and score what the model says of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from art_segplugin.evaluation.dataset import ResultStore, evaluate, predict
    from art_segplugin.evaluation.diagnosis import ModelCounts, attack_counts, diagnose
    from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
    from art_segplugin.evaluation.regions import Regions
    from art_segplugin.evaluation.result import (
        AttackResult,
        BatchResult,
        Example,
        ImageScore,
        RobustnessReport,
        WorstCaseResult,
        examples,
        summarise,
    )
    from art_segplugin.evaluation.worst_case import worst_cases

__all__ = [
    "AttackResult",
    "BatchResult",
    "DiagnosisReport",
    "Example",
    "ImageScore",
    "ModelCounts",
    "Regions",
    "ResultStore",
    "RobustnessReport",
    "WorstCaseResult",
    "attack_counts",
    "diagnose",
    "evaluate",
    "examples",
    "predict",
    "summarise",
    "worst_cases",
]

_MODULES = ("result", "dataset", "diagnosis", "diagnosis_report", "regions", "worst_case")


def __getattr__(name: str) -> Any:
    """Import what is asked for: documents take a sixth of a second, which the app has not got."""
    if name in __all__:
        for module in _MODULES:
            home = import_module(f"{__name__}.{module}")
            if hasattr(home, name):
                return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
